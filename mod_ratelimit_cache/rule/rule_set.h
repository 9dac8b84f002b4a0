/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of rules: the rules of a section, and how the sets of an outer and an inner section
 * merge. */
#ifndef RL_RULE_RULE_SET_H
#define RL_RULE_RULE_SET_H

#include "rule.h"

#define RL_SECTION_RULES_MAX 200 /* rules in one section */
#define RL_TENANT_RULES_MAX  200 /* a tenant's rule isn't added to a set of this many */
#define RL_TENANT_FIELDS_MAX 64  /* form: and query: parts of the tenants' rules in a set */

/* Rules in the order in which they are checked. Never changes once built; sections share it. */
typedef struct rl_rule_set {
    int n;
    /* What is in the set, not counting rules that are off or whose rate is none. */
    bool has[RL_PHASES]; /* a rule of that phase */
    bool plain;          /* nothing but plain rules, and nothing for the log */
    bool tenants;        /* a tenant's rule */
    bool groups;         /* a rule in a group */
    bool reads_env;      /* a rule of the server's that reads environment variables */
    bool reads_headers;  /* ... header fields */
    int query_fields;    /* parts that are looked for in the query string */
    /* For the log, or NULL: a tenant's rule that has no effect, */
    const rl_rule_t *overruled; /* because the server has a rule of its name */
    const rl_rule_t *surplus;   /* because there are too many rules or fields */
    const rl_rule_t *rules[];   /* n of them */
} rl_rule_set_t;

/* Returns a copy of the set, in the pool, with one more rule. The set may be NULL. */
const rl_rule_set_t *rl_rule_set_add(apr_pool_t *pool, const rl_rule_set_t *set,
                                     const rl_rule_t *rule);

/* Returns the rule of that name, or NULL. The set may be NULL. */
const rl_rule_t *rl_rule_set_find(const rl_rule_set_t *set, const char *name);

/* Merges the rules of an outer and an inner section. A rule of the inner section takes the
 * place of the outer section's rule of the same name; all other rules of the inner section come
 * last. A tenant's rule never replaces one of the server's. Either set may be NULL. Returns one
 * of the two, or a new set in the pool. */
const rl_rule_set_t *rl_rule_set_merge(apr_pool_t *pool, const rl_rule_set_t *outer,
                                       const rl_rule_set_t *inner);

#endif
