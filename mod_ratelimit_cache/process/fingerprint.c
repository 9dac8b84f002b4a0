/* SPDX-License-Identifier: Apache-2.0 */
#include "fingerprint.h"

#include <apr_strings.h>
#include <http_main.h>
#include <string.h>

#include "../config/config.h"
#include "../core/number.h"
#include "../httpd/written.h"
#include "../rule/section.h"
#include "runtime.h"

/* Returns the digest of the store's servers. Their order counts, too. */
static rl_digest_t digest_of_servers(apr_pool_t *pool, const rl_store_config_t *store)
{
    const char *text = "";
    for (unsigned i = 0; i < store->settings.nservers; i++) {
        const rl_memcached_server_t *server = &store->settings.servers[i];
        text = apr_psprintf(pool, "%s%s %u\n", text, server->host, server->port);
    }
    return rl_digest_public(text, strlen(text));
}

/* Returns true if the rule counts in the store in some virtual host. */
static bool counts_in(const rl_store_config_t *store, const rl_rule_t *rule)
{
    for (const server_rec *s = ap_server_conf; s != NULL; s = s->next) {
        const rl_store_config_t *other = rl_server_config(s)->store;
        if (other != NULL && strcmp(other->settings.prefix, store->settings.prefix) == 0 &&
            (s == rule->home || !rule->home->is_virtual)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the rule is one that servers share. COUNT/concurrent is counted by each for
 * itself. A rule that only takes an inherited one's place is: requests there don't count. */
static bool is_shared_in(const rl_store_config_t *store, const rl_rule_t *rule)
{
    return rule->meter.algorithm != RL_CONCURRENT && counts_in(store, rule);
}

/* Returns what tells a rule: which it is, its limit, and where it stands, which the counters of
 * a group don't tell. */
static const char *rule_text(apr_pool_t *pool, const rl_rule_t *rule)
{
    const rl_digest_t *vhost = &rl_server_config(rule->home)->vhost;
    return apr_psprintf(
        pool, "%" APR_UINT64_T_HEX_FMT " %" APR_UINT64_T_HEX_FMT " %u %s %s\n%s", rule->id.hi,
        vhost->hi, rule->meter.limit, rule->dropped || rule->unlimited ? "none" : "counts",
        rule->name, rl_rule_section(pool, rule));
}

/* Adds the rule to the digests of rules and of each part that its options are
 * in. They are sums, so that the order makes no difference. */
static void fingerprint_add(apr_pool_t *pool, const rl_rule_t *rule,
                            rl_digest_t of[RL_ALIKE_PARTS])
{
    const char *text = rule_text(pool, rule);
    of[RL_ALIKE_RULES].hi += rl_digest_public(text, strlen(text)).hi;
    for (int i = 0; i < RL_ALIKE_OPTIONS_COUNT; i++) {
        if (rule->manner[i] != 0) {
            const char *option =
                apr_psprintf(pool, "%s %" APR_UINT64_T_HEX_FMT, text, rule->manner[i]);
            of[RL_ALIKE_OPTIONS + i].hi += rl_digest_public(option, strlen(option)).hi;
        }
    }
}

/* Directives that decide which counter a request goes to, or what rules there are, besides
 * RateLimit; and what holds without them, outside of all sections. */
static const struct {
    const char *name, *fallback;
    bool is_size;
} settings[] = {
    {"RateLimitIPv4Prefix", "32", false},  {"RateLimitIPv6Prefix", "64", false},
    {"RateLimitFormLimit", "65536", true}, {"RateLimitFormCharset", "utf-8", false},
    {"RateLimitInherit", "on", false},
};

/* Returns what setting i is set to there, in one spelling: in lower case, sizes in bytes. */
static const char *setting_value(apr_pool_t *pool, const ap_directive_t *at, size_t i)
{
    char *value = apr_pstrdup(pool, rl_written_first(pool, at));
    uint64_t bytes;
    if (settings[i].is_size && rl_number_parse_size(value, UINT32_MAX, &bytes)) {
        return apr_psprintf(pool, "%" APR_UINT64_T_FMT, bytes);
    }
    ap_str_tolower(value);
    return value;
}

/* Adds setting i, and where it stands, to a sum, in which the order makes no difference. */
static void add_setting(apr_pool_t *pool, const ap_directive_t *at, size_t i, rl_digest_t *sum)
{
    const char *value = setting_value(pool, at, i), *section = rl_section_around(pool, at);
    if (*section != '\0' || strcmp(value, settings[i].fallback) != 0) {
        const char *text = apr_pstrcat(pool, settings[i].name, " ", value, "\n", section, NULL);
        sum->hi += rl_digest_public(text, strlen(text)).hi;
    }
}

static rl_digest_t digest_of_settings(apr_pool_t *pool)
{
    rl_digest_t sum = {.hi = 0};
    for (const ap_directive_t *at = ap_conftree; at != NULL; at = rl_written_next(at)) {
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
            if (rl_written_is(at, settings[i].name)) {
                add_setting(pool, at, i, &sum);
            }
        }
    }
    return sum;
}

static rl_digest_t digest_of_secret(void)
{
    rl_digest_t digest;
    memcpy(&digest, rl_runtime()->muster_secret.key, sizeof(digest));
    return digest;
}

rl_print_t rl_fingerprint(apr_pool_t *pool, const rl_store_config_t *store)
{
    rl_digest_t of[RL_ALIKE_PARTS] = {{.hi = 0}};
    of[RL_ALIKE_SECRET] = digest_of_secret();
    of[RL_ALIKE_SERVERS] = digest_of_servers(pool, store);
    of[RL_ALIKE_SETTINGS] = digest_of_settings(pool);
    for (const rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        if (is_shared_in(store, rule)) {
            fingerprint_add(pool, rule, of);
        }
    }
    return rl_muster_print(of);
}
