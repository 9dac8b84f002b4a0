/* SPDX-License-Identifier: Apache-2.0 */
/* The word of a penalty, in the ledger and in the shared store.
 *
 *     end (58 bits, in units of 64 microseconds) | lifted (1) | steps (5)
 *
 * As a whole it is a time in microseconds, so that of two words the one that ends later is the
 * greater. `steps` says how many penalties in a row this is, from 1; with double= each is twice
 * as long as the one before. A word whose penalty is over is remembered for that. `lifted`
 * marks a penalty that was ended early, and not by time; `end` is when. */
#ifndef RL_CORE_METER_PENALTY_WORD_H
#define RL_CORE_METER_PENALTY_WORD_H

#include <stdbool.h>
#include <stdint.h>

#define RL_PENALTY_STEPS_MAX 31
#define RL_PENALTY_LIFTED    UINT64_C(32)
#define RL_PENALTY_TICK      INT64_C(64) /* microseconds; a whole second is a multiple of it */

/* Returns when the penalty ends or ended, in microseconds since the epoch. */
static inline int64_t rl_penalty_end(uint64_t word)
{
    return (int64_t)(word & ~(uint64_t)(RL_PENALTY_TICK - 1));
}

/* Returns how many penalties in a row it is; 0 if there is none to remember. */
static inline unsigned rl_penalty_steps(uint64_t word)
{
    return (unsigned)(word & RL_PENALTY_STEPS_MAX);
}

static inline bool rl_penalty_is_lifted(uint64_t word)
{
    return (word & RL_PENALTY_LIFTED) != 0;
}

/* Returns the word of a penalty that ends at `end`, or less than a tick earlier: rounded up, a
 * wait of a whole second would be told as two. */
static inline uint64_t rl_penalty_word(int64_t end, unsigned steps)
{
    return (uint64_t)rl_penalty_end((uint64_t)end) | steps;
}

/* Returns the word of a penalty that is lifted at now, after which `steps` penalties in a row
 * are remembered. */
static inline uint64_t rl_penalty_lifted_word(int64_t now, unsigned steps)
{
    return (uint64_t)rl_penalty_end((uint64_t)now) | RL_PENALTY_LIFTED | steps;
}

#endif
