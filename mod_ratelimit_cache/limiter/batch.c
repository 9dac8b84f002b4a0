/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

void rl_batch_begin(rl_batch_t *batch, const rl_source_t *source, rl_batch_fn *deed,
                    int64_t now)
{
    batch->source = source;
    batch->deed = deed;
    batch->now = now;
    batch->n = 0;
}

void rl_batch_add(rl_batch_t *batch, rl_claim_t *claim)
{
    batch->claims[batch->n++] = claim;
    if (batch->n == RL_BATCH_CLAIMS) {
        rl_batch_end(batch);
    }
}

void rl_batch_end(rl_batch_t *batch)
{
    if (batch->n > 0) {
        batch->deed(batch->source, batch->claims, batch->n, batch->now);
        batch->n = 0;
    }
}
