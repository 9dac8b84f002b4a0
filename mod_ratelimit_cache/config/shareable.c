/* SPDX-License-Identifier: Apache-2.0 */
#include "shareable.h"

#include <apr_strings.h>
#include <http_log.h>

#include "../core/meter/tally.h"
#include "config.h"

APLOG_USE_MODULE(ratelimit_cache);

/* Returns true if the rule stands directly in this server, outside of all sections, or was
 * inherited there. */
static bool has_rule(const server_rec *s, const rl_rule_t *rule)
{
    const rl_dir_config_t *conf =
        ap_get_module_config(s->lookup_defaults, &ratelimit_cache_module);
    return conf->rules != NULL && rl_rule_set_find(conf->rules, rule->name) == rule;
}

/* Returns true if the rule applies to requests of this server: it stands in it; or it stands in
 * the main server, and the virtual host has inherited it. What stands in sections of the main
 * server is always inherited. */
static bool applies_in(const server_rec *s, const rl_rule_t *rule)
{
    return s == rule->home ||
           (!rule->home->is_virtual && (has_rule(s, rule) || !has_rule(rule->home, rule)));
}

/* Returns the first server in which the rule's counters are to be shared, NULL if there is
 * none. */
static const server_rec *sharing_server(const server_rec *s, const rl_rule_t *rule)
{
    for (; s != NULL; s = s->next) {
        if (rl_server_config(s)->store != NULL && applies_in(s, rule)) {
            return s;
        }
    }
    return NULL;
}

static void log_refusal_of(const rl_rule_t *rule, const server_rec *s, apr_pool_t *ptemp)
{
    const char *most =
        rule->meter.algorithm == RL_TOKEN_BUCKET
            ? apr_psprintf(ptemp,
                           "the rate of a token bucket must be at most %d tokens a second",
                           (int)RL_TALLY_TOKENS_PER_SEC)
            : apr_psprintf(ptemp, "the count must be at most %d", (int)RL_TALLY_LIMIT);
    ap_log_error(
        APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
        "RateLimit %s: \"%s\": %s where RateLimitStore is memcached, as it is in %s%s; "
        "more can't be shared (%s:%d)",
        rule->name, rule->rate_text, most, s->is_virtual ? "virtual host " : "the main server",
        s->is_virtual && s->server_hostname != NULL ? s->server_hostname : "",
        rule->directive->filename, rule->directive->line_num);
}

int rl_shareable_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    int result = OK;
    (void)pconf, (void)plog;
    for (const rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        const server_rec *at = rule->quota_text != NULL && !rl_meter_is_shareable(&rule->meter)
                                   ? sharing_server(s, rule)
                                   : NULL;
        if (at != NULL) {
            log_refusal_of(rule, at, ptemp);
            result = HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return result;
}
