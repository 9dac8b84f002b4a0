/* SPDX-License-Identifier: Apache-2.0 */
#include "functions.h"

#include <string.h>

#include "../mod_ratelimit_cache.h"
#include "../process/runtime.h"
#include "../request/claim.h"
#include "../request/figures.h"
#include "../request/session.h"
#include "receipt.h"

/* Each function works like a small request: one reading of the clock, one rule's claim, one
 * session with the store. It leaves nothing in the record of the client's request. Callers'
 * mistakes get no further than rl_claim_make_given(); after it all is as for a request. */

typedef struct rl_call {
    const rl_rule_t *rule;
    rl_claim_t claim;
    rl_session_t session;
    int64_t now;
} rl_call_t;

static bool is_request(const request_rec *r)
{
    return r != NULL && r->server != NULL && r->per_dir_config != NULL &&
           rl_runtime()->ledger.cells != NULL;
}

/* ---- what is asked for ---- */

static apr_status_t find_rule(const request_rec *r, const char *name, const rl_rule_t **rule)
{
    const rl_dir_config_t *conf = rl_dir_config(r);
    *rule = rl_rule_set_find(conf->rules, name);
    if (*rule == NULL || (*rule)->dropped) {
        return RATELIMIT_NO_RULE;
    }
    return (*rule)->unlimited || (*rule)->meter.algorithm == RL_CONCURRENT ||
                   rl_dir_engine(conf) == RL_ENGINE_OFF
               ? RATELIMIT_NOT_COUNTED
               : APR_SUCCESS;
}

static apr_status_t call_make_claim(request_rec *r, const char *const *values, int64_t cost,
                                    rl_call_t *call)
{
    switch (rl_claim_make_given(r, rl_dir_config(r), call->rule, values, &call->claim)) {
    case RL_CLAIM_NONE:
        return RATELIMIT_NOT_COUNTED;
    case RL_CLAIM_MALFORMED:
        return RATELIMIT_BAD_VALUE;
    case RL_CLAIM_MADE:
        break;
    }
    if (cost >= 0) {
        call->claim.op.cost = (uint32_t)cost;
    }
    return APR_SUCCESS;
}

/* Returns how many values are to be given: those of the key, then those of distinct=. */
static int values_of(const rl_rule_t *rule)
{
    return rule->key.n + (rule->distinct != NULL ? rule->distinct->n : 0);
}

/* Checks the arguments, finds the rule and makes the claim. Returns APR_SUCCESS or what the
 * function has to return. */
static apr_status_t call_prepare(request_rec *r, const char *name, const char *const *values,
                                 int n, int64_t cost, rl_call_t *call)
{
    apr_status_t rv;
    if (!is_request(r) || name == NULL || cost < RATELIMIT_RULE_COST || cost > UINT32_MAX) {
        return RATELIMIT_BAD_CALL;
    }
    rv = find_rule(r, name, &call->rule);
    if (rv == APR_SUCCESS && values != NULL && n != values_of(call->rule)) {
        rv = RATELIMIT_BAD_CALL;
    }
    return rv == APR_SUCCESS ? call_make_claim(r, values, cost, call) : rv;
}

static void call_begin(request_rec *r, rl_call_t *call)
{
    call->now = apr_time_now();
    rl_session_begin(r, 0, &call->session);
}

static void call_end(rl_call_t *call)
{
    rl_session_end(&call->session);
}

/* ---- what is answered ---- */

/* Returns true if the usage has the members of version 1. Members that are added later are to
 * be set if the caller's size includes them. */
static bool is_usage(const ratelimit_usage_t *usage)
{
    return usage == NULL || usage->size >= sizeof(*usage);
}

static int64_t seconds_until(const rl_call_t *call, int64_t time)
{
    return time > call->now ? rl_seconds_until(time, call->now) : 0;
}

/* Fills in the usage: from `use` what the key has used, from the claim's step if the cost fits.
 */
static void call_fill_usage(const rl_call_t *call, const rl_step_t *use,
                            ratelimit_usage_t *usage)
{
    const rl_claim_t *claim = &call->claim;
    const rl_claim_t used = {.op = {.meter = claim->op.meter}, .step = *use};
    if (usage == NULL) {
        return;
    }
    usage->count = use->used;
    usage->limit = rl_meter_quota(&claim->op.meter);
    usage->remaining = rl_claim_remaining(&used);
    usage->fits = claim->step.granted;
    usage->observed = claim->observe;
    usage->reset = seconds_until(call, use->reset);
    usage->retry_after =
        claim->step.granted ? 0 : rl_seconds_until(claim->step.retry, call->now);
    if (usage->reset < usage->retry_after) {
        usage->reset = usage->retry_after;
    }
    rl_digest_tag(&claim->op.key, usage->key);
}

static apr_status_t verdict(const rl_claim_t *claim)
{
    if (claim->uncounted) {
        return RATELIMIT_NO_STORE;
    }
    return claim->step.granted || claim->observe ? APR_SUCCESS : RATELIMIT_OVER;
}

/* ---- check and read ---- */

/* The shared store did not answer, or the rate could not be computed: on-error= decides. */
static void call_without_store(rl_call_t *call)
{
    rl_claim_t *claim = &call->claim;
    claim->uncounted = claim->invalid || claim->on_error != RL_ON_ERROR_LOCAL;
    if (claim->uncounted) {
        claim->step.granted = !claim->refuse && claim->on_error == RL_ON_ERROR_ALLOW;
    }
}

static void call_check(rl_call_t *call, ratelimit_usage_t *usage)
{
    rl_claim_t *claim = &call->claim;
    const rl_source_t *source = &call->session.source;
    rl_operation_t nothing;
    rl_step_t use;
    bool learned;
    rl_source_bind(source, &claim->op, call->now);
    nothing = rl_operation_at_cost(&claim->op, 0);
    learned = rl_counter_learn(source, &claim->op);
    rl_counter_peek(source, &nothing, &use);
    rl_limiter_peek(source, claim);
    if (!learned || claim->invalid) {
        call_without_store(call);
    }
    call_fill_usage(call, &use, usage);
    if (usage != NULL) {
        usage->store_failed = !learned || claim->invalid;
    }
}

static apr_status_t ratelimit_check(request_rec *r, const char *rule, const char *const *values,
                                    int n, apr_int64_t cost, ratelimit_usage_t *usage)
{
    rl_call_t call;
    apr_status_t rv =
        is_usage(usage) ? call_prepare(r, rule, values, n, cost, &call) : RATELIMIT_BAD_CALL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    call_begin(r, &call);
    call_check(&call, usage);
    call_end(&call);
    return verdict(&call.claim);
}

static apr_status_t ratelimit_read(request_rec *r, const char *rule, const char *const *values,
                                   int n, ratelimit_usage_t *usage)
{
    const apr_status_t rv = ratelimit_check(r, rule, values, n, RATELIMIT_RULE_COST, usage);
    return rv == RATELIMIT_OVER ? APR_SUCCESS : rv;
}

/* ---- charge and refund ---- */

/* A claim that is denied whatever the count is changes nothing: it is only looked at. */
static void call_charge(rl_call_t *call, ratelimit_usage_t *usage)
{
    if (call->claim.refuse) {
        call_check(call, usage);
        return;
    }
    rl_limiter_decide(&call->session.source, &call->claim, 1, call->now);
    call_fill_usage(call, &call->claim.step, usage);
    if (usage != NULL) {
        usage->store_failed = call->claim.uncounted;
    }
}

static rl_figure_e figure_of_charge(const rl_claim_t *claim)
{
    if (claim->uncounted) {
        return RL_FIGURE_ERROR;
    }
    if (claim->step.granted) {
        return RL_FIGURE_ALLOWED;
    }
    return claim->observe ? RL_FIGURE_OBSERVED : RL_FIGURE_DENIED;
}

static apr_status_t ratelimit_charge(request_rec *r, const char *rule,
                                     const char *const *values, int n, apr_int64_t cost,
                                     ratelimit_usage_t *usage, ratelimit_receipt_t *receipt)
{
    rl_call_t call;
    apr_status_t rv;
    if (receipt != NULL) {
        memset(receipt, 0, sizeof(*receipt));
    }
    rv = is_usage(usage) ? call_prepare(r, rule, values, n, cost, &call) : RATELIMIT_BAD_CALL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    call_begin(r, &call);
    call_charge(&call, usage);
    call_end(&call);
    rl_figures_of_claim(r, &call.claim, figure_of_charge(&call.claim));
    if (receipt != NULL) {
        rl_receipt_write(&call.claim, rl_runtime_secret(r->server), &call.session.source.salt,
                         receipt);
    }
    return verdict(&call.claim);
}

static apr_status_t ratelimit_refund(request_rec *r, ratelimit_receipt_t *receipt)
{
    rl_call_t call;
    bool ours;
    if (!is_request(r) || receipt == NULL) {
        return RATELIMIT_BAD_CALL;
    }
    if (rl_receipt_is_void(receipt)) {
        return APR_SUCCESS;
    }
    call_begin(r, &call);
    ours = rl_receipt_read(receipt, rl_runtime_secret(r->server), &call.session.source.salt,
                           &call.claim);
    if (ours) {
        rl_limiter_refund(&call.session.source, &call.claim, 1, call.now);
        memset(receipt, 0, sizeof(*receipt));
    }
    call_end(&call);
    return ours ? APR_SUCCESS : RATELIMIT_BAD_CALL;
}

/* ---- clear ---- */

static apr_status_t ratelimit_clear(request_rec *r, const char *rule, const char *const *values,
                                    int n)
{
    rl_call_t call;
    bool store_cleared;
    const apr_status_t rv = call_prepare(r, rule, values, n, 0, &call);
    if (rv != APR_SUCCESS || call.claim.invalid) {
        return rv != APR_SUCCESS ? rv : RATELIMIT_NO_STORE;
    }
    if (values == NULL && call.claim.missing) {
        return RATELIMIT_NOT_COUNTED; /* as with clear=: the counter isn't this request's own */
    }
    call_begin(r, &call);
    rl_source_bind(&call.session.source, &call.claim.op, call.now);
    store_cleared = rl_counter_clear(&call.session.source, &call.claim.op);
    call_end(&call);
    rl_figures_of_claim(r, &call.claim, RL_FIGURE_CLEARED);
    return store_cleared ? APR_SUCCESS : RATELIMIT_NO_STORE;
}

void rl_api_register(void)
{
    APR_REGISTER_OPTIONAL_FN(ratelimit_check);
    APR_REGISTER_OPTIONAL_FN(ratelimit_charge);
    APR_REGISTER_OPTIONAL_FN(ratelimit_refund);
    APR_REGISTER_OPTIONAL_FN(ratelimit_read);
    APR_REGISTER_OPTIONAL_FN(ratelimit_clear);
}
