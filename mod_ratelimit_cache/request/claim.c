#include "claim.h"

#include <string.h>

#include "../core/number.h"
#include "../httpd/expression.h"
#include "../answer/environment.h"
#include "../process/store.h"

/* No number or rate is as long as this. */
#define TEXT_MAX 64

/* In place of a rate that can't be had, where on-error=deny: a request that the limiter denies
 * for a second. */
static const rl_rate_t no_rate = {.count = 1, .period_us = RL_USEC_PER_SEC};

/* Where the values of a key come from. */
typedef struct rl_claim_values {
    const char *const *given; /* NULL: they are the request's */
    rl_key_values_t *own;     /* then kept here */
} rl_claim_values_t;

typedef enum { RATE_KNOWN, RATE_NONE, RATE_INVALID } rl_rate_result_e;

static rl_on_error_e on_error_of(const rl_dir_config_t *conf, const rl_rule_t *rule)
{
    return (rl_on_error_e)(rule->on_error != RL_ON_ERROR_UNSET ? rule->on_error
                                                               : rl_dir_on_error(conf));
}

/* ---- rate and cost ---- */

static rl_rate_result_e compute_rate(request_rec *r, const rl_rule_t *rule, rl_rate_t *rate)
{
    char text[TEXT_MAX];
    const char *reason = "the expression can't be evaluated, or gives more than a rate";
    if (rl_expr_short_text(r, rule->rate_expr, text, sizeof(text))) {
        if (text[0] == '\0') {
            return RATE_NONE;
        }
        reason = rl_rate_parse(text, rate);
    }
    if (reason != NULL) {
        rl_report_log_rate(r, rule, reason);
        return RATE_INVALID;
    }
    return rate->unlimited ? RATE_NONE : RATE_KNOWN;
}

/* The meter of the rule for this request, and what its counters are filed under: not the rule's
 * id where the rate is computed. False when there is no rate. */
static bool set_meter(request_rec *r, const rl_dir_config_t *conf, const rl_rule_t *rule,
                      rl_claim_t *claim, rl_settled_t *settled, rl_digest_t *counters)
{
    rl_rate_t rate = no_rate;
    claim->meter = rule->meter;
    *counters = rule->id;
    if (rule->rate_expr == NULL) {
        return true;
    }
    switch (compute_rate(r, rule, &rate)) {
    case RATE_KNOWN:
        rl_rule_meter(rule, &rate, &claim->meter);
        *counters = rl_rule_counters(rule, &claim->meter);
        return true;
    case RATE_INVALID:
        settled->invalid = on_error_of(conf, rule) == RL_ON_ERROR_DENY;
        claim->meter = (rl_meter_t){.limit = no_rate.count, .period_us = no_rate.period_us};
        return settled->invalid;
    case RATE_NONE:
        break;
    }
    return false;
}

static uint32_t cost_of(request_rec *r, const rl_rule_t *rule)
{
    char text[TEXT_MAX];
    uint64_t n;
    if (rule->cost_expr == NULL) {
        return rule->cost;
    }
    if (rl_expr_short_text(r, rule->cost_expr, text, sizeof(text)) &&
        rl_number_parse(text, strlen(text), RL_COUNT_MAX, &n)) {
        return (uint32_t)n;
    }
    rl_report_log_cost(r, rule);
    return 1;
}

/* ---- key ---- */

/* What the rule's counters are hashed under for this virtual host. */
static void make_scope(const server_rec *s, const rl_rule_t *rule, const rl_digest_t *counters,
                       rl_key_prefix_t *scope)
{
    rl_digest_t id = *counters;
    if (rule->per_vhost) {
        const rl_digest_t *vhost = &rl_server_config(s)->vhost;
        id.hi ^= vhost->hi;
        id.lo ^= vhost->lo;
    }
    rl_key_prefix(scope, rl_store_secret(s), &id);
}

void rl_claim_post_config(void)
{
    for (rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        make_scope(rule->home, rule, &rule->id, &rule->scope);
    }
}

/* That was made already, unless the rate decides about it or another virtual host has inherited
 * the rule. A tenant's rule has no home. */
static bool has_scope(const request_rec *r, const rl_rule_t *rule)
{
    return r->server == rule->home && rule->rate_expr == NULL;
}

static rl_claim_result_e set_key(request_rec *r, const rl_dir_config_t *conf,
                                 const rl_rule_t *rule, const rl_claim_values_t *values,
                                 rl_claim_t *claim, const rl_digest_t *counters)
{
    const rl_key_prefixes_t prefixes = {.v4bits = rl_dir_v4bits(conf),
                                        .v6bits = rl_dir_v6bits(conf)};
    const rl_secret_t *secret = rl_store_secret(r->server);
    const rl_key_prefix_t *scope = &rule->scope;
    rl_key_prefix_t made;
    rl_key_result_e result;
    if (!has_scope(r, rule)) {
        make_scope(r->server, rule, counters, &made);
        scope = &made;
    }
    result = values->given != NULL ? rl_key_digest_given(r->pool, &rule->key, values->given,
                                                         &prefixes, secret, scope, &claim->key)
                                   : rl_key_digest(r, &rule->key, &prefixes, secret, scope,
                                                   values->own, &claim->key);
    claim->refuse = result == RL_KEY_MISSING && rule->missing == RL_MISSING_DENY;
    if (result == RL_KEY_MALFORMED) {
        return RL_CLAIM_MALFORMED;
    }
    return result == RL_KEY_ANONYMOUS ||
                   (result == RL_KEY_MISSING && rule->missing == RL_MISSING_SKIP)
               ? RL_CLAIM_NONE
               : RL_CLAIM_MADE;
}

bool rl_claim_is_observed(const rl_dir_config_t *conf, const rl_rule_t *rule)
{
    return rule->observe || rl_dir_engine(conf) == RL_ENGINE_OBSERVE;
}

/* Sets all that a claim starts with, and none of what the limiter keeps for itself. */
static void begin_claim(const rl_dir_config_t *conf, const rl_rule_t *rule, rl_claim_t *claim,
                        rl_settled_t *settled)
{
    claim->on_error = on_error_of(conf, rule);
    claim->observe = rl_claim_is_observed(conf, rule);
    claim->refuse = claim->charged = claim->failed = false;
    claim->step = (rl_step_t){.word = -1};
    *settled = (rl_settled_t){.id = rule->id,
                              .name = rule->name,
                              .rule = rule,
                              .observed = claim->observe,
                              .personal = rule->key.personal};
}

/* In `claim` and `settled`, whatever stood there. */
static rl_claim_result_e make_claim(request_rec *r, const rl_dir_config_t *conf,
                                    const rl_rule_t *rule, const rl_claim_values_t *values,
                                    rl_claim_t *claim, rl_settled_t *settled)
{
    rl_claim_result_e result;
    rl_digest_t counters;
    begin_claim(conf, rule, claim, settled);
    if (!set_meter(r, conf, rule, claim, settled, &counters)) {
        return RL_CLAIM_NONE;
    }
    result = set_key(r, conf, rule, values, claim, &counters);
    if (result != RL_CLAIM_MADE) {
        return result;
    }
    claim->refuse |= settled->invalid;
    claim->cost = settled->invalid ? 1 : cost_of(r, rule);
    return RL_CLAIM_MADE;
}

bool rl_claim_make(request_rec *r, const rl_dir_config_t *conf, const rl_rule_t *rule,
                   rl_key_values_t *values, rl_claim_t *claim, rl_settled_t *settled)
{
    const rl_claim_values_t own = {.own = values};
    return make_claim(r, conf, rule, &own, claim, settled) == RL_CLAIM_MADE;
}

rl_claim_result_e rl_claim_make_for(request_rec *r, const rl_dir_config_t *conf,
                                    const rl_rule_t *rule, const char *const *given,
                                    rl_claim_t *claim, rl_settled_t *settled)
{
    rl_key_values_t own;
    const rl_claim_values_t values = {.given = given, .own = &own};
    own.spec = NULL;
    return make_claim(r, conf, rule, &values, claim, settled);
}
