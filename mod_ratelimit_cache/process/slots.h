/* SPDX-License-Identifier: Apache-2.0 */
/* Which slot of the statistics the figures of a rule go to. */
#ifndef RL_PROCESS_SLOTS_H
#define RL_PROCESS_SLOTS_H

#include <httpd.h>

#include "../rule/rule.h"
#include "../stats/stats.h"
#include "runtime.h"

/* Gives slots to all rules, one for each virtual host that they can apply in, and one to the
 * tenants' rules of each virtual host together. A rule that was there before a reload keeps its
 * slot; it is the same one if its name, its sections and its virtual host are. If there are too
 * few, rules of the main server have one slot for all virtual hosts. For post_config, once
 * virtual hosts have their identities. */
void rl_slots_post_config(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);

/* Returns the number of the slot for what a rule does in a virtual host other than its home, or
 * a tenant's anywhere. */
unsigned rl_slot_elsewhere(const server_rec *s, const rl_rule_t *rule);

/* Returns the slot for what a rule does in this virtual host; NULL if it has none, or there are
 * no statistics, as under httpd -t. The rule is NULL for a tenant's that is over. */
static inline rl_slot_t *rl_slot_of_rule(const server_rec *s, const rl_rule_t *rule)
{
    rl_stats_t *stats = rl_runtime()->stats;
    const unsigned slot =
        rule != NULL && rule->home == s ? rule->slot : rl_slot_elsewhere(s, rule);
    return slot != RL_STATS_ALL && stats != NULL ? &stats->slots[slot] : NULL;
}

#endif
