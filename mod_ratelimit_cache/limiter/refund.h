/* SPDX-License-Identifier: Apache-2.0 */
/* Gives back what claims hold: units, markers of values, slots. Each claim is refunded once,
 * however often this is called. */
#ifndef RL_LIMITER_REFUND_H
#define RL_LIMITER_REFUND_H

#include "batch.h"

/* Gives back, at time now, what the claims were charged. */
void rl_limiter_refund(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now);

/* Does the same for up to RL_BATCH_CLAIMS claims, which need not be neighbours; in one round
 * trip to the shared store, as far as that goes. */
void rl_limiter_refund_together(const rl_source_t *source, rl_claim_t *const *claims, int n,
                                int64_t now);

#endif
