/* SPDX-License-Identifier: Apache-2.0 */
#include "limiter.h"

#include "../core/hot.h"
#include "../fleet/exempt_key.h"
#include "ahead.h"
#include "slot.h"

/* Two passes, so that a request that one rule denies isn't charged to the other rules: the
 * first looks every claim up, the second charges, and only if all claims fit. If nothing has
 * happened to a counter in between, its charge is one swap on what the look saw. If another
 * request takes the last unit between the passes, the claims that were charged by then are
 * given back.
 *
 * The charge itself is atomic within each counter, so no more than the limit is ever granted.
 * At worst a unit that is about to be given back is missing to another request for a moment.
 *
 * Two claims can be made on one counter (by rules that share a group). The counter is charged
 * once, or once for each value: the second claim takes over the step of the first, if that was
 * charged.
 */

RL_EACH_REQUEST static const rl_claim_t *charged_twin(const rl_claim_t *claims, int i)
{
    for (int j = 0; j < i; j++) {
        if (claims[j].charged && rl_claim_shares_charge(&claims[j], &claims[i])) {
            return &claims[j];
        }
    }
    return NULL;
}

/* A claim that has waited holds a slot already: so do those on the same counter, since a
 * request takes one slot of it. Moves the slot to the first of them. */
static void slot_to_first(rl_claim_t *claims, int n)
{
    for (int i = 1; i < n; i++) {
        const rl_holding_t holding = claims[i].slot.holding;
        int first = 0;
        if (holding.holder == 0) {
            continue;
        }
        while (!rl_claim_shares_counter(&claims[first], &claims[i])) {
            first++;
        }
        if (first < i) {
            claims[i].slot.holding = (rl_holding_t){.holder = 0};
            claims[first].slot.holding = holding;
        }
    }
}

/* Returns an earlier claim on the same counter that holds a slot, NULL if none does. */
static const rl_claim_t *holding_twin(const rl_claim_t *claims, int i)
{
    for (int j = 0; j < i; j++) {
        if (claims[j].slot.holding.holder != 0 &&
            rl_claim_shares_counter(&claims[j], &claims[i])) {
            return &claims[j];
        }
    }
    return NULL;
}

static bool denies(const rl_claim_t *claim)
{
    return !claim->observe && !claim->step.granted;
}

int rl_limiter_denial(const rl_claim_t *claims, int n)
{
    int longest = -1;
    for (int i = 0; i < n; i++) {
        if (denies(&claims[i]) &&
            (longest < 0 || claims[i].step.retry > claims[longest].step.retry)) {
            longest = i;
        }
    }
    return longest;
}

static bool counts_values(const rl_claim_t *claim)
{
    return rl_distinct_matters(&claim->distinct, &claim->op);
}

/* Grants a denied claim if its value is charged already; denies one that is to be refused. */
RL_EACH_REQUEST static void apply_value(const rl_source_t *source, rl_claim_t *claim)
{
    if (claim->refuse) {
        claim->step.granted = false;
        claim->step.retry = claim->step.reset;
    }
    else if (!claim->step.granted && counts_values(claim)) {
        rl_distinct_look(source, &claim->op, &claim->distinct, &claim->step);
    }
}

static void look_for_slot(const rl_source_t *source, rl_claim_t *claim)
{
    rl_slot_look(source, claim);
    claim->step.granted &= !claim->refuse;
}

/* Grants a denied claim if an administrator has exempted its key. */
static void excuse_denied(const rl_source_t *source, rl_claim_t *claim)
{
    if (!claim->refuse && !claim->uncounted && rl_exempt_key_until(source, &claim->op) > 0) {
        claim->excused = claim->step.granted = true;
        claim->step.retry = claim->op.now;
    }
}

static inline void claim_excuse(const rl_source_t *source, rl_claim_t *claim)
{
    if (!claim->step.granted) {
        excuse_denied(source, claim);
    }
}

void rl_limiter_peek(const rl_source_t *source, rl_claim_t *claim)
{
    if (rl_claim_takes_slot(claim)) {
        look_for_slot(source, claim);
    }
    else {
        rl_counter_peek(source, &claim->op, &claim->step);
        apply_value(source, claim);
    }
    claim_excuse(source, claim);
}

/* Looks for the slot that the claim asks for; one on a counter of which an earlier claim holds
 * a slot takes over its step. */
static void look_for_a_slot(const rl_source_t *source, rl_claim_t *claims, int i)
{
    const rl_claim_t *twin = holding_twin(claims, i);
    if (twin == NULL) {
        look_for_slot(source, &claims[i]);
        return;
    }
    claims[i].step = twin->step;
    claims[i].step.granted &= !claims[i].refuse;
}

static void claim_look_up(const rl_source_t *source, rl_claim_t *claims, int i)
{
    rl_claim_t *claim = &claims[i];
    if (rl_claim_takes_slot(claim)) {
        look_for_a_slot(source, claims, i);
    }
    else {
        rl_counter_look(source, &claim->op, &claim->step, &claim->seen);
        if (!claim->step.granted) {
            rl_ledger_keep(&claim->op, &claim->seen.sight, &claim->step);
        }
        apply_value(source, claim);
    }
    claim_excuse(source, claim);
}

static void claim_take_slot(const rl_source_t *source, rl_claim_t *claim)
{
    rl_slot_take(source, claim);
    claim_excuse(source, claim);
}

static void claim_charge(const rl_source_t *source, rl_claim_t *claim)
{
    if (rl_claim_takes_slot(claim)) {
        claim_take_slot(source, claim);
        return;
    }
    claim->uncounted = counts_values(claim)
                           ? !rl_distinct_charge(source, &claim->op, claim->on_error,
                                                 &claim->distinct, &claim->step)
                           : !rl_counter_charge_foreseen(source, &claim->op, claim->on_error,
                                                         claim->seen.foreseen, &claim->step);
    claim->charged = claim->step.granted && !claim->uncounted;
    claim_excuse(source, claim);
}

/* Charges a claim that was looked up and fits with what the look saw. Returns false if that
 * isn't possible. */
RL_INLINE bool take_seen(const rl_source_t *source, rl_claim_t *claim)
{
    if (counts_values(claim) || rl_claim_takes_slot(claim) ||
        !rl_counter_take(source, &claim->op, &claim->seen, &claim->step)) {
        return false;
    }
    claim->charged = claim->step.granted;
    claim_excuse(source, claim);
    return true;
}

/* Charges a claim that was looked up and fits, mostly in place. If an earlier claim on the same
 * counter was charged, takes over its step instead. */
RL_INLINE void charge_seen(const rl_source_t *source, rl_claim_t *claims, int i)
{
    rl_claim_t *claim = &claims[i];
    const rl_claim_t *twin = charged_twin(claims, i);
    if (twin != NULL) {
        claim->step = twin->step;
    }
    else if (!take_seen(source, claim)) {
        claim_charge(source, claim);
    }
}

void rl_limiter_overrun(const rl_source_t *source, rl_claim_t *claims, int n)
{
    for (int i = 0; i < n; i++) {
        rl_claim_t *claim = &claims[i];
        if (!claim->step.granted && !claim->uncounted && !claim->refuse && !claim->patient &&
            !rl_claim_takes_slot(claim)) {
            rl_counter_overrun(source, &claim->op, &claim->step);
        }
    }
}

/* Charges the claims that fit, in order, up to the first that denies. Returns true if all were
 * granted. */
RL_INLINE bool charge_all(const rl_source_t *source, rl_claim_t *claims, int n)
{
    bool all = true;
    for (int i = 0; i < n; i++) {
        if (claims[i].step.granted && !claims[i].excused) {
            charge_seen(source, claims, i);
        }
        if (claims[i].step.granted) {
            continue;
        }
        if (denies(&claims[i])) {
            return false;
        }
        all = false;
    }
    return all;
}

/* Makes the claims ready for a decision, and has the processor fetch their cells. */
static void begin_all(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now)
{
    for (int i = 0; i < n; i++) {
        rl_claim_t *claim = &claims[i];
        rl_source_bind(source, &claim->op, now);
        rl_counter_aim(source, &claim->op, &claim->seen);
        claim->distinct.holds = RL_HOLDS_UNITS; /* it may have been charged before */
        claim->charged = claim->uncounted = claim->excused = false;
    }
}

/* Looks all claims up. Returns true if none of them denies. */
static bool look_at_all(const rl_source_t *source, rl_claim_t *claims, int n)
{
    bool fit = true;
    for (int i = 0; i < n; i++) {
        claim_look_up(source, claims, i);
        if (denies(&claims[i])) {
            fit = false;
        }
    }
    return fit;
}

/* Returns true if the claim is charged in one pass: a look would only do a part of it once
 * more. But it is needed where the ledger alone decides, for its charge goes on from there, and
 * to foresee what the shared store will be asked. */
static bool is_charged_at_once(const rl_source_t *source, const rl_claim_t *claim)
{
    if (claim->refuse) {
        return false;
    }
    return counts_values(claim) || rl_claim_takes_slot(claim) ||
           (source->session == NULL && !rl_counter_is_ledgers(source, &claim->op));
}

/* With a shared store, what the charges will ask of it is asked for together. */
RL_RARELY static bool charge_together(const rl_source_t *source, rl_claim_t *claims, int n)
{
    rl_ahead_t ahead;
    bool fit;
    rl_ahead_begin(&ahead, source, claims, n);
    fit = charge_all(source, claims, n);
    rl_ahead_end(&ahead, source);
    for (int i = 0; i < n; i++) {
        claims[i].seen.foreseen = NULL; /* it ends here */
    }
    return fit;
}

/* Decides in two passes. Returns true if all claims were granted. */
static inline bool decide_all(const rl_source_t *source, rl_claim_t *claims, int n)
{
    slot_to_first(claims, n);
    return look_at_all(source, claims, n) &&
           (source->session == NULL ? charge_all(source, claims, n)
                                    : charge_together(source, claims, n));
}

/* It isn't known that all claims were granted. Returns as rl_limiter_decide(). */
RL_RARELY static int decide_overrun(const rl_source_t *source, rl_claim_t *claims, int n,
                                    int64_t now)
{
    int denial;
    rl_limiter_overrun(source, claims, n);
    denial = rl_limiter_denial(claims, n);
    if (denial >= 0) {
        rl_limiter_refund(source, claims, n, now);
    }
    return denial;
}

RL_EACH_REQUEST int rl_limiter_decide(const rl_source_t *source, rl_claim_t *claims, int n,
                                      int64_t now)
{
    begin_all(source, claims, n, now);
    if (n == 1 && is_charged_at_once(source, &claims[0])) {
        claim_charge(source, &claims[0]);
    }
    else if (decide_all(source, claims, n)) {
        return -1;
    }
    return decide_overrun(source, claims, n, now);
}

void rl_limiter_look_again(const rl_source_t *source, rl_claim_t *claim)
{
    const rl_operation_t nothing = rl_operation_at_cost(&claim->op, 0);
    if (rl_claim_takes_slot(claim)) {
        rl_slot_look(source, claim);
    }
    else {
        rl_counter_peek(source, &nothing, &claim->step);
    }
    claim->step.granted = true;
}

/* Whoever is over a limit that has a penalty is under it. */
static bool is_penalized(const rl_claim_t *claim)
{
    return !claim->step.granted && claim->op.meter.penalty_us > 0 && !claim->refuse;
}

uint32_t rl_claim_remaining(const rl_claim_t *claim)
{
    const uint32_t quota = rl_meter_quota(&claim->op.meter);
    return quota > claim->step.used && !is_penalized(claim) ? quota - claim->step.used : 0;
}

int64_t rl_claim_more_at(const rl_claim_t *claim)
{
    return is_penalized(claim) ? claim->step.retry : rl_meter_more_at(&claim->op, &claim->step);
}

bool rl_claim_is_closer(const rl_claim_t *a, const rl_claim_t *b)
{
    /* a.remaining / a.quota < b.remaining / b.quota, multiplied out; quota 0 is closest */
    const uint32_t quota_a = rl_meter_quota(&a->op.meter),
                   quota_b = rl_meter_quota(&b->op.meter);
    const uint64_t left = (uint64_t)rl_claim_remaining(a) * quota_b;
    const uint64_t right = (uint64_t)rl_claim_remaining(b) * quota_a;
    if (quota_a == 0 || quota_b == 0) {
        return quota_a == 0 && quota_b != 0;
    }
    return left < right;
}
