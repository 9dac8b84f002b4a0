/* SPDX-License-Identifier: Apache-2.0 */
/* A batch: claims with which the same is to be done. They are collected, and handed on as many
 * at a time as one round trip to the shared store is for. */
#ifndef RL_LIMITER_BATCH_H
#define RL_LIMITER_BATCH_H

#include "claim.h"

#define RL_BATCH_CLAIMS 8

/* What is done at time now with n claims, 1 to RL_BATCH_CLAIMS, in one round trip as far as
 * that goes: rl_limiter_refund_together(), rl_limiter_clear_together(). */
typedef void rl_batch_fn(const rl_source_t *source, rl_claim_t *const *claims, int n,
                         int64_t now);

typedef struct rl_batch {
    const rl_source_t *source;
    rl_batch_fn *deed;
    int64_t now;
    int n;
    rl_claim_t *claims[RL_BATCH_CLAIMS];
} rl_batch_t;

/* Begins a batch; all that is passed must outlive it. */
void rl_batch_begin(rl_batch_t *batch, const rl_source_t *source, rl_batch_fn *deed,
                    int64_t now);

/* Adds a claim. It is done with it now, or at the end. */
void rl_batch_add(rl_batch_t *batch, rl_claim_t *claim);

/* Does it with the claims that are left. */
void rl_batch_end(rl_batch_t *batch);

#endif
