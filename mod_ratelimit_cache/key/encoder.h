/* SPDX-License-Identifier: Apache-2.0 */
/* How the values of a key's parts are encoded, whether a request has them or another module
 * gives them: a value counts the same either way. */
#ifndef RL_KEY_ENCODER_H
#define RL_KEY_ENCODER_H

#include "../core/address.h"
#include "key.h"

/* The kinds of parts, for rl_key_add(). No two sorts of value share a kind, so that a value of
 * one sort never equals one of another. NOTHING is the part `all`. */
enum { RL_VALUE_MISSING, RL_VALUE_TEXT, RL_VALUE_ADDRESS, RL_VALUE_NOTHING };

/* A key that is being made from values. */
typedef struct rl_key_encoder {
    const rl_key_spec_t *spec;
    const rl_network_bits_t *bits; /* the location's */
    rl_key_builder_t *builder;     /* what the parts are added to */
    bool missing;                  /* a part had no value, or one in doubt */
    bool absent;                   /* a part was certainly not there */
} rl_key_encoder_t;

/* Each adds a part that has no value, and notes why in the encoder. Both make the same key. */
void rl_key_add_missing(rl_key_encoder_t *encoder);
void rl_key_add_absent(rl_key_encoder_t *encoder);

/* Adds text as it is. Text that is empty or only white space is no value. */
void rl_key_add_bytes(rl_key_encoder_t *encoder, const char *text, size_t len);

/* Adds text that ends with a NUL, like rl_key_add_bytes(). NULL is no value. */
void rl_key_add_string(rl_key_encoder_t *encoder, const char *text);

/* Adds text that people type: folded, unless the rule has fold=off. Text that isn't UTF-8 is
 * taken for ISO-8859-1, in which some clients still send the user names of Basic
 * authentication. Text that folding refuses is no value: its author could write it in any
 * number of ways that an application takes for the same name. */
void rl_key_add_typed(rl_key_encoder_t *encoder, const char *text, size_t len);

/* Adds text that people type into forms, like rl_key_add_typed(), but text that isn't UTF-8 is
 * no value. */
void rl_key_add_utf8(rl_key_encoder_t *encoder, const char *text, size_t len);

/* Adds a method that httpd has no number for, in upper case, because scripts don't tell methods
 * apart by letter case. HEAD counts as GET. The pool is for scratch memory. */
void rl_key_add_unknown_method(rl_key_encoder_t *encoder, apr_pool_t *pool, const char *method);

/* Adds the network of a full address: cut to the part's prefix length, or to the location's if
 * the part has none. */
static inline void rl_key_add_address(rl_key_encoder_t *encoder, const rl_key_part_t *part,
                                      const rl_address_t *address)
{
    const int v4bits = part->v4bits >= 0 ? part->v4bits : encoder->bits->v4bits;
    const int v6bits = part->v6bits >= 0 ? part->v6bits : encoder->bits->v6bits;
    unsigned char padded[RL_KEY_PADDED + RL_SIPHASH_BLOCK] = {0};
    rl_address_t masked = *address;
    const uint8_t *identity;
    size_t size;
    rl_address_mask(&masked, (unsigned)v4bits, (unsigned)v6bits);
    identity = rl_address_identity(&masked, &size);
    memcpy(padded, identity, RL_ADDRESS_IDENTITY_MAX); /* zeros follow IPv4's */
    rl_key_add_padded(encoder->builder, RL_VALUE_ADDRESS, padded, size);
}

#endif
