/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of rules with COUNT/concurrent: they take a slot of concurrent/ instead of units. */
#ifndef RL_LIMITER_SLOT_H
#define RL_LIMITER_SLOT_H

#include "claim.h"

/* Returns true if the claim asks for a slot. */
static inline bool rl_claim_takes_slot(const rl_claim_t *claim)
{
    return claim->op.meter.algorithm == RL_CONCURRENT;
}

/* Sets the claim's step: if a slot is free now. The claim's operation is bound. */
void rl_slot_look(const rl_source_t *source, rl_claim_t *claim);

/* Takes a slot for the claim, unless it holds one: sets the claim's step, `charged`, and
 * `uncounted` if nobody can say. */
void rl_slot_take(const rl_source_t *source, rl_claim_t *claim);

/* Begins to wait for a slot, as many others of the key as claim->queue may wait. Returns what
 * rl_slots_take() does. */
rl_slot_e rl_slot_wait(const rl_source_t *source, rl_claim_t *claim);

#endif
