/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the statistics' figures are a rule's. */
#ifndef RL_PROCESS_FIGURES_H
#define RL_PROCESS_FIGURES_H

#include <httpd.h>

#include "../rule/rule.h"
#include "../stats/stats.h"
#include "runtime.h"

/* Gives figures to all rules, of their own in each virtual host that they can apply in, and to
 * the tenants' rules of each virtual host together. A rule that was there before a reload keeps
 * its figures; it is the same rule if its name, its sections and its virtual host are. If there
 * are too few, rules of the main server have the same ones in all virtual hosts. For
 * post_config, once virtual hosts have their identities. */
void rl_figures_post_config(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s);

/* Returns the number of the figures for what a rule does in a virtual host other than its home,
 * or a tenant's anywhere. */
unsigned rl_figures_elsewhere(const server_rec *s, const rl_rule_t *rule);

/* Returns the figures for what a rule does in this virtual host; NULL if it has none, or there
 * are no statistics, as under httpd -t. The rule is NULL for a tenant's that is over. */
static inline rl_figures_t *rl_figures_of_rule(const server_rec *s, const rl_rule_t *rule)
{
    rl_stats_t *stats = rl_runtime()->stats;
    const unsigned number =
        rule != NULL && rule->home == s ? rule->figures_number : rl_figures_elsewhere(s, rule);
    return number != RL_STATS_ALL && stats != NULL ? &stats->figures[number] : NULL;
}

#endif
