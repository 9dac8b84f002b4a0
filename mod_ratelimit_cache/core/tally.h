/* The value of a counter that a fleet shares: one 64-bit number that servers only ever add to
 * and subtract from.
 *
 *     +-----------------+-----------------+-----------------+
 *     | incarnation (16)| seed (24)       | total (24)      |
 *     +-----------------+-----------------+-----------------+
 *
 * A store may lose a counter at any time: it evicts, restarts, is flushed. Whoever finds it
 * missing makes it anew, from the highest total it has seen in this window: that is the seed,
 * and the total starts there. The incarnation, a random number, lets every other server notice.
 * One that has seen a higher total raises seed and total together by the difference, in one
 * addition; because the seed tells what the counter started from, nothing that was counted
 * since is counted twice or forgotten. Two that are drawn alike go unnoticed, so it has 16
 * bits; with 8 a test came upon that within an hour.
 */
#ifndef RL_CORE_TALLY_H
#define RL_CORE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#define RL_TALLY_BITS       24
#define RL_INCARNATION_BITS 16
#define RL_TALLY_LIMIT      ((UINT32_C(1) << 23) - 1) /* the highest limit that can be shared */

/* Of a token bucket the value is
 *
 *     +-----------------+-----------------------------------+
 *     | incarnation (16)| theoretical arrival time (48)     |
 *     +-----------------+-----------------------------------+
 *
 * in ticks (core/meter_bucket.c), which are so long that times until RL_TALLY_TIME_MAX (the
 * year 2100) and a whole bucket fit. */
#define RL_TALLY_TICKS_MAX (UINT64_C(1) << 47)
#define RL_TALLY_TIME_MAX  INT64_C(4102444800000000) /* microseconds */

typedef struct rl_tally {
    unsigned incarnation; /* 1 to 65534 */
    uint32_t seed;        /* units */
    uint32_t total;       /* units, the seed included */
} rl_tally_t;

uint64_t rl_tally_pack(const rl_tally_t *tally);

/* False for a number that no server of ours can have made. */
bool rl_tally_unpack(uint64_t value, rl_tally_t *tally);

/* An incarnation drawn from random bits. */
unsigned rl_tally_incarnation(uint64_t random);

/* What to add so that a counter that was made from too low a seed counts units more. */
uint64_t rl_tally_raise(uint32_t units);

#endif
