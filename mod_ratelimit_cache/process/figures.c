/* SPDX-License-Identifier: Apache-2.0 */
#include "figures.h"

#include <apr_strings.h>
#include <string.h>

#include "../config/config.h"
#include "../rule/section.h"
#include "runtime.h"

/* Does something to the figures of one rule in one virtual host. */
typedef void figures_fn(rl_stats_t *stats, server_rec *s, rl_rule_t *rule,
                        const rl_digest_t *id);

static rl_server_config_t *config_of(server_rec *s)
{
    return ap_get_module_config(s->module_config, &ratelimit_cache_module);
}

static rl_digest_t id_in(server_rec *s, const rl_digest_t *rule)
{
    const rl_digest_t *vhost = &config_of(s)->vhost;
    return (rl_digest_t){.hi = rule->hi ^ vhost->hi, .lo = rule->lo ^ vhost->lo};
}

static rl_digest_t digest_of(apr_pool_t *ptemp, const rl_rule_t *rule)
{
    const char *text =
        apr_pstrcat(ptemp, "figures ", rule->name, " ", rl_rule_section(ptemp, rule), NULL);
    return rl_digest_public(text, strlen(text));
}

static void keep_figures(rl_stats_t *stats, server_rec *s, rl_rule_t *rule,
                         const rl_digest_t *id)
{
    (void)s, (void)rule;
    rl_stats_keep(stats, id);
}

/* The main server's rules come first, so that those have figures at least. */
static void take_figures(rl_stats_t *stats, server_rec *s, rl_rule_t *rule,
                         const rl_digest_t *id)
{
    const unsigned figures = rl_stats_take(stats, id);
    if (rule == NULL) {
        config_of(s)->tenants_figures_number = figures;
    }
    else if (s == rule->home) {
        rule->figures_number = figures;
    }
    else {
        config_of(s)->figures_numbers[rule->place] =
            (unsigned short)(figures != RL_STATS_ALL ? figures : rule->figures_number);
    }
}

/* Calls the function for each rule where it stands, then for tenants, then for each virtual
 * host and each rule that it inherits. digests has those of the rules, by their places. */
static void each_figures(server_rec *main_server, const rl_digest_t *digests, figures_fn *visit)
{
    static const char tenants[] = "figures of tenants";
    const rl_digest_t of_tenants = rl_digest_public(tenants, sizeof(tenants) - 1);
    rl_rule_t *rules = rl_global_config()->rules;
    rl_stats_t *stats = rl_runtime()->stats;
    rl_digest_t id;
    for (rl_rule_t *rule = rules; rule != NULL; rule = rule->next) {
        id = id_in(rule->home, &digests[rule->place]);
        visit(stats, rule->home, rule, &id);
    }
    for (server_rec *s = main_server; s != NULL; s = s->next) {
        id = id_in(s, &of_tenants);
        visit(stats, s, NULL, &id);
    }
    for (server_rec *s = main_server->next; s != NULL; s = s->next) {
        for (rl_rule_t *rule = rules; rule != NULL; rule = rule->next) {
            if (rule->home == main_server) {
                id = id_in(s, &digests[rule->place]);
                visit(stats, s, rule, &id);
            }
        }
    }
}

void rl_figures_post_config(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s)
{
    const unsigned n = rl_global_config()->nrules;
    rl_digest_t *digests = apr_pcalloc(ptemp, (n + 1) * sizeof(*digests));
    for (rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        digests[rule->place] = digest_of(ptemp, rule);
    }
    for (server_rec *vhost = s->next; vhost != NULL; vhost = vhost->next) {
        config_of(vhost)->figures_numbers =
            apr_pcalloc(pconf, (n + 1) * sizeof(unsigned short));
    }
    rl_stats_begin(rl_runtime()->stats);
    each_figures(s, digests, keep_figures);
    each_figures(s, digests, take_figures);
}

unsigned rl_figures_elsewhere(const server_rec *s, const rl_rule_t *rule)
{
    const rl_server_config_t *conf = rl_server_config(s);
    if (rule == NULL || rule->tenant) {
        return conf->tenants_figures_number;
    }
    return conf->figures_numbers == NULL ? rule->figures_number
                                         : conf->figures_numbers[rule->place];
}
