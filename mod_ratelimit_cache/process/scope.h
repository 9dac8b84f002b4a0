/* Scopes: what the counters of a rule are hashed under, hashed already. */
#ifndef RL_PROCESS_SCOPE_H
#define RL_PROCESS_SCOPE_H

#include <stdbool.h>

#include <httpd.h>

#include "../rule/rule.h"

/* Makes the scope of a rule's counters for a virtual host; counters is what they are filed
 * under: rule->id, unless the rate is computed (rl_rule_counters()). */
void rl_scope_of_rule(const server_rec *s, const rl_rule_t *rule, const rl_digest_t *counters,
                      rl_scope_t *scope);

/* Sets the scope of each rule of the server's configuration for the virtual host in which it
 * stands. For post_config, when virtual hosts have their identities and stores their secrets.
 */
void rl_scope_post_config(void);

/* Returns true if rule->scope is the one for this virtual host: the rate doesn't decide about
 * it, and no other virtual host has inherited the rule. A tenant's rule has no home. */
bool rl_scope_is_ready(const server_rec *s, const rl_rule_t *rule);

#endif
