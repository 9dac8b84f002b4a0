/* SPDX-License-Identifier: Apache-2.0 */
/* Clears counters of claims. */
#ifndef RL_LIMITER_CLEAR_H
#define RL_LIMITER_CLEAR_H

#include "batch.h"

/* Clears the claim's counter at time now. The claim counts as not charged afterwards: no unit
 * of it is left to give back. */
void rl_limiter_clear(const rl_source_t *source, rl_claim_t *claim, int64_t now);

/* Does the same for up to RL_BATCH_CLAIMS claims, in one round trip to the shared store as far
 * as that goes. */
void rl_limiter_clear_together(const rl_source_t *source, rl_claim_t *const *claims, int n,
                               int64_t now);

#endif
