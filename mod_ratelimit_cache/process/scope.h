/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes: what a rule's counters are hashed under. A scope is the state of the hash after it
 * has taken the rule's identity and, if each virtual host has counters of its own, the virtual
 * host's; a key only adds its parts. */
#ifndef RL_PROCESS_SCOPE_H
#define RL_PROCESS_SCOPE_H

#include <stdbool.h>

#include <httpd.h>

#include "../rule/rule.h"

/* Makes the scope of a rule's counters in a virtual host. `counters` is their identity:
 * rule->id, or what rl_rule_identity() returns if the rate is computed. */
void rl_scope_of_rule(const server_rec *s, const rl_rule_t *rule, const rl_digest_t *counters,
                      rl_scope_t *scope);

/* Makes the scope of the accounts that a rule tells apart in a virtual host, with the secret
 * for known browsers. Another rate makes no difference. */
void rl_scope_of_accounts(const server_rec *s, const rl_rule_t *rule, rl_scope_t *scope);

/* Sets rule->scope of each rule of the server's configuration, for the virtual host in which it
 * stands. For post_config, once virtual hosts have their identities and the secrets are set. */
void rl_scope_post_config(void);

/* Returns true if rule->scope is right for this virtual host: the rule's rate isn't computed,
 * and the rule stands in this virtual host, or its counters are the same and hashed with the
 * same secret there. It is false for tenants' rules. */
bool rl_scope_is_ready(const server_rec *s, const rl_rule_t *rule);

#endif
