/* SPDX-License-Identifier: Apache-2.0 */
#include "rule_set.h"

#include <apr_strings.h>
#include <string.h>

static rl_rule_set_t *make_set(apr_pool_t *pool, int room)
{
    return apr_pcalloc(pool, sizeof(rl_rule_set_t) + (apr_size_t)room * sizeof(rl_rule_t *));
}

static int index_of(const rl_rule_set_t *set, const char *name)
{
    for (int i = 0; i < set->n; i++) {
        if (strcmp(set->rules[i]->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* A field of the query string is one, too; a form's is looked for in both. */
static int count_field_parts(const rl_key_spec_t *parts)
{
    int n = 0;
    for (int i = 0; i < parts->n; i++) {
        n += parts->parts[i].kind == RL_PART_FORM || parts->parts[i].kind == RL_PART_QUERY;
    }
    return n;
}

static int count_fields(const rl_rule_t *rule)
{
    return count_field_parts(&rule->key) +
           (rule->distinct != NULL ? count_field_parts(rule->distinct) : 0);
}

/* Returns true if the tenants' rules become too many with this one, which takes the place of
 * `present` (NULL: of none): each request would have to look at all rules, and to go through
 * the form for all fields. */
static bool is_too_much(const rl_rule_set_t *set, const rl_rule_t *rule,
                        const rl_rule_t *present)
{
    int fields = count_fields(rule);
    if (present == NULL && set->n >= RL_TENANT_RULES_MAX) {
        return true;
    }
    for (int i = 0; fields > 0 && i < set->n; i++) {
        const rl_rule_t *other = set->rules[i];
        fields += other->tenant && other != present ? count_fields(other) : 0;
    }
    return fields > RL_TENANT_FIELDS_MAX;
}

/* Puts the rule in the place of the one of the same name, or last if there is none. If one of
 * the two is a tenant's and the other the server's, the server's stands, whichever came first.
 */
static void put_rule(rl_rule_set_t *set, const rl_rule_t *rule)
{
    const int i = index_of(set, rule->name);
    const rl_rule_t *present = i >= 0 ? set->rules[i] : NULL;
    if (present != NULL && rule->tenant != present->tenant) {
        set->overruled = rule->tenant ? rule : present;
    }
    if (rule->tenant && is_too_much(set, rule, present)) {
        set->surplus = rule;
        return;
    }
    if (present == NULL || present->tenant || !rule->tenant) {
        set->rules[i >= 0 ? i : set->n++] = rule;
    }
}

static void put_all(rl_rule_set_t *set, const rl_rule_set_t *more)
{
    for (int i = 0; i < more->n; i++) {
        put_rule(set, more->rules[i]);
    }
    if (more->overruled != NULL) {
        set->overruled = more->overruled;
    }
    if (more->surplus != NULL) {
        set->surplus = more->surplus;
    }
}

/* Sets what can be said of all rules together: has, tenants, groups, reads_... */
static const rl_rule_set_t *summed_up(rl_rule_set_t *set)
{
    memset(set->has, 0, sizeof(set->has));
    set->tenants = set->groups = set->reads_env = set->reads_headers = false;
    set->query_fields = 0;
    set->plain = set->n > 0 && set->overruled == NULL && set->surplus == NULL;
    for (int i = 0; i < set->n; i++) {
        const rl_rule_t *rule = set->rules[i];
        set->plain &= rule->plain;
        if (!rule->dropped && !rule->unlimited) {
            set->has[rule->phase] = true;
            set->tenants |= rule->tenant;
            set->groups |= rule->group != NULL;
            set->reads_env |= rule->reads_env && !rule->tenant;
            set->reads_headers |= rule->reads_headers && !rule->tenant;
            set->query_fields += count_fields(rule);
        }
    }
    return set;
}

const rl_rule_set_t *rl_rule_set_add(apr_pool_t *pool, const rl_rule_set_t *set,
                                     const rl_rule_t *rule)
{
    const int n = set != NULL ? set->n : 0;
    rl_rule_set_t *more = make_set(pool, n + 1);
    if (set != NULL) {
        *more = *set;
        for (int i = 0; i < n; i++) {
            more->rules[i] = set->rules[i];
        }
    }
    put_rule(more, rule);
    return summed_up(more);
}

const rl_rule_t *rl_rule_set_find(const rl_rule_set_t *set, const char *name)
{
    const int i = set != NULL ? index_of(set, name) : -1;
    return i >= 0 ? set->rules[i] : NULL;
}

const rl_rule_set_t *rl_rule_set_merge(apr_pool_t *pool, const rl_rule_set_t *outer,
                                       const rl_rule_set_t *inner)
{
    rl_rule_set_t *set;
    if (outer == NULL || inner == NULL) {
        return outer == NULL ? inner : outer;
    }
    set = make_set(pool, outer->n + inner->n);
    put_all(set, outer);
    put_all(set, inner);
    return summed_up(set);
}
