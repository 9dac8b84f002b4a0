/* SPDX-License-Identifier: Apache-2.0 */
#include "ahead.h"

#include "slot.h"

/* Charges of the claim's cost that must fit besides. What is asked for together tells the
 * counter after everybody's additions, not which place this one has among them: of many
 * requests at once that don't all fit, all might be denied. So close to its limit each asks by
 * itself. */
#define ROOM_LEAST 64

static bool has_room(const rl_claim_t *claim)
{
    return claim->step.used + (uint64_t)ROOM_LEAST * claim->op.cost <=
           rl_meter_quota(&claim->op.meter);
}

/* Returns true if a claim's charge is one that can be foreseen: it asks the store, fits as far
 * as is known, takes units, whatever its value, and no other claim charges the same counter
 * before it or in another way. */
static bool can_be_foreseen(const rl_source_t *source, const rl_claim_t *claims, int n, int i)
{
    const rl_claim_t *claim = &claims[i];
    if (!rl_counter_may_ask(source, &claim->op, &claim->step, &claim->seen) ||
        !has_room(claim) || !claim->step.granted || claim->excused ||
        rl_claim_takes_slot(claim) || rl_distinct_matters(&claim->distinct, &claim->op)) {
        return false;
    }
    for (int j = 0; j < n; j++) {
        if (j != i && rl_claim_shares_counter(&claims[j], claim) &&
            (j < i || !rl_claim_shares_charge(&claims[j], claim))) {
            return false;
        }
    }
    return true;
}

void rl_ahead_begin(rl_ahead_t *ahead, const rl_source_t *source, rl_claim_t *claims, int n)
{
    ahead->n = 0;
    rl_errand_begin(&ahead->errand, source->session);
    for (int i = 0; i < n && ahead->n < RL_AHEAD_CLAIMS; i++) {
        rl_foreseen_t *foreseen = &ahead->foreseen[ahead->n];
        rl_claim_t *claim = &claims[i];
        if (can_be_foreseen(source, claims, n, i)) {
            rl_counter_foresee(source, &claim->op, &claim->step, &claim->seen, &ahead->errand,
                               foreseen);
            claim->seen.foreseen = foreseen;
            ahead->n++;
        }
    }
    rl_errand_run(&ahead->errand, source->session);
    for (unsigned i = 0; i < ahead->n; i++) {
        rl_reservation_t *res = &ahead->foreseen[i].res;
        res->was_read = rl_errand_has_read(&ahead->errand, &res->counter);
    }
}

void rl_ahead_end(rl_ahead_t *ahead, const rl_source_t *source)
{
    for (unsigned i = 0; i < ahead->n; i++) {
        rl_counter_foreseen(&ahead->foreseen[i], &ahead->errand);
    }
    rl_errand_end(&ahead->errand, source->session);
}
