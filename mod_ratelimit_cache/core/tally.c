#include "tally.h"

#define FIELD           ((UINT64_C(1) << RL_TALLY_BITS) - 1)
#define INCARNATION_MAX ((1u << RL_INCARNATION_BITS) - 2)

uint64_t rl_tally_pack(const rl_tally_t *tally)
{
    return (uint64_t)tally->incarnation << (2 * RL_TALLY_BITS) |
           (uint64_t)tally->seed << RL_TALLY_BITS | tally->total;
}

/* A total that is far beyond the highest limit comes from a subtraction below zero. */
bool rl_tally_unpack(uint64_t value, rl_tally_t *tally)
{
    tally->incarnation = (unsigned)(value >> (2 * RL_TALLY_BITS));
    tally->seed = (uint32_t)(value >> RL_TALLY_BITS & FIELD);
    tally->total = (uint32_t)(value & FIELD);
    return tally->incarnation >= 1 && tally->incarnation <= INCARNATION_MAX &&
           tally->total >= tally->seed && tally->total <= RL_TALLY_LIMIT + RL_TALLY_LIMIT / 2;
}

unsigned rl_tally_incarnation(uint64_t random)
{
    return 1 + (unsigned)(random % INCARNATION_MAX);
}

uint64_t rl_tally_raise(uint32_t units)
{
    return (uint64_t)units << RL_TALLY_BITS | units;
}
