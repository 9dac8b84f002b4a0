/* SPDX-License-Identifier: Apache-2.0 */
#include "clear.h"

void rl_limiter_clear_together(const rl_source_t *source, rl_claim_t *const *claims, int n,
                               int64_t now)
{
    rl_errand_t errand;
    rl_reservation_t clearings[RL_BATCH_CLAIMS];
    rl_errand_begin(&errand, source->session);
    for (int i = 0; i < n; i++) {
        claims[i]->charged = false;
        rl_source_bind(source, &claims[i]->op, now);
        rl_counter_clear_begin(source, &claims[i]->op, &errand, &clearings[i]);
    }
    rl_errand_run(&errand, source->session);
    for (int i = 0; i < n; i++) {
        rl_counter_clear_end(source, &claims[i]->op, &clearings[i]);
    }
    rl_errand_end(&errand, source->session);
}

void rl_limiter_clear(const rl_source_t *source, rl_claim_t *claim, int64_t now)
{
    rl_limiter_clear_together(source, &claim, 1, now);
}
