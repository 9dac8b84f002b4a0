/* SPDX-License-Identifier: Apache-2.0 */
#include "decide.h"

#include <http_log.h>

#include "../answer/denial.h"
#include "../answer/denial_hook.h"
#include "../answer/environment.h"
#include "../challenge/offer.h"
#include "../config/config.h"
#include "../httpd/module.h"
#include "../mod_ratelimit_cache.h"
#include "../request/denial_log.h"
#include "../request/log.h"
#include "../request/holdings.h"
#include "../request/session.h"
#include "../request/trace.h"
#include "patience.h"
#include "places.h"
#include "turn.h"

static void trace_refund(request_rec *r, const rl_claim_t *claim)
{
    if (claim->charged && rl_trace_is_on(r)) {
        rl_trace_refund(r, claim, "another rule denies, or the request is exempt");
    }
}

/* Refunds what was charged, except charges that paid for a program that has run.
 *
 * A tenant's denial refunds what tenants' rules were charged, and no more. The server's rules
 * count the request all the same; otherwise a tenant could lift the server's limit by denying
 * everything itself and serving its site as the error document.
 */
static void refund_unspent(request_rec *r, const rl_source_t *source, rl_request_t *request,
                           bool tenants_only, int64_t now)
{
    rl_batch_t refunds;
    rl_batch_begin(&refunds, source, rl_limiter_refund_together, now);
    for (int i = request->progress.ran; i < request->n; i++) {
        const rl_rule_t *rule = request->claims[i].rule;
        if (!tenants_only || (rule != NULL && rule->tenant)) {
            trace_refund(r, &request->claims[i]);
            rl_batch_add(&refunds, &request->claims[i]);
        }
    }
    rl_batch_end(&refunds);
}

/* Returns the status of a denial: the rule's or the location's, or 503 if the shared store did
 * not answer or the rate could not be computed. */
static int denial_status(const request_rec *r, const rl_rule_t *rule, const rl_claim_t *claim)
{
    if (claim->uncounted) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    return rule->status > 0 ? rule->status : rl_dir_deny_status(rl_dir_config(r));
}

static void report_denial(request_rec *r, rl_request_t *request, int i, int64_t now)
{
    const rl_claim_t *claim = &request->claims[i];
    rl_environment_set(r, request, claim->uncounted ? "error" : "denied", claim, now);
    rl_challenge_offer(r, request);
}

/* Asks other modules about the denial by claim i. Returns the status to deny with, DONE or
 * RATELIMIT_VETO. */
static int decide_ask(request_rec *r, rl_request_t *request, int i, int64_t now)
{
    const int status = denial_status(r, request->claims[i].rule, &request->claims[i]);
    report_denial(r, request, i, now);
    return rl_denial_hook_ask(r, request, i, status, now);
}

/* Refunds what is to be refunded when claim i denies, logs the denial, and notes it. */
static void note_denial(request_rec *r, rl_request_t *request, int i, int64_t now)
{
    rl_session_t session;
    rl_session_begin(r, request->store_time, &session);
    refund_unspent(r, &session.source, request, request->claims[i].rule->tenant, now);
    if (!request->claims[i].uncounted) {
        rl_log_denial(r, &session.source, &request->claims[i], now);
        request->denied.claim = i;
    }
    request->store_time += rl_session_end(&session);
    request->denied.r = r;
}

/* Denies by claim i with this status; DONE: another module has answered. Returns the status, or
 * DONE. */
static int decide_deny(request_rec *r, rl_request_t *request, int i, int status, int64_t now)
{
    note_denial(r, request, i, now);
    request->denied.status =
        status == DONE ? DONE : rl_denial_prepare(r, status, request->environment.retry_after);
    return request->denied.status;
}

/* The request is admitted, with a claim that isn't simply granted. */
RL_RARELY static void admit_claim(request_rec *r, const rl_source_t *source,
                                  rl_request_t *request, const rl_claim_t *claim, int64_t now)
{
    request->excused |= claim->excused;
    if (!claim->step.granted && !claim->uncounted) {
        rl_log_denial(r, source, claim, now);
    }
}

static inline void decide_admit(request_rec *r, const rl_source_t *source,
                                rl_request_t *request, int first_new, int64_t now)
{
    const rl_claim_t *end = &request->claims[request->n];
    rl_environment_report(request, now);
    for (const rl_claim_t *claim = &request->claims[first_new]; claim < end; claim++) {
        if (!claim->step.granted || claim->excused) {
            admit_claim(r, source, request, claim, now);
        }
    }
}

static void log_unshared(request_rec *r, const rl_request_t *request, int first)
{
    for (int i = first; i < request->n; i++) {
        if (!rl_meter_is_shareable(&request->claims[i].op.meter)) {
            rl_log_unshared(r, &request->claims[i]);
        }
    }
}

/* A rate that could not be computed is reported as a store that did not answer is. */
static void mark_invalid(const rl_request_t *request, int first)
{
    for (int i = first; i < request->n; i++) {
        request->claims[i].uncounted |= request->claims[i].invalid;
    }
}

/* Charges the claims from index `first` on. Returns -1, or the index of the claim that denies.
 */
RL_INLINE int charge_claims_at(request_rec *r, rl_request_t *request, int first, int64_t now)
{
    rl_session_t session;
    int denied;
    rl_session_begin(r, request->store_time, &session);
    if (session.source.session != NULL) {
        log_unshared(r, request, first);
    }
    denied =
        rl_limiter_decide(&session.source, &request->claims[first], request->n - first, now);
    if (request->special) {
        mark_invalid(request, first);
    }
    if (rl_trace_is_on(r)) {
        rl_trace_decision(r, &request->claims[first], request->n - first, now);
    }
    if (denied < 0) {
        decide_admit(r, &session.source, request, first, now);
    }
    request->store_time += rl_session_end(&session);
    return denied < 0 ? -1 : first + denied;
}

/* Other requests may have overtaken this one since it read the clock, and may have begun a
 * window or a bucket at a later time. Returns true if the denial by this claim would be over by
 * now, and sets *now to that time. */
static bool is_overtaken(const rl_claim_t *claim, int64_t *now)
{
    const int64_t before = *now;
    if (claim->step.retry < before + RL_USEC_PER_SEC) {
        const int64_t later = apr_time_now();
        *now = claim->step.retry <= later && later > before ? later : before;
    }
    return *now > before;
}

/* Claim `denied` has denied. If the request was overtaken, charges the claims from index
 * `first` on once more. Returns -1, or the index of the claim that denies. */
static int charge_overtaken(request_rec *r, rl_request_t *request, int first, int denied,
                            int64_t *now)
{
    return is_overtaken(&request->claims[denied], now)
               ? charge_claims_at(r, request, first, *now)
               : denied;
}

/* Charges the claims from index `first` on, at *now; if the request was overtaken, once more.
 * Returns as charge_overtaken(). */
static int charge_claims(request_rec *r, rl_request_t *request, int first, int64_t *now)
{
    const int denied = charge_claims_at(r, request, first, *now);
    return denied < 0 ? denied : charge_overtaken(r, request, first, denied, now);
}

/* ---- waiting for checks of credentials ---- */

/* Microseconds: how long a request waits at most, and how often it looks. */
#define WAIT_MOST    (10 * RL_USEC_PER_SEC)
#define LOOK_FIRST   2000
#define LOOK_SLOWEST 20000

/* One try, whose checks have begun. As charge_claims(). */
static int decide_try(request_rec *r, rl_request_t *request, int first, int64_t *now)
{
    const int denied = charge_claims(r, request, first, now);
    if (denied >= 0) {
        rl_patience_denied(r, request, first, *now);
    }
    return denied;
}

/* How long a request has waited. */
typedef struct rl_waiting {
    int64_t until;             /* microseconds since the epoch */
    apr_interval_time_t pause; /* before the next look */
    bool placed;               /* it has a place among those that wait */
    bool calm;                 /* after the last try no check was seen */
} rl_waiting_t;

/* A try was denied. Returns true if another one is due, after a pause if checks go on. A check
 * may end between a try and the look for checks, so one more try follows when none is seen. */
static bool decide_wait(request_rec *r, const rl_request_t *request, int first, int64_t now,
                        rl_waiting_t *waiting)
{
    if (!rl_patience_helps(r, request, first, now)) {
        const bool again = !waiting->calm;
        waiting->calm = true;
        return again;
    }
    waiting->calm = false;
    if (now >= waiting->until || r->connection->aborted ||
        (!waiting->placed && !rl_place_enter(r, RL_WAIT_SHORT))) {
        return false;
    }
    waiting->placed = true;
    apr_sleep(waiting->pause);
    waiting->pause = waiting->pause < LOOK_SLOWEST ? waiting->pause * 2 : waiting->pause;
    return true;
}

/* The denial is final: what was put off until then follows, such as penalties. The claims
 * aren't charged again for that: checks that have begun meanwhile might deny them. */
static void end_patience(request_rec *r, rl_request_t *request, int first)
{
    rl_session_t session;
    rl_patience_end(request, first);
    rl_session_begin(r, request->store_time, &session);
    rl_limiter_overrun(&session.source, &request->claims[first], request->n - first);
    request->store_time += rl_session_end(&session);
}

/* Charges the claims from index `first` on, as charge_claims() does. If the request is denied
 * only because credentials are being checked, waits for what comes of it: a good user's page
 * has many images, and a password check takes a while. A denial starts no penalty before it is
 * final. Each try may take the store as long as the first. */
static int charge_patiently(request_rec *r, rl_request_t *request, int first, int64_t *now)
{
    const int64_t spent = request->store_time;
    rl_waiting_t waiting = {.until = *now + WAIT_MOST, .pause = LOOK_FIRST};
    int denied;
    if (!rl_patience_begin(r, request, first, *now)) {
        return charge_claims(r, request, first, now);
    }
    while ((denied = decide_try(r, request, first, now)) >= 0 &&
           decide_wait(r, request, first, *now, &waiting)) {
        *now = apr_time_now();
        request->store_time = spent;
        rl_patience_begin(r, request, first, *now);
    }
    if (waiting.placed) {
        rl_place_leave(r);
    }
    if (denied >= 0) {
        end_patience(r, request, first);
    }
    return denied;
}

/* Charges the claims from index `first` on, as charge_patiently() does, and waits for slots. A
 * wait takes none of the time that a request may spend with the store. */
RL_RARELY static int charge_in_turn(request_rec *r, rl_request_t *request, int first,
                                    int64_t *now)
{
    const int64_t came = *now;
    int denied;
    while ((denied = charge_patiently(r, request, first, now)) >= 0 &&
           rl_turn_wait(r, request, denied, came)) {
        *now = request->now = apr_time_now();
        request->store_time = 0;
    }
    rl_holdings_keep(r, request);
    return denied;
}

/* As charge_in_turn(). Plain rules wait for nothing. */
static int charge_or_wait(request_rec *r, rl_request_t *request, int first, int64_t *now)
{
    return request->special ? charge_in_turn(r, request, first, now)
                            : charge_claims(r, request, first, now);
}

/* Claim `denied` denies. A denial that another module vetoes becomes an observation, and the
 * claims are decided on again: once for each vetoed claim at most, and only once if all claims
 * that deny are known from the start. Returns as rl_decide(). */
RL_RARELY static int decide_denied(request_rec *r, rl_request_t *request, int first, int denied,
                                   int64_t now)
{
    const int n = request->n - first;
    do {
        do {
            const int status = decide_ask(r, request, denied, now);
            if (status != RATELIMIT_VETO) {
                return decide_deny(r, request, denied, status, now);
            }
            request->claims[denied].observe = true;
            denied = rl_limiter_denial(&request->claims[first], n);
            denied = denied < 0 ? denied : first + denied;
        } while (denied >= 0);
        denied = charge_or_wait(r, request, first, &now);
    } while (denied >= 0);
    return OK;
}

/* Decides on claims that may have to wait. Returns as rl_decide(). */
RL_RARELY static int decide_in_turn(request_rec *r, rl_request_t *request, int first,
                                    int64_t now)
{
    const int denied = charge_in_turn(r, request, first, &now);
    return denied < 0 ? OK : decide_denied(r, request, first, denied, now);
}

/* Claim `denied` has denied at the first try, and waits for nothing. Returns as rl_decide(). */
RL_RARELY static int decide_once_more(request_rec *r, rl_request_t *request, int first,
                                      int denied, int64_t now)
{
    denied = charge_overtaken(r, request, first, denied, &now);
    return denied < 0 ? OK : decide_denied(r, request, first, denied, now);
}

RL_EACH_REQUEST int rl_decide(request_rec *r, rl_request_t *request, int first)
{
    const int64_t now = rl_request_now(request);
    int denied;
    if (request->special) {
        return decide_in_turn(r, request, first, now);
    }
    denied = charge_claims_at(r, request, first, now);
    return denied < 0 ? OK : decide_once_more(r, request, first, denied, now);
}

int rl_decide_include(request_rec *r, rl_request_t *request, int first)
{
    int64_t now = rl_request_now(request);
    const int denied = charge_claims(r, request, first, &now);
    const rl_claim_t *claim;
    rl_holdings_keep(r, request);
    if (denied < 0) {
        return OK;
    }
    note_denial(r, request, denied, now);
    claim = &request->claims[denied];
    request->denied.status = denial_status(r, claim->rule, claim);
    return request->denied.status;
}

int rl_decide_look_up(request_rec *r, rl_request_t *request, int first)
{
    int64_t now = rl_request_now(request);
    const int denied = charge_patiently(r, request, first, &now);
    const rl_claim_t *claim;
    rl_session_t session;
    if (denied < 0) {
        return OK;
    }
    claim = &request->claims[denied];
    rl_session_begin(r, request->store_time, &session);
    rl_log_denial(r, &session.source, claim, now);
    for (int i = first; i < request->n; i++) {
        request->claims[i].returned = true;
        rl_limiter_look_again(&session.source, &request->claims[i]);
    }
    request->store_time += rl_session_end(&session);
    return denial_status(r, claim->rule, claim);
}

void rl_decide_exempt(request_rec *r, rl_request_t *request)
{
    rl_session_t session;
    if (rl_trace_is_on(r)) {
        rl_trace_exempt(r);
    }
    rl_session_begin(r, request->store_time, &session);
    refund_unspent(r, &session.source, request, false, rl_request_now(request));
    request->store_time += rl_session_end(&session);
    request->exempt = true;
    rl_environment_exempt(request);
}
