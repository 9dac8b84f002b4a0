/* Keys of requests. */
#ifndef RL_KEY_REQUEST_VALUES_H
#define RL_KEY_REQUEST_VALUES_H

#include "body.h"
#include "key.h"

/* The values of a key's parts, encoded; kept between rules, which often have the same key. Set
 * spec to NULL, and body, before the first key of a request is made. */
typedef struct rl_key_values {
    const rl_key_spec_t *spec; /* NULL: there are none yet */
    rl_body_t *body;           /* what was read early of the request's body, or NULL */
    rl_network_bits_t bits;
    rl_key_result_e result;
    rl_key_builder_t builder;
} rl_key_values_t;

/* Hashes the values that the request has for the key's parts. Takes what it finds in `values`,
 * if that is of the same parts and prefix lengths, and leaves there what it has found: for the
 * same request, secret and moment only. Sets *digest unless the result is RL_KEY_ANONYMOUS. */
rl_key_result_e rl_key_of_request(request_rec *r, const rl_key_terms_t *terms,
                                  rl_key_values_t *values, rl_digest_t *digest);

#endif
