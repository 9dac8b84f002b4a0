/* SPDX-License-Identifier: Apache-2.0 */
#include "claim.h"

#include <http_protocol.h>
#include <string.h>

#include "../core/meter/first_window.h"
#include "../core/number.h"
#include "../httpd/expression.h"
#include "../core/hot.h"
#include "../key/body.h"
#include "../key/given_values.h"
#include "../process/busy.h"
#include "../process/runtime.h"
#include "../process/scope.h"
#include "../process/figures.h"
#include "../rule/identity.h"
#include "known.h"
#include "log.h"
#include "server_view.h"

/* Longer than any number or rate. */
#define TEXT_MAX 64

/* Stands in for a rate that can't be computed, under on-error=deny: the limiter denies the
 * request for a second. */
static const rl_rate_t no_rate = {.count = 1, .period_us = RL_USEC_PER_SEC};

typedef enum { RATE_KNOWN, RATE_NONE, RATE_INVALID } rl_rate_result_e;

static rl_on_error_e on_error_of(const rl_claimant_t *claimant, const rl_rule_t *rule)
{
    return (rl_on_error_e)(rule->on_error != RL_ON_ERROR_UNSET ? rule->on_error
                                                               : claimant->on_error);
}

/* ---- rate and cost ---- */

static rl_rate_result_e compute_rate(request_rec *r, const rl_rule_t *rule, rl_rate_t *rate)
{
    char text[TEXT_MAX];
    const char *reason = "the expression can't be evaluated, or its value is too long";
    if (rl_expr_short_text(r, rule->rate_expr, text, sizeof(text))) {
        if (text[0] == '\0') {
            return RATE_NONE;
        }
        reason = rl_rate_parse(text, rate);
        if (reason == NULL && rate->concurrent) {
            reason = "a rate that is computed can't be COUNT/concurrent";
        }
        if (reason == NULL && rule->meter.algorithm == RL_FIRST_WINDOW &&
            rate->count > RL_FIRST_WINDOW_LIMIT) {
            reason = "the count is too high for window=first";
        }
    }
    if (reason != NULL) {
        rl_log_rate(r, rule, reason);
        return RATE_INVALID;
    }
    return rate->unlimited ? RATE_NONE : RATE_KNOWN;
}

/* Sets the meter that the rule has for this request, and what its counters are filed under: the
 * rule's id, or, if the rate is computed, an id of its own for each rate. Returns false if
 * there is no rate. */
static bool set_meter(const rl_claimant_t *claimant, rl_claim_t *claim, rl_digest_t *counters)
{
    const rl_rule_t *rule = claim->rule;
    rl_rate_t rate = no_rate;
    *counters = rule->id;
    if (rule->rate_expr == NULL) {
        rl_busy_lower(rule, &claim->op.meter);
        return true;
    }
    switch (compute_rate(claimant->r, rule, &rate)) {
    case RATE_KNOWN:
        rl_rule_meter(rule, &rate, &claim->op.meter);
        *counters = rl_rule_identity(rule, &claim->op.meter);
        rl_busy_lower(rule, &claim->op.meter);
        return true;
    case RATE_INVALID:
        claim->invalid = on_error_of(claimant, rule) == RL_ON_ERROR_DENY;
        claim->op.meter = (rl_meter_t){.limit = no_rate.count, .period_us = no_rate.period_us};
        return claim->invalid;
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
    rl_log_cost(r, rule);
    return 1;
}

/* ---- key ---- */

static bool is_missing(rl_key_result_e result)
{
    return result == RL_KEY_MISSING || result == RL_KEY_ABSENT;
}

/* Returns what the result, of the key or of distinct=, means for the claim; has it refused by
 * missing=deny or absent=deny. */
static rl_claim_result_e result_of_key(const rl_rule_t *rule, rl_key_result_e result,
                                       rl_claim_t *claim)
{
    const rl_missing_e fate = result == RL_KEY_ABSENT ? rule->absent : rule->missing;
    if (result == RL_KEY_MALFORMED) {
        return RL_CLAIM_MALFORMED;
    }
    claim->refuse |= is_missing(result) && fate == RL_MISSING_DENY;
    return result == RL_KEY_ANONYMOUS || (is_missing(result) && fate == RL_MISSING_SKIP)
               ? RL_CLAIM_NONE
               : RL_CLAIM_MADE;
}

/* Sets the value that the key is charged for, of a rule with distinct=. What is given for it
 * follows what is given for the key. The values of the key are kept for the next rule, not
 * these. */
static rl_claim_result_e set_value(const rl_claimant_t *claimant, rl_claim_t *claim)
{
    const rl_rule_t *rule = claim->rule;
    rl_key_terms_t terms = claimant->terms;
    rl_key_values_t own;
    rl_key_result_e result;
    terms.spec = rule->distinct;
    terms.spelling_secret = NULL;
    if (claimant->given != NULL) {
        result = rl_key_of_values(claimant->r->pool, &terms, claimant->given + rule->key.n,
                                  &claim->distinct.value);
    }
    else {
        rl_key_values_begin(&own, claimant->values.body, claimant->values.query,
                            claimant->values.pass);
        result = rl_key_of_request(claimant->r, &terms, &own, &claim->distinct.value);
    }
    claim->valueless = is_missing(result);
    if (claim->valueless) {
        claim->distinct.value = (rl_digest_t){.hi = 0};
    }
    return result_of_key(rule, result, claim);
}

/* Makes the scope of counters that aren't the rule's own in its own virtual host. */
RL_RARELY static void make_scope(rl_claimant_t *claimant, const rl_rule_t *rule,
                                 const rl_digest_t *counters)
{
    rl_scope_of_rule(claimant->r->server, rule, counters, &claimant->scope);
    claimant->terms.scope = &claimant->scope;
}

/* Sets the key, in the scope of the counters. */
static inline rl_claim_result_e set_key(rl_claimant_t *claimant, const rl_digest_t *counters,
                                        rl_claim_t *claim)
{
    const rl_rule_t *rule = claim->rule;
    rl_key_result_e result;
    claimant->terms.spec = &rule->key;
    claimant->terms.scope = &rule->scope;
    if (!rl_scope_is_ready(claimant->r->server, rule)) {
        make_scope(claimant, rule, counters);
    }
    result = claimant->given != NULL ? rl_key_of_values(claimant->r->pool, &claimant->terms,
                                                        claimant->given, &claim->op.key)
                                     : rl_key_of_request(claimant->r, &claimant->terms,
                                                         &claimant->values, &claim->op.key);
    claim->missing = is_missing(result);
    return result == RL_KEY_WHOLE ? RL_CLAIM_MADE : result_of_key(rule, result, claim);
}

/* Returns the user whose counter an outcome would clear; NULL if the key doesn't name one. */
static const char *claimed_of(request_rec *r, const rl_rule_t *rule)
{
    const char *user = NULL;
    return rule->clear != NULL && rule->key.claimed &&
                   ap_get_basic_auth_components(r, &user, NULL) == APR_SUCCESS
               ? user
               : NULL;
}

/* ---- claims ---- */

bool rl_claim_is_observed(const rl_dir_config_t *conf, const rl_rule_t *rule)
{
    return rule->observe || rl_dir_engine(conf) == RL_ENGINE_OBSERVE;
}

RL_INLINE void begin_claim(const rl_claimant_t *claimant, const rl_rule_t *rule,
                           rl_claim_t *claim)
{
    rl_claim_begin(claim);
    claim->on_error = on_error_of(claimant, rule);
    claim->observe = claim->observed_by_rule = rule->observe || claimant->observe;
    claim->rule = rule;
    claim->name = rule->name;
    claim->rule_id = rule->id;
    claim->op.rule = rule->number;
    claim->personal = rule->personal;
    claim->op.meter = rule->meter;
    claim->op.cost = rule->cost;
}

/* Sets what a claim for a slot has besides. */
static void set_slot(request_rec *r, rl_claim_t *claim)
{
    const rl_rule_t *rule = claim->rule;
    const rl_figures_t *figures = rl_figures_of_rule(r->server, rule);
    claim->op.meter.limit = rl_rule_slots_for(rule, claim->op.meter.limit, r);
    claim->slot.queue = rule->wait_us == 0 ? 0
                        : rule->queue >= 0 ? (uint32_t)rule->queue
                                           : rule->meter.limit;
    claim->slot.figures_number =
        figures != NULL ? (uint32_t)(figures - rl_runtime()->stats->figures) : RL_STATS_ALL;
    claim->slot.held_us = figures != NULL ? rl_figures_held(figures) : 0;
    if (claim->slot.held_us < RL_USEC_PER_SEC) {
        claim->slot.held_us = RL_USEC_PER_SEC;
    }
}

/* Goes on with the claim of a rule that may have anything. */
RL_RARELY static rl_claim_result_e finish_claim(rl_claimant_t *claimant, rl_claim_t *claim)
{
    request_rec *r = claimant->r;
    const rl_rule_t *rule = claim->rule;
    rl_claim_result_e result;
    rl_digest_t counters;
    if (!set_meter(claimant, claim, &counters)) {
        return RL_CLAIM_NONE;
    }
    claimant->terms.spelling_secret = rule->known_s > 0 ? &rl_runtime()->known_secret : NULL;
    result = set_key(claimant, &counters, claim);
    claim->unseen = claimant->given == NULL && rule->key.body && !rl_body_is_seen_by_all(r);
    if (result == RL_CLAIM_MADE && rule->known_s > 0 && claimant->given == NULL &&
        !claim->missing && !claim->unseen) {
        rl_known_recognize(r, &claimant->values, claim);
    }
    if (result == RL_CLAIM_MADE && rule->distinct != NULL) {
        result = set_value(claimant, claim);
    }
    claimant->terms.spelling_secret = NULL;
    if (result != RL_CLAIM_MADE) {
        return result;
    }
    if (claim->op.meter.algorithm == RL_CONCURRENT) {
        set_slot(r, claim);
    }
    claim->refuse |= claim->invalid;
    claim->claimed = claimed_of(r, rule);
    claim->op.cost = claim->invalid ? 1 : cost_of(r, rule);
    return RL_CLAIM_MADE;
}

static inline rl_claim_result_e make_claim(rl_claimant_t *claimant, const rl_rule_t *rule,
                                           rl_claim_t *claim)
{
    begin_claim(claimant, rule, claim);
    return rule->plain ? set_key(claimant, &rule->id, claim) : finish_claim(claimant, claim);
}

RL_EACH_REQUEST void rl_claimant_begin(rl_claimant_t *claimant, request_rec *r,
                                       const rl_dir_config_t *conf, const rl_request_t *request,
                                       const rl_pass_shown_t *pass)
{
    claimant->r = r;
    claimant->on_error = rl_dir_on_error(conf);
    claimant->observe = rl_dir_engine(conf) == RL_ENGINE_OBSERVE;
    claimant->given = NULL;
    claimant->terms =
        (rl_key_terms_t){.bits = {.v4bits = rl_dir_v4bits(conf), .v6bits = rl_dir_v6bits(conf)},
                         .charset = rl_dir_form_charset(conf),
                         .secret = rl_runtime_secret(r->server)};
    rl_key_values_begin(&claimant->values, request != NULL ? request->body : NULL,
                        request != NULL ? request->query : NULL, pass);
}

bool rl_claim_make(rl_claimant_t *claimant, const rl_rule_t *rule, rl_claim_t *claim)
{
    return make_claim(claimant, rule, claim) == RL_CLAIM_MADE;
}

rl_claim_result_e rl_claim_make_given(request_rec *r, const rl_dir_config_t *conf,
                                      const rl_rule_t *rule, const char *const *given,
                                      rl_claim_t *claim)
{
    rl_request_t *request = rl_request_get(r);
    const rl_view_needs_t needs = {.env = rule->reads_env, .headers = rule->reads_headers};
    rl_own_view_t view = {.env = NULL, .headers = NULL};
    rl_claimant_t claimant;
    rl_claim_result_e result;
    if (request != NULL && !rule->tenant) {
        view = rl_server_view_enter(r, request, needs);
    }
    rl_claimant_begin(&claimant, r, conf, request, request != NULL ? &request->pass : NULL);
    claimant.given = given;
    claimant.values.query = NULL; /* it is not known for this rule's fields */
    result = make_claim(&claimant, rule, claim);
    rl_server_view_leave(r, &view);
    return result;
}
