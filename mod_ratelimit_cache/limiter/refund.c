/* SPDX-License-Identifier: Apache-2.0 */
#include "refund.h"

#include "slot.h"

/* Gives back what a claim holds. If the shared store has to be asked for that, only begins to,
 * and returns true. */
static bool claim_refund_begin(const rl_source_t *source, rl_claim_t *claim, int64_t now,
                               rl_errand_t *errand, rl_refund_t *refund)
{
    if (!claim->charged && claim->slot.holding.holder == 0) {
        return false;
    }
    claim->charged = false;
    if (rl_claim_takes_slot(claim)) {
        rl_slots_leave(source->slots, &claim->slot.holding);
        return false;
    }
    rl_source_bind(source, &claim->op, now);
    if (claim->distinct.holds == RL_HOLDS_UNITS) {
        return rl_counter_refund_begin(source, &claim->op, claim->step.stamp, errand, refund);
    }
    if (claim->distinct.holds == RL_HOLDS_MARKER) {
        rl_marker_foresee_leave(&claim->distinct.marker, errand);
    }
    return true;
}

static void claim_refund_end(const rl_source_t *source, rl_claim_t *claim, rl_refund_t *refund)
{
    if (claim->distinct.holds == RL_HOLDS_UNITS) {
        rl_counter_refund_end(source, &claim->op, refund);
    }
    else {
        rl_distinct_refund(source, &claim->op, &claim->distinct, claim->step.stamp);
    }
}

void rl_limiter_refund_together(const rl_source_t *source, rl_claim_t *const *claims, int n,
                                int64_t now)
{
    rl_errand_t errand;
    rl_refund_t refunds[RL_BATCH_CLAIMS];
    bool due[RL_BATCH_CLAIMS];
    rl_errand_begin(&errand, source->session);
    for (int i = 0; i < n; i++) {
        due[i] = claim_refund_begin(source, claims[i], now, &errand, &refunds[i]);
    }
    rl_errand_run(&errand, source->session);
    for (int i = 0; i < n; i++) {
        if (due[i]) {
            claim_refund_end(source, claims[i], &refunds[i]);
        }
    }
    rl_errand_end(&errand, source->session);
}

void rl_limiter_refund(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now)
{
    rl_batch_t batch;
    rl_batch_begin(&batch, source, rl_limiter_refund_together, now);
    for (int i = 0; i < n; i++) {
        rl_batch_add(&batch, &claims[i]);
    }
    rl_batch_end(&batch);
}
