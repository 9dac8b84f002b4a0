/* Keys: which requests are counted together. */
#ifndef RL_KEY_KEY_H
#define RL_KEY_KEY_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

#include "../core/digest.h"

typedef enum {
    RL_PART_ALL,
    RL_PART_IP,
    RL_PART_USER,
    RL_PART_USER_OR_IP,
    RL_PART_CLAIMED_USER,
    RL_PART_FORM,
    RL_PART_QUERY,
    RL_PART_HEADER,
    RL_PART_COOKIE,
    RL_PART_ENV,
    RL_PART_HOST,
    RL_PART_PATH,
    RL_PART_METHOD,
    RL_PART_EXPR,
} rl_key_part_e;

typedef struct rl_key_part {
    rl_key_part_e kind;
    const char *name;           /* field, header, cookie, variable or expression; else "" */
    int place;                  /* in the order of writing, from 0 */
    int v4bits, v6bits;         /* ip: prefix lengths, -1 for the location's */
    const ap_expr_info_t *expr; /* expr: */
} rl_key_part_t;

typedef struct rl_key_spec {
    int n;
    bool fold;       /* people's text is compared folded */
    bool after_auth; /* a part needs the authenticated user */
    bool body;       /* a part needs the request body */
    bool personal;   /* a part is the name of somebody who need not be the client */
    rl_key_part_t parts[RL_KEY_PARTS_MAX];
} rl_key_spec_t;

/* Reads PART[+PART…]. Parts are brought into one order, so that ip+user is user+ip. Returns
 * NULL, or the error with the offending token. */
const char *rl_key_parse(cmd_parms *cmd, const char *text, rl_key_spec_t *key);

/* The spec in one spelling: equal text, equal keys. */
const char *rl_key_spec_text(apr_pool_t *pool, const rl_key_spec_t *key);

typedef enum {
    RL_KEY_WHOLE,     /* every part has a value */
    RL_KEY_MISSING,   /* a part has none; it is hashed as such */
    RL_KEY_ANONYMOUS, /* there's no authenticated user: the rule does not apply */
    RL_KEY_MALFORMED, /* a value that was given is not what the part takes */
} rl_key_result_e;

/* Prefix lengths for addresses. */
typedef struct rl_network_bits {
    int v4bits, v6bits; /* for parts that don't say */
} rl_network_bits_t;

/* What a key is made by. */
typedef struct rl_key_terms {
    const rl_key_spec_t *spec;
    rl_network_bits_t bits; /* the location's */
    const rl_secret_t *secret;
    const rl_scope_t *scope; /* made with the secret */
} rl_key_terms_t;

#endif
