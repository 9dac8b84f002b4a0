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

typedef struct rl_key_prefixes {
    int v4bits, v6bits; /* for parts that don't say */
} rl_key_prefixes_t;

/* The values of a key's parts, encoded; kept between rules, which often have the same key. */
typedef struct rl_key_values {
    const rl_key_spec_t *spec; /* NULL: there are none yet */
    rl_key_prefixes_t prefixes;
    rl_key_result_e result;
    rl_key_builder_t builder;
} rl_key_values_t;

/* Hashes the values that the request has for the key's parts, within the scope that the prefix
 * stands for, which was made with the secret. Takes what it finds in `values`, if that is of
 * the same parts and prefixes, and leaves there what it has found: for the same request, secret
 * and moment only. */
rl_key_result_e rl_key_digest(request_rec *r, const rl_key_spec_t *key,
                              const rl_key_prefixes_t *prefixes, const rl_secret_t *secret,
                              const rl_key_prefix_t *scope, rl_key_values_t *values,
                              rl_digest_t *digest);

/* Hashes values that somebody gives for the key's parts, one for each, in the order in which
 * the parts were written. A value is what a request would have: the same counter. NULL is none;
 * what an address, or a user-or-ip, looks like is said in mod_ratelimit_cache.h. */
rl_key_result_e rl_key_digest_given(apr_pool_t *pool, const rl_key_spec_t *key,
                                    const char *const *values,
                                    const rl_key_prefixes_t *prefixes,
                                    const rl_secret_t *secret, const rl_key_prefix_t *scope,
                                    rl_digest_t *digest);

#endif
