/* SPDX-License-Identifier: Apache-2.0 */
#include "settle.h"

#include "../httpd/module.h"
#include "../request/figures.h"
#include "../request/holdings.h"
#include "../request/judgement.h"
#include "../request/outcome_watch.h"
#include "../request/record.h"
#include "../request/session.h"
#include "../request/trace.h"
#include "../request/upgrade.h"
#include "patience.h"

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

static rl_settlement_t settlement_of(const rl_request_t *request, int i,
                                     const rl_ending_t *ending)
{
    return (rl_settlement_t){.counts = rl_judge_counts(request, i, ending),
                             .clears = !request->claims[i].cleared &&
                                       rl_judge_clears(request, i, ending)};
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
            rl_claim_shares_charge(&request->claims[i], &request->claims[j])) {
            return false;
        }
    }
    return true;
}

/* Returns true if the claim's counter was charged for the request, by this claim or another.
 */
static bool is_charged(const rl_request_t *request, const rl_claim_t *claim)
{
    for (int i = 0; i < request->n; i++) {
        if (request->claims[i].charged && rl_claim_shares_counter(&request->claims[i], claim)) {
            return true;
        }
    }
    return false;
}

static void settle_clear(rl_batch_t *clears, const rl_request_t *request, int i)
{
    rl_batch_add(clears, &request->claims[i]);
    for (int j = 0; j < request->n; j++) {
        if (rl_claim_shares_counter(&request->claims[i], &request->claims[j])) {
            request->claims[j].charged = false;
            request->claims[j].cleared = true;
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

static void settle_refund(const request_rec *r, const rl_source_t *source,
                          const rl_request_t *request, const rl_settlement_t *settlements,
                          int64_t now)
{
    rl_batch_t refunds;
    rl_batch_begin(&refunds, source, rl_limiter_refund_together, now);
    for (int i = 0; i < request->n; i++) {
        if (is_to_be_refunded(request, settlements, i)) {
            rl_figures_of_claim(r, &request->claims[i], RL_FIGURE_REFUNDED);
            rl_batch_add(&refunds, &request->claims[i]);
        }
    }
    rl_batch_end(&refunds);
}

static void settle_apply(const request_rec *r, const rl_source_t *source,
                         const rl_request_t *request, const rl_settlement_t *settlements,
                         int64_t now)
{
    rl_batch_t clears;
    rl_batch_begin(&clears, source, rl_limiter_clear_together, now);
    for (int i = 0; i < request->n; i++) {
        if (settlements[i].clears) {
            settle_clear(&clears, request, i);
            rl_figures_of_claim(r, &request->claims[i], RL_FIGURE_CLEARED);
        }
    }
    rl_batch_end(&clears);
    settle_refund(r, source, request, settlements, now);
}

/* Fills in the settlement of each claim. Returns true if there is anything to do. */
static bool settle_judge(const rl_request_t *request, const rl_ending_t *ending,
                         rl_settlement_t *settlements)
{
    bool any = false;
    for (int i = 0; i < request->n; i++) {
        settlements[i] = settlement_of(request, i, ending);
        any |= (request->claims[i].charged && !settlements[i].counts) || settlements[i].clears;
    }
    return any;
}

/* Has the shared store and this server know the same of keys that are over their limit. */
static void settle_refresh(const rl_source_t *source, const rl_request_t *request, int64_t now)
{
    for (int i = 0; i < request->n && source->session != NULL; i++) {
        if (i == request->denied.claim || request->claims[i].excused) {
            rl_operation_t op = request->claims[i].op;
            rl_source_bind(source, &op, now);
            rl_counter_refresh(source, &op);
        }
    }
}

/* Returns true if the request was over a limit. */
static bool request_is_over(const rl_request_t *request)
{
    return request->denied.claim >= 0 || request->excused;
}

/* Returns what the ending does to each claim, or NULL if that is nothing. */
static const rl_settlement_t *settlements_of(request_rec *r, const rl_request_t *request,
                                             const rl_ending_t *ending)
{
    rl_settlement_t *settlements =
        apr_palloc(r->pool, (apr_size_t)request->n * sizeof(*settlements));
    return settle_judge(request, ending, settlements) ? settlements : NULL;
}

/* ---- at the end ---- */

/* Returns what the outcome does to each claim, or NULL if that is nothing. Expressions see the
 * status that was sent; the access log sees what httpd makes of it. Without an answer, what
 * authentication said is known all the same. */
static const rl_settlement_t *settlements_at_end(request_rec *r, const rl_request_t *request)
{
    request_rec *last = last_of(r);
    const int status = last->status, sent = rl_outcome_status(last, request);
    const rl_ending_t ending = {.auth = request->outcome.auth,
                                .r = sent != 0 ? last : NULL,
                                .header = request->outcome.header};
    const rl_settlement_t *settlements;
    if (!request->outcome.matters || rl_upgrade_was_taken_over(request) ||
        (sent == 0 && !request->outcome.reads_auth)) {
        return NULL;
    }
    last->status = sent;
    settlements = settlements_of(r, request, &ending);
    last->status = status;
    return settlements;
}

RL_RARELY static void settle(request_rec *r, const rl_request_t *request)
{
    const rl_settlement_t *settlements = settlements_at_end(r, request);
    rl_session_t session;
    int64_t now;
    if (settlements == NULL && !request_is_over(request)) {
        return;
    }
    now = apr_time_now();
    rl_session_begin(r, 0, &session); /* nobody waits for this any more */
    if (settlements != NULL && rl_trace_is_on(r)) {
        trace_settlements(r, request, settlements, "by the outcome");
    }
    if (settlements != NULL) {
        settle_apply(r, &session.source, request, settlements, now);
    }
    settle_refresh(&session.source, request, now);
    rl_session_end(&session);
}

RL_EACH_REQUEST RL_RARELY static void settle_claims(request_rec *r, rl_request_t *request)
{
    rl_holdings_release(request);
    rl_figures_of_request(r, request);
    if (request->outcome.matters || request_is_over(request)) {
        settle(r, request);
    }
    if (request->outcome.reads_auth) {
        rl_patience_checked(r, request);
    }
}

RL_EACH_REQUEST void rl_settle(request_rec *r)
{
    rl_request_t *request = rl_request_get(r);
    if (request != NULL && request->n > 0) {
        settle_claims(r, request);
    }
}

RL_EACH_REQUEST int rl_settle_log_transaction(request_rec *r)
{
    rl_settle(r);
    return DECLINED;
}

/* ---- after authentication ---- */

/* Marks the claims whose charge is gone, so that another authentication charges them again. A
 * claim that shares its counter with one has paid nothing, and has lost it all the same. */
static void settle_note_returned(const rl_source_t *source, const rl_request_t *request,
                                 const rl_settlement_t *settlements)
{
    for (int i = 0; i < request->n; i++) {
        rl_claim_t *claim = &request->claims[i];
        if (claim->step.granted && !claim->uncounted && !claim->returned &&
            (claim->cleared || !settlements[i].counts) && !is_charged(request, claim)) {
            claim->returned = true;
            rl_limiter_look_again(source, claim);
        }
    }
}

static bool settle_authentication(request_rec *r, rl_request_t *request, rl_auth_e auth)
{
    const rl_settlement_t *settlements;
    rl_ending_t ending = {.r = NULL};
    rl_session_t session;
    int64_t now;
    request->outcome.pending = false;
    if (request->outcome.auth != RL_AUTH_FAILED && auth != RL_AUTH_NONE) {
        request->outcome.auth = auth;
    }
    ending.auth = request->outcome.auth;
    settlements = settlements_of(r, request, &ending);
    if (settlements == NULL) {
        return false;
    }
    now = apr_time_now();
    rl_session_begin(r, request->store_time, &session);
    if (rl_trace_is_on(r)) {
        trace_settlements(r, request, settlements, "by authentication");
    }
    settle_apply(r, &session.source, request, settlements, now);
    settle_note_returned(&session.source, request, settlements);
    request->store_time += rl_session_end(&session);
    return true;
}

/* Those who wait for the check look at what is left once it is over. */
bool rl_settle_authentication(request_rec *r, rl_request_t *request, rl_auth_e auth)
{
    const bool settled = settle_authentication(r, request, auth);
    rl_patience_checked(r, request);
    return settled;
}
