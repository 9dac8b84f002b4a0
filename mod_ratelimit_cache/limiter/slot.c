/* SPDX-License-Identifier: Apache-2.0 */
#include "slot.h"

/* How long a denial is remembered for the log. */
#define REMEMBERED (120 * RL_USEC_PER_SEC)

/* When a slot comes free is not known; told is how long one is held on average. */
static void set_step(rl_claim_t *claim, bool granted, uint32_t used)
{
    const int64_t now = claim->op.now;
    claim->step = (rl_step_t){.granted = granted,
                              .word = -1,
                              .used = used,
                              .reset = now + claim->slot.held_us,
                              .retry = granted ? now : now + claim->slot.held_us,
                              .expires = now + REMEMBERED};
}

static rl_slot_wish_t wish_of(const rl_claim_t *claim, uint32_t queue)
{
    return (rl_slot_wish_t){.key = claim->op.ledger_key,
                            .limit = claim->op.meter.limit,
                            .queue = queue,
                            .figures_number = claim->slot.figures_number,
                            .stamp = queue > 0 ? claim->slot.came : 0};
}

void rl_slot_look(const rl_source_t *source, rl_claim_t *claim)
{
    uint32_t waiting, used = 0;
    if (claim->slot.holding.holder != 0 || source->slots == NULL) {
        set_step(claim, true, 0);
        return;
    }
    used = rl_slots_used(source->slots, &claim->op.ledger_key, &waiting);
    set_step(claim, used < claim->op.meter.limit, used);
}

/* What is held is looked at again: the processes of other holders may be gone. */
static rl_slot_e take_again(const rl_source_t *source, const rl_slot_wish_t *wish,
                            rl_claim_t *claim, uint32_t *used)
{
    const rl_slot_e result = rl_slots_take(source->slots, wish, &claim->slot.holding, used);
    if (result != RL_SLOT_NONE || wish->limit == 0 ||
        !rl_slots_reap_key(source->slots, &wish->key)) {
        return result;
    }
    return rl_slots_take(source->slots, wish, &claim->slot.holding, used);
}

void rl_slot_take(const rl_source_t *source, rl_claim_t *claim)
{
    const rl_slot_wish_t wish = wish_of(claim, 0);
    rl_slot_e result = RL_SLOT_HELD;
    uint32_t waiting, used = 1;
    if (claim->slot.holding.holder != 0) { /* it has waited */
        used = rl_slots_used(source->slots, &wish.key, &waiting);
    }
    else if (source->slots != NULL) {
        result = take_again(source, &wish, claim, &used);
    }
    claim->uncounted = result == RL_SLOT_FAILED;
    set_step(claim,
             result == RL_SLOT_HELD ||
                 (claim->uncounted && claim->on_error == RL_ON_ERROR_ALLOW),
             used);
    claim->charged = result == RL_SLOT_HELD;
}

rl_slot_e rl_slot_wait(const rl_source_t *source, rl_claim_t *claim)
{
    const rl_slot_wish_t wish = wish_of(claim, claim->slot.queue);
    uint32_t used;
    const rl_slot_e result = rl_slots_take(source->slots, &wish, &claim->slot.holding, &used);
    if (claim->slot.came == 0) {
        claim->slot.came = claim->slot.holding.stamp;
    }
    return result;
}
