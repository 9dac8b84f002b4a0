/* SPDX-License-Identifier: Apache-2.0 */
/* The limiter charges all rules of a request, or none. Here a key is a digest, and a rule is a
 * meter; counter.h decides where the units come from. */
#ifndef RL_LIMITER_LIMITER_H
#define RL_LIMITER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "claim.h"
#include "clear.h"
#include "refund.h"

/* Decides about all claims at time now, microseconds since the epoch: charges all claims that
 * fit, or none. Returns -1 if the request is admitted, with every claim that fits charged. Else
 * returns the index of the denying claim with the longest wait, with nothing charged. Claims
 * that observe never deny; their step.granted tells if they fit. */
int rl_limiter_decide(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now);

/* Starts or extends the penalty of each claim that was decided about and is over its limit,
 * even if another rule denied the request, unless the claim is patient. rl_limiter_decide()
 * does so; call it for claims that were patient then and are no more. */
void rl_limiter_overrun(const rl_source_t *source, rl_claim_t *claims, int n);

/* Returns the index of the claim that denies with the longest wait, -1 if none denies. For
 * claims that have been decided about. */
int rl_limiter_denial(const rl_claim_t *claims, int n);

/* Brings the step of a claim that is not charged any more up to date, so that it tells what is
 * left to the key now. The claim still counts as granted. */
void rl_limiter_look_again(const rl_source_t *source, rl_claim_t *claim);

/* Computes the claim's step as far as is known: of the counter here, of its value also in the
 * shared store. For a claim whose operation is bound. */
void rl_limiter_peek(const rl_source_t *source, rl_claim_t *claim);

/* Returns the units left to the claim's key after the decision, denied or not; 0 under a
 * penalty. */
uint32_t rl_claim_remaining(const rl_claim_t *claim);

/* Returns when more units are left to the key, if nothing else comes, in microseconds since the
 * epoch: when a window ends or a sliding one moves on, when the next token comes, or when the
 * penalty ends. */
int64_t rl_claim_more_at(const rl_claim_t *claim);

/* Returns true if a is closer to its limit than b: a smaller share of its quota remains. */
bool rl_claim_is_closer(const rl_claim_t *a, const rl_claim_t *b);

#endif
