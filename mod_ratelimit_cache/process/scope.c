/* SPDX-License-Identifier: Apache-2.0 */
#include "scope.h"

#include "../config/config.h"
#include "runtime.h"

static rl_digest_t in_vhost(const server_rec *s, const rl_rule_t *rule, rl_digest_t id)
{
    if (rule->per_vhost) {
        const rl_digest_t *vhost = &rl_server_config(s)->vhost;
        id.hi ^= vhost->hi;
        id.lo ^= vhost->lo;
    }
    return id;
}

void rl_scope_of_rule(const server_rec *s, const rl_rule_t *rule, const rl_digest_t *counters,
                      rl_scope_t *scope)
{
    const rl_digest_t id = in_vhost(s, rule, *counters);
    rl_scope_make(scope, rl_runtime_secret(s), &id);
}

void rl_scope_of_accounts(const server_rec *s, const rl_rule_t *rule, rl_scope_t *scope)
{
    const rl_digest_t id = in_vhost(s, rule, rule->base_identity);
    rl_scope_make(scope, &rl_runtime()->known_secret, &id);
}

void rl_scope_post_config(void)
{
    for (rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        rl_scope_of_rule(rule->home, rule, &rule->id, &rule->scope);
    }
}

bool rl_scope_is_ready(const server_rec *s, const rl_rule_t *rule)
{
    return rule->rate_expr == NULL &&
           (s == rule->home || (rule->home != NULL && !rule->per_vhost &&
                                rl_runtime_secret(s) == rl_runtime_secret(rule->home)));
}
