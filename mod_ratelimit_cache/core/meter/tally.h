/* The value of a counter that a fleet shares: one 64-bit number that servers only ever add to
 * and subtract from.
 *
 *     +---------+-----------------+-----------------+-----------------+
 *     | cleared | incarnation (15)| seed (24)       | total (24)      |
 *     +---------+-----------------+-----------------+-----------------+
 *
 * A store may lose a counter at any time: it evicts, restarts, is flushed. Whoever finds it
 * missing makes it anew, from the highest total it has seen in this window: that is the seed,
 * and the total starts there. The incarnation, a random number, lets every other server notice.
 * One that has seen a higher total raises seed and total together by the difference, in one
 * addition; because the seed tells what the counter started from, nothing that was counted
 * since is counted twice or forgotten. Two that are drawn alike go unnoticed, so it has 15
 * bits; with 8 a test came upon that within an hour.
 *
 * A counter that was wiped on purpose says so: nobody raises that one.
 *
 * Totals are stored with RL_TALLY_BASE on top: what is given back may have been counted by a
 * counter that is lost, and must not borrow from the seed.
 *
 * Of a token bucket the value is
 *
 *     +---------+-----------------+-----------------------------------+
 *     | cleared | incarnation (15)| theoretical arrival time (48)     |
 *     +---------+-----------------+-----------------------------------+
 *
 * in ticks (core/meter/bucket.c), which are so long that times until RL_TALLY_TIME_MAX (the
 * year 2100) and a whole bucket fit.
 */
#ifndef RL_CORE_METER_TALLY_H
#define RL_CORE_METER_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#define RL_TALLY_BITS       24
#define RL_INCARNATION_BITS 16                /* with the flag */
#define RL_TALLY_LIMIT      UINT32_C(8000000) /* the highest limit that can be shared */
#define RL_TALLY_BASE       UINT32_C(65536)
#define RL_TALLY_CLEARED    UINT32_C(0x8000) /* a flag of incarnations */

/* What is added before it is known whether it fits: so little that thousands of requests at a
 * time can't carry into the next field. */
#define RL_TALLY_COST_MAX   UINT32_C(4096)
#define RL_TALLY_BUCKET_MAX (UINT64_C(1) << 36) /* ticks of a whole bucket */

#define RL_TALLY_TICKS_MAX (UINT64_C(1) << 47)
#define RL_TALLY_TIME_MAX  INT64_C(4102444800000000) /* microseconds */

typedef struct rl_tally {
    unsigned incarnation; /* 1 to 32766, perhaps with RL_TALLY_CLEARED */
    uint32_t seed;        /* units */
    uint32_t total; /* units; the seed included, and what was given back since taken off */
} rl_tally_t;

uint64_t rl_tally_pack(const rl_tally_t *tally);

/* False for a number that no server of ours can have made. */
bool rl_tally_unpack(uint64_t value, rl_tally_t *tally);

/* The same of a token bucket. */
typedef struct rl_tally_time {
    unsigned incarnation;
    uint64_t ticks;
} rl_tally_time_t;

uint64_t rl_tally_pack_time(const rl_tally_time_t *tally);
bool rl_tally_unpack_time(uint64_t value, rl_tally_time_t *tally);

/* An incarnation drawn from random bits. */
unsigned rl_tally_incarnation(uint64_t random);

/* What to add so that a counter that was made from too low a seed counts units more. */
uint64_t rl_tally_raise(uint32_t units);

#endif
