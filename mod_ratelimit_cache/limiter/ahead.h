/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the shared store in one round trip for what the charges of a request will ask of it. */
#ifndef RL_LIMITER_AHEAD_H
#define RL_LIMITER_AHEAD_H

#include "claim.h"

#define RL_AHEAD_CLAIMS 8 /* of one request; those beyond ask by themselves */

typedef struct rl_ahead {
    rl_errand_t errand;
    rl_foreseen_t foreseen[RL_AHEAD_CLAIMS];
    unsigned n;
} rl_ahead_t;

/* Call it after all claims were looked up, and before any is charged. The source must have a
 * session, which goes by way of the errand from here to rl_ahead_end(). */
void rl_ahead_begin(rl_ahead_t *ahead, const rl_source_t *source, rl_claim_t *claims, int n);

/* Call it once nothing more is to be charged. Takes off again what was added for claims that
 * were not charged after all. */
void rl_ahead_end(rl_ahead_t *ahead, const rl_source_t *source);

#endif
