/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include <apr_strings.h>
#include <http_config.h>
#include <string.h>

#include "../config/config.h"

/* Returns a duration in the largest unit that divides it. */
static const char *duration_words(apr_pool_t *pool, int64_t duration_us)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    const int64_t seconds = duration_us / RL_USEC_PER_SEC;
    for (size_t i = 0;; i++) {
        const int64_t n = seconds / units[i].seconds;
        if (seconds % units[i].seconds == 0 && n > 0) {
            return n == 1 ? units[i].unit
                          : apr_psprintf(pool, "%" APR_INT64_T_FMT " %ss", n, units[i].unit);
        }
    }
}

static const char *rate_words(apr_pool_t *pool, const rl_rule_t *rule)
{
    const rl_meter_t *meter = &rule->meter;
    const char *units = rule->cost == 1 && rule->cost_expr == NULL ? "requests" : "units";
    if (rule->dropped) {
        return "off: the rule of this name from around is dropped";
    }
    if (rule->unlimited) {
        return "no limit";
    }
    if (rule->rate_expr != NULL) {
        return apr_psprintf(pool, "as many %s as %s says", units, rule->rate_text);
    }
    if (meter->limit == 0) {
        return "nothing is admitted";
    }
    if (meter->algorithm == RL_TOKEN_BUCKET) {
        return apr_psprintf(pool, "at most %u %s at once, and %u each %s after that",
                            meter->burst, units, meter->limit,
                            duration_words(pool, meter->period_us));
    }
    return apr_psprintf(pool, "at most %u %s per %s", meter->limit, units,
                        duration_words(pool, meter->period_us));
}

static const char *ip_words(apr_pool_t *pool, const rl_key_part_t *part)
{
    const char *v4 = part->v4bits < 0 || part->v4bits == 32
                         ? "address"
                         : apr_psprintf(pool, "/%d network of IPv4", part->v4bits);
    const char *v6 = apr_psprintf(pool, "/%d", part->v6bits < 0 ? 64 : part->v6bits);
    return apr_psprintf(pool, "each client %s (IPv6: each %s network)", v4, v6);
}

static const char *part_words(apr_pool_t *pool, const rl_key_part_t *part)
{
    switch (part->kind) {
    case RL_PART_ALL:
        return "all clients together";
    case RL_PART_IP:
        return ip_words(pool, part);
    case RL_PART_USER:
        return "each user who is signed in";
    case RL_PART_USER_OR_IP:
        return "each user, or each address of who isn't signed in";
    case RL_PART_CLAIMED_USER:
        return "each user name that is tried";
    case RL_PART_HOST:
        return "each host name that is asked for";
    case RL_PART_PATH:
        return "each path";
    case RL_PART_METHOD:
        return "each method";
    case RL_PART_FORM:
        return apr_psprintf(pool, "each value of the form's field %s", part->name);
    case RL_PART_QUERY:
        return apr_psprintf(pool, "each value of %s in the query string", part->name);
    case RL_PART_HEADER:
        return apr_psprintf(pool, "each value of the header field %s", part->name);
    case RL_PART_COOKIE:
        return apr_psprintf(pool, "each value of the cookie %s", part->name);
    case RL_PART_ENV:
        return apr_psprintf(pool, "each value of the variable %s", part->name);
    case RL_PART_NETWORK:
        return apr_psprintf(pool, "each label that client addresses have in the networks %s",
                            part->name);
    default:
        return apr_psprintf(pool, "each value of %s", part->name);
    }
}

static const char *key_words(apr_pool_t *pool, const rl_key_spec_t *key)
{
    const char *words = "";
    for (int i = 0; i < key->n; i++) {
        words = apr_pstrcat(pool, words, i > 0 ? ", with " : "",
                            part_words(pool, &key->parts[i]), NULL);
    }
    return words;
}

static const char *explain_section(apr_pool_t *pool, const ap_directive_t *directive)
{
    const ap_directive_t *around = directive->parent;
    const char *section = "";
    for (; around != NULL; around = around->parent) {
        section = apr_pstrcat(pool, around->directive, " ", around->args, section[0] ? " " : "",
                              section, NULL);
    }
    return section[0] != '\0' ? section : "outside of all sections";
}

static void explain_rule(FILE *out, apr_pool_t *pool, const rl_rule_t *rule)
{
    fprintf(out, "  %s: %s, for %s", rule->name, rate_words(pool, rule),
            key_words(pool, &rule->key));
    if (rule->distinct != NULL) {
        fprintf(out, "; charged once for %s", key_words(pool, rule->distinct));
    }
    if (!rule->methods.all) {
        fputs("; some methods only", out);
    }
    if (rule->group != NULL) {
        fprintf(out, "; counted together with the group %s", rule->group);
    }
    if (rule->count != NULL) {
        fputs("; by outcome", out);
    }
    if (rule->meter.penalty_us > 0) {
        fprintf(out, "; who is over it is denied for %" APR_INT64_T_FMT " s",
                rule->meter.penalty_us / RL_USEC_PER_SEC);
    }
    if (rule->busy >= 0) {
        fprintf(out, "; while the server is busy %" APR_INT64_T_FMT, rule->busy);
    }
    if (rule->observe) {
        fputs("; only observed", out);
    }
    if (rule->challenge) {
        fputs("; browsers that are over it get a button instead", out);
    }
    fprintf(out, "\n      RateLimit %s   (%s:%d)\n", rule->directive->args,
            rule->directive->filename, rule->directive->line_num);
}

void rl_explain_rules(FILE *out, apr_pool_t *pool)
{
    apr_array_header_t *rules = apr_array_make(pool, 16, sizeof(const rl_rule_t *));
    const char *section = "";
    for (const rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        APR_ARRAY_PUSH(rules, const rl_rule_t *) = rule;
    }
    for (int i = rules->nelts - 1; i >= 0; i--) {
        const rl_rule_t *rule = APR_ARRAY_IDX(rules, i, const rl_rule_t *);
        const char *own = explain_section(pool, rule->directive);
        if (strcmp(own, section) != 0) {
            fprintf(out, "%s%s\n", *section != '\0' ? "\n" : "", own);
            section = own;
        }
        explain_rule(out, pool, rule);
    }
    if (rules->nelts == 0) {
        fputs("There are no rules.\n", out);
    }
}
