/* SPDX-License-Identifier: Apache-2.0 */
/* What an outcome means for a claim: does it count, does it clear the counter? */
#ifndef RL_REQUEST_JUDGEMENT_H
#define RL_REQUEST_JUDGEMENT_H

#include <stdbool.h>

#include "record.h"

/* Both can be asked at any time: at the end, when the header of the answer leaves
 * (rl_outcome_leaving()), or when only authentication is over. */

/* Returns true if claim i stays charged by the ending, or may do so for what is known yet. */
bool rl_judge_counts(const rl_request_t *request, int i, const rl_ending_t *ending);

/* Returns true if the ending clears the counter of claim i. */
bool rl_judge_clears(const rl_request_t *request, int i, const rl_ending_t *ending);

#endif
