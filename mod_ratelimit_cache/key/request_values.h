/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made from the values that a request has. */
#ifndef RL_KEY_REQUEST_VALUES_H
#define RL_KEY_REQUEST_VALUES_H

#include "../core/pass/pass.h"
#include "body.h"
#include "fields.h"
#include "key.h"

/* The encoded values of one key's parts. They are kept from one rule to the next, because rules
 * often have the same key. */
typedef struct rl_key_values {
    const rl_key_spec_t *spec; /* whose parts these values are for; NULL: none yet */
    rl_body_t *body;           /* what was read early of the request's body, or NULL */
    rl_fields_t *query;        /* fields of its query string, read together; NULL: each is read
                                * by itself */
    const rl_pass_shown_t *pass; /* what the client shows; NULL: nothing */
    rl_network_bits_t bits;      /* that addresses were cut to */
    const rl_charset_t *charset; /* that forms were decoded from */
    rl_key_result_e result;
    rl_key_builder_t builder; /* the values, added to a key */
    bool spelled;             /* the spelling is known */
    rl_digest_t spelling;     /* of text that people type, as it was written before folding */
} rl_key_values_t;

/* Has no values yet. To be called before the first key of a request. */
static inline void rl_key_values_begin(rl_key_values_t *values, rl_body_t *body,
                                       rl_fields_t *query, const rl_pass_shown_t *pass)
{
    values->spec = NULL;
    values->body = body;
    values->query = query;
    values->pass = pass;
}

/* Makes the key from the request's values; sets *digest unless the result is RL_KEY_ANONYMOUS.
 * Uses what is in `values` if it is for the same parts and prefix lengths; otherwise reads the
 * values from the request, and leaves them in `values`. They may be used again only for the
 * same request and secret, and only as long as nothing else has run that may change the
 * request. */
rl_key_result_e rl_key_of_request(request_rec *r, const rl_key_terms_t *terms,
                                  rl_key_values_t *values, rl_digest_t *digest);

/* Returns the digest that the key of these values has in another scope, which may be made with
 * another secret. (A long value's own digest was made with the key's.) */
rl_digest_t rl_key_elsewhere(rl_key_values_t *values, const rl_scope_t *scope);

#endif
