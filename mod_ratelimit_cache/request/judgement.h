/* SPDX-License-Identifier: Apache-2.0 */
/* What an outcome means for a claim: is it a success, does it clear the counter, does it count?
 */
#ifndef RL_REQUEST_JUDGEMENT_H
#define RL_REQUEST_JUDGEMENT_H

#include <stdbool.h>

#include "record.h"

/* All can be asked at any time: at the end, when the header of the answer leaves
 * (rl_outcome_leaving()), or when only authentication is over. */

/* Returns true if the ending is one of clear=, and the key names whose success it is. */
bool rl_judge_succeeds(const rl_request_t *request, int i, const rl_ending_t *ending);

/* Returns true if the ending clears the counter of claim i. With known=, a browser that
 * succeeds gets a counter of its own, and what strangers have used stays used: names that are
 * folded into one share that counter, and whoever owns one of them must not wipe what guesses
 * at the others have used. */
bool rl_judge_clears(const rl_request_t *request, int i, const rl_ending_t *ending);

/* Returns true if claim i stays charged by the ending, or may do so for what is known yet. */
bool rl_judge_counts(const rl_request_t *request, int i, const rl_ending_t *ending);

#endif
