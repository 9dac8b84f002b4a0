/* Sets of rules, and how those of sections merge. */
#ifndef RL_RULE_RULE_SET_H
#define RL_RULE_RULE_SET_H

#include "rule.h"

/* Rules that one section may have, and beyond which a set takes no more of a tenant's. */
#define RL_SECTION_RULES_MAX 200
#define RL_TENANT_RULES_MAX  200

/* Rules in the order they are checked. Unchanging once built; sections share them. */
typedef struct rl_rule_set {
    int n;
    bool has[RL_PHASES];        /* any rule of that phase is in it */
    bool tenants;               /* any rule of a tenant is in it */
    bool groups;                /* any rule has a group */
    const rl_rule_t *overruled; /* a tenant's rule that has no effect, or NULL */
    const rl_rule_t *rules[];
} rl_rule_set_t;

/* The set with one more rule, in the pool. The set may be NULL. */
const rl_rule_set_t *rl_rule_set_add(apr_pool_t *pool, const rl_rule_set_t *set,
                                     const rl_rule_t *rule);

/* The rule of that name, or NULL. The set may be NULL. */
const rl_rule_t *rl_rule_set_find(const rl_rule_set_t *set, const char *name);

/* The rules of an outer and an inner section: inner ones replace outer ones of the same name in
 * their place, others follow. A tenant's rule never replaces one of the server's. Both may be
 * NULL; the result may be either of them. */
const rl_rule_set_t *rl_rule_set_merge(apr_pool_t *pool, const rl_rule_set_t *outer,
                                       const rl_rule_set_t *inner);

#endif
