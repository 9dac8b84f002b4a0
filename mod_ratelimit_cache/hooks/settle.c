/* SPDX-License-Identifier: Apache-2.0 */
#include "settle.h"

#include "../request/outcome_watch.h"
#include "../request/record.h"
#include "../request/session.h"
#include "../request/success.h"
#include "../request/trace.h"
#include "../request/upgrade.h"
#include "../rule/outcome.h"

/* Outcomes. A unit is charged before the application runs, so that guesses in parallel, however
 * many, can't get past the limit; here the outcome is known. A unit whose outcome doesn't count
 * is refunded, and an outcome may clear the counter.
 *
 * If the outcome is not known, the unit stays charged: no answer was produced because the
 * client was gone, a program's own header can't be read, an expression can't be evaluated, or
 * the child was killed before it came here. A client that breaks off an answer has had its
 * outcome.
 *
 * A denied request keeps a charge in two cases: the server's rules charge it if a tenant's rule
 * denied it; and a program may have run before the denial, whose outcome is then never known.
 * No denial clears anything. An exempt request was charged for what ran before the exemption.
 *
 * Rules of a group may have charged one counter together, once: it is refunded if the outcome
 * counts for none of them.
 */

/* What the outcome does to one claim's counter: it counts (else the charge is refunded), it
 * clears the counter. */
typedef struct rl_settlement {
    bool counts, clears;
} rl_settlement_t;

/* Returns the request_rec that the client got its answer from. */
static request_rec *last_of(request_rec *r)
{
    while (r->next != NULL) {
        r = r->next;
    }
    return r;
}

/* Returns true if the rule of claim i was in force when the outcome came about, and so has a
 * say. A claim whose charge an exemption has refunded has none, nor has one that didn't fit
 * when the request was denied. */
static bool is_involved(const rl_request_t *request, int i)
{
    if (request->exempt && i >= request->progress.ran) {
        return false;
    }
    return request->denied.r == NULL || request->claims[i].step.granted;
}

/* Returns true if the outcome for claim i is not known. A denial hides the outcome of a program
 * that ran before it. */
static bool is_unknown(const rl_request_t *request, int i)
{
    const rl_claim_t *claim = &request->claims[i];
    return claim->rule == NULL || claim->invalid ||
           (request->denied.r != NULL && i < request->progress.ran);
}

static rl_settlement_t settlement_of(const rl_request_t *request, int i, request_rec *last)
{
    const rl_rule_t *rule = request->claims[i].rule;
    rl_settlement_t settlement = {.counts = is_involved(request, i), .clears = false};
    if (!settlement.counts || is_unknown(request, i)) {
        return settlement;
    }
    if (rule->count != NULL) {
        settlement.counts = rl_outcomes_include(rule->count, last, true);
    }
    settlement.clears = rl_success_clears(request, i, last);
    return settlement;
}

/* Returns true if claim i is to be refunded. A claim that charged nothing has a say as well, if
 * it shares the counter. */
static bool is_to_be_refunded(const rl_request_t *request, const rl_settlement_t *settlements,
                              int i)
{
    if (!request->claims[i].charged) {
        return false;
    }
    for (int j = 0; j < request->n; j++) {
        if (settlements[j].counts &&
            rl_claim_shares_counter(&request->claims[i], &request->claims[j])) {
            return false;
        }
    }
    return true;
}

static void settle_clear(const rl_source_t *source, const rl_request_t *request, int i,
                         int64_t now)
{
    rl_limiter_clear(source, &request->claims[i], now);
    for (int j = 0; j < request->n; j++) {
        if (rl_claim_shares_counter(&request->claims[i], &request->claims[j])) {
            request->claims[j].charged = false;
        }
    }
}

/* Tells what settle_apply() will do. */
static void trace_settlements(request_rec *r, const rl_request_t *request,
                              const rl_settlement_t *settlements, const char *why)
{
    for (int i = 0; i < request->n; i++) {
        if (settlements[i].clears) {
            rl_trace_clear(r, &request->claims[i], why);
        }
        else if (is_to_be_refunded(request, settlements, i)) {
            rl_trace_refund(r, &request->claims[i], why);
        }
    }
}

static void settle_apply(const rl_source_t *source, const rl_request_t *request,
                         const rl_settlement_t *settlements, int64_t now)
{
    for (int i = 0; i < request->n; i++) {
        if (settlements[i].clears) {
            settle_clear(source, request, i, now);
        }
    }
    for (int i = 0; i < request->n; i++) {
        if (is_to_be_refunded(request, settlements, i)) {
            rl_limiter_refund(source, &request->claims[i], 1, now);
        }
    }
}

/* Fills in the settlement of each claim. Returns true if there is anything to do. Expressions
 * see the status that was sent; the access log sees what httpd makes of it. */
static bool settle_judge(const rl_request_t *request, request_rec *last, int sent,
                         rl_settlement_t *settlements)
{
    const int status = last->status;
    bool any = false;
    last->status = sent;
    for (int i = 0; i < request->n; i++) {
        settlements[i] = settlement_of(request, i, last);
        any |= (request->claims[i].charged && !settlements[i].counts) || settlements[i].clears;
    }
    last->status = status;
    return any;
}

/* Has the shared store know of a denied key what this server knows: other servers should know
 * it too. */
static void settle_refresh(const rl_source_t *source, const rl_request_t *request, int64_t now)
{
    if (request->denied.claim >= 0 && source->session != NULL) {
        rl_operation_t op = request->claims[request->denied.claim].op;
        rl_source_bind(source, &op, now);
        rl_counter_refresh(source, &op);
    }
}

/* Returns what the outcome does to each claim, or NULL if that is nothing. */
static const rl_settlement_t *settlements_of(request_rec *r, const rl_request_t *request)
{
    request_rec *last = last_of(r);
    rl_settlement_t *settlements;
    int status = 0;
    if (request->outcome.matters && !rl_upgrade_was_taken_over(request)) {
        status = rl_outcome_status(last, request);
    }
    if (status == 0) {
        return NULL;
    }
    settlements = apr_palloc(r->pool, (apr_size_t)request->n * sizeof(*settlements));
    return settle_judge(request, last, status, settlements) ? settlements : NULL;
}

/* Kept out of the hook, which has nothing to do for most requests. */
__attribute__((noinline)) static void settle(request_rec *r, const rl_request_t *request)
{
    const rl_settlement_t *settlements = settlements_of(r, request);
    rl_session_t session;
    int64_t now;
    if (settlements == NULL && request->denied.claim < 0) {
        return;
    }
    now = apr_time_now();
    rl_session_begin(r, 0, &session); /* nobody waits for this any more */
    if (settlements != NULL && rl_trace_is_on(r)) {
        trace_settlements(r, request, settlements, "by the outcome");
    }
    if (settlements != NULL) {
        settle_apply(&session.source, request, settlements, now);
    }
    settle_refresh(&session.source, request, now);
    rl_session_end(&session);
}

void rl_settle(request_rec *r)
{
    const rl_request_t *request = rl_request_get(r);
    if (request != NULL && (request->outcome.matters || request->denied.claim >= 0)) {
        settle(r, request);
    }
}

int rl_settle_log_transaction(request_rec *r)
{
    rl_settle(r);
    return DECLINED;
}
