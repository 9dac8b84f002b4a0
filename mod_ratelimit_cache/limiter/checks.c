/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"

#define WINDOW_US (60 * RL_USEC_PER_SEC)

static const rl_digest_t checks_mark = {.hi = UINT64_C(0x63686563c2a7f1d3),
                                        .lo = UINT64_C(0x6b73206f6e2e9b47)};

/* A sliding window, so that checks that are under way when one ends are still counted in the
 * next: what the one before has is rounded up.
 * Returns the operation on the number of checks: of `cost` units. */
static rl_operation_t checks_operation(const rl_claim_t *claim, int64_t now, uint32_t cost)
{
    rl_operation_t op = {.key = claim->op.key,
                         .ledger_key =
                             rl_ledger_key_beside(&claim->op.ledger_key, &checks_mark),
                         .meter = {.algorithm = RL_SLIDING_WINDOW,
                                   .aligned = true,
                                   .limit = RL_COUNT_MAX,
                                   .period_us = WINDOW_US},
                         .now = now,
                         .cost = cost,
                         .rule = claim->op.rule};
    rl_meter_prepare(&op.meter);
    return op;
}

void rl_checks_begin(const rl_source_t *source, rl_claim_t *claim, int64_t now)
{
    rl_operation_t op;
    rl_step_t step;
    if (claim->checking) {
        return;
    }
    rl_source_bind(source, &claim->op, now);
    op = checks_operation(claim, now, 1);
    rl_ledger_charge(source->ledger, &op, &step);
    claim->checking = step.granted;
    claim->check_stamp = step.stamp;
}

void rl_checks_end(const rl_source_t *source, rl_claim_t *claim, int64_t now)
{
    rl_operation_t op;
    if (!claim->checking) {
        return;
    }
    claim->checking = false;
    rl_source_bind(source, &claim->op, now);
    op = checks_operation(claim, now, 1);
    rl_ledger_refund(source->ledger, &op, claim->check_stamp);
}

bool rl_checks_go_on(const rl_source_t *source, const rl_claim_t *claim, int64_t now)
{
    const rl_operation_t op = checks_operation(claim, now, 0);
    rl_step_t step;
    rl_ledger_peek(source->ledger, &op, &step);
    return step.used > (claim->checking ? 1u : 0u);
}
