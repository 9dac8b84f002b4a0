/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: what a rule counts separately. key= lists the parts; requests with the same values for
 * all parts have the same key. */
#ifndef RL_KEY_KEY_H
#define RL_KEY_KEY_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

#include "../core/charset.h"
#include "../core/digest.h"
#include "../networks/catalogue.h"

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
    RL_PART_PASS,
    RL_PART_NETWORK,
} rl_key_part_e;

typedef struct rl_key_part {
    rl_key_part_e kind;
    const char *name; /* of the field, header (lower case), cookie, variable or table; of expr:
                       * the text; "" for the other kinds */
    int position;     /* among the parts as they were written, from 0 */
    int v4bits, v6bits;            /* prefix lengths; -1: the location's */
    const ap_expr_info_t *expr;    /* of expr:, else NULL */
    const rl_networks_t *networks; /* of network:, else NULL */
} rl_key_part_t;

typedef struct rl_key_spec {
    int n;           /* parts */
    bool fold;       /* text that people type is folded (core/fold.h) */
    bool after_auth; /* a part needs the authenticated user */
    bool body;       /* a part needs the request body */
    bool env;        /* a part reads environment variables */
    bool headers;    /* a part reads header fields */
    bool personal;   /* a part names somebody who need not be the client */
    bool of_target;  /* a part names what is asked for, which httpd may replace */
    bool claimed;    /* a part is the claimed user */
    bool absence;    /* an absent part is told from one in doubt: absent= differs */
    bool account;    /* a part can name an account */
    bool pass;       /* a part reads the client's pass */
    uint64_t alike; /* the same for specs that find the same values in a request; 0: there is no
                     * telling */
    rl_key_part_t parts[RL_KEY_PARTS_MAX]; /* sorted by kind and name */
} rl_key_spec_t;

/* Reads PART[+PART...] into *key, whose fold it leaves alone and whose other flags must be
 * false. Sorts the parts, so that ip+user and user+ip are the same key. Returns NULL, or the
 * offending part and what is wrong with it. */
const char *rl_key_parse(cmd_parms *cmd, const char *text, rl_key_spec_t *key);

/* Returns true if a part is of this kind. */
bool rl_key_has(const rl_key_spec_t *key, rl_key_part_e kind);

/* Returns the spec as text, in the pool. Specs with the same text make the same keys. */
const char *rl_key_spec_text(apr_pool_t *pool, const rl_key_spec_t *key);

/* Returns what rl_key_spec_t.alike is to be. */
uint64_t rl_key_spec_alike(apr_pool_t *ptemp, const rl_key_spec_t *key);

/* Returns a part without its prefix lengths, in the pool: "ip", "form:username". */
const char *rl_key_part_shown(apr_pool_t *pool, const rl_key_part_t *part);

/* Returns the spec as an administrator would write it, in the pool, with the parts in the order
 * in which they were written: "ip/24/48+form:username". */
const char *rl_key_spec_shown(apr_pool_t *pool, const rl_key_spec_t *key);

typedef enum {
    RL_KEY_WHOLE,     /* every part has a value */
    RL_KEY_MISSING,   /* a part has none; the key says so in its place */
    RL_KEY_ABSENT,    /* the same, and each part without a value is certainly not there */
    RL_KEY_ANONYMOUS, /* no key: a part is `user`, and nobody is authenticated */
    RL_KEY_MALFORMED, /* no key: a value that was given isn't an address, as it should be */
} rl_key_result_e;

/* Prefix lengths for parts that have none of their own. */
typedef struct rl_network_bits {
    int v4bits, v6bits; /* 0 to 32, and 0 to 128 */
} rl_network_bits_t;

/* What a key is made with, besides the values. */
typedef struct rl_key_terms {
    const rl_key_spec_t *spec;
    rl_network_bits_t bits;      /* the location's */
    const rl_charset_t *charset; /* in which browsers write the location's forms */
    const rl_secret_t *secret;
    const rl_scope_t *scope;            /* the rule's, made with this secret */
    const rl_secret_t *spelling_secret; /* that the values' spelling is hashed with; NULL: it is
                                         * not wanted */
} rl_key_terms_t;

#endif
