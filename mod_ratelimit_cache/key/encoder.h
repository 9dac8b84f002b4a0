/* How values become parts of a key, be they a request's or given by somebody. */
#ifndef RL_KEY_ENCODER_H
#define RL_KEY_ENCODER_H

#include "../core/address.h"
#include "key.h"

/* What the encoding of a part starts with; no two sorts of value share one. */
enum { RL_VALUE_MISSING, RL_VALUE_TEXT, RL_VALUE_ADDRESS, RL_VALUE_NOTHING };

/* A key that is being made of values. */
typedef struct rl_key_encoder {
    const rl_key_spec_t *spec;
    const rl_network_bits_t *bits;
    rl_key_builder_t *builder;
    bool missing; /* a part had no value */
} rl_key_encoder_t;

void rl_key_add_missing(rl_key_encoder_t *encoder);

/* Text as it came; nothing but white space is no value. */
void rl_key_add_bytes(rl_key_encoder_t *encoder, const char *text, size_t len);

/* The same; NULL is no value either. */
void rl_key_add_string(rl_key_encoder_t *encoder, const char *text);

/* Text that people type. What can't be folded is no value: its author could write it in any
 * number of ways that an application takes for one. */
void rl_key_add_typed(rl_key_encoder_t *encoder, const char *text, size_t len);

/* A method that httpd doesn't know: scripts don't tell methods apart by letter case. */
void rl_key_add_unknown_method(rl_key_encoder_t *encoder, apr_pool_t *pool, const char *method);

/* A whole address, which is masked as the part says. */
void rl_key_add_address(rl_key_encoder_t *encoder, const rl_key_part_t *part,
                        const rl_address_t *address);

#endif
