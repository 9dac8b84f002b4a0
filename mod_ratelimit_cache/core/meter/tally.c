/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#define FIELD           ((UINT64_C(1) << RL_TALLY_BITS) - 1)
#define TIME_BITS       (2 * RL_TALLY_BITS)
#define INCARNATION_MAX (RL_TALLY_CLEARED - 2)

static bool is_incarnation(unsigned incarnation)
{
    const unsigned drawn = incarnation & (RL_TALLY_CLEARED - 1);
    return drawn >= 1 && drawn <= INCARNATION_MAX;
}

uint64_t rl_tally_pack(const rl_tally_t *tally)
{
    return (uint64_t)tally->incarnation << TIME_BITS | (uint64_t)tally->seed << RL_TALLY_BITS |
           (tally->total + RL_TALLY_BASE);
}

/* Tells a number that is closed, to which thousands may have been added, from one whose bits
 * are all set. */
static bool is_about_middle(uint64_t below)
{
    const uint64_t middle = UINT64_C(1) << (TIME_BITS - 1);
    return below >= middle / 2 && below < middle + middle / 2;
}

/* A total close to the highest of its field comes from a subtraction below zero. */
bool rl_tally_unpack(uint64_t value, rl_tally_t *tally)
{
    const uint32_t total = (uint32_t)(value & FIELD);
    tally->incarnation = (unsigned)(value >> TIME_BITS);
    tally->seed = (uint32_t)(value >> RL_TALLY_BITS & FIELD);
    tally->total = total > RL_TALLY_BASE ? total - RL_TALLY_BASE : 0;
    if (rl_tally_is_closed(tally)) {
        tally->seed = tally->total = 0;
        return is_about_middle(value & ((UINT64_C(1) << TIME_BITS) - 1));
    }
    return is_incarnation(tally->incarnation) && tally->seed <= RL_TALLY_LIMIT &&
           tally->total <= FIELD - 2 * RL_TALLY_BASE;
}

/* Begins in the middle, so that whatever is added or taken off leaves the incarnation alone. */
uint64_t rl_tally_closed(void)
{
    return (uint64_t)RL_TALLY_CLOSED << TIME_BITS | UINT64_C(1) << (TIME_BITS - 1);
}

uint64_t rl_tally_pack_time(const rl_tally_time_t *tally)
{
    return (uint64_t)tally->incarnation << TIME_BITS | tally->ticks;
}

bool rl_tally_unpack_time(uint64_t value, rl_tally_time_t *tally)
{
    tally->incarnation = (unsigned)(value >> TIME_BITS);
    tally->ticks = value & ((UINT64_C(1) << TIME_BITS) - 1);
    return is_incarnation(tally->incarnation) && tally->ticks > 0;
}

unsigned rl_tally_incarnation(uint64_t random)
{
    return 1 + (unsigned)(random % INCARNATION_MAX);
}

uint64_t rl_tally_raise(uint32_t units)
{
    return (uint64_t)units << RL_TALLY_BITS | units;
}
