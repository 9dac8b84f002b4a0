/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of credentials that are under way. A rule that counts refused credentials holds a unit
 * for each, until httpd has said what they are worth. Whoever is over the limit only because of
 * these can wait: most of the units may come back in a moment.
 *
 * How many there are of a key is counted in a cell beside its counter, in a window of its own:
 * what a killed process leaves there is gone when the next one ends. */
#ifndef RL_LIMITER_CHECKS_H
#define RL_LIMITER_CHECKS_H

#include "limiter.h"

/* Counts a check of the claim's key that begins now, microseconds since the epoch, unless the
 * claim counts one already. */
void rl_checks_begin(const rl_source_t *source, rl_claim_t *claim, int64_t now);

/* The check that the claim counts, if it does, is over. */
void rl_checks_end(const rl_source_t *source, rl_claim_t *claim, int64_t now);

/* Returns true if checks of the claim's key are under way on this server, other than its own.
 */
bool rl_checks_go_on(const rl_source_t *source, const rl_claim_t *claim, int64_t now);

#endif
