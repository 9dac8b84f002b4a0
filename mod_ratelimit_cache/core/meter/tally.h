/* SPDX-License-Identifier: Apache-2.0 */
/* The value of a counter that a fleet shares: one 64-bit number, which servers only ever add to
 * and subtract from.
 *
 *     +---------+-----------------+-----------------+-----------------+
 *     | cleared | incarnation (15)| seed (24)       | total (24)      |
 *     +---------+-----------------+-----------------+-----------------+
 *
 * A store may lose a counter at any time: it evicts, restarts, is flushed. The server that
 * misses the counter makes a new one, from the highest total that it has seen in this window:
 * this is the seed, and the total starts there. The incarnation, a random number, tells every
 * other server that the counter is new. A server that has seen a higher total raises seed and
 * total together by the difference, in one addition. Since the seed says what the counter
 * started from, nothing that was counted since is counted twice or forgotten. Two counters with
 * the same incarnation would be taken for one, so it has 15 bits; with 8 bits, a test met such
 * a pair within an hour.
 *
 * The flag `cleared` marks a counter that replaces one wiped on purpose: nobody raises it.
 *
 * The incarnation RL_TALLY_CLOSED marks the counter of a window that is over before its time
 * (fleet/window_start.h): nothing that is added to it or taken off it counts.
 *
 * Totals are stored with RL_TALLY_BASE added. A refund may be for units that only a lost
 * counter counted; the base keeps such a subtraction from borrowing from the seed.
 *
 * The value for a token bucket is
 *
 *     +---------+-----------------+-----------------------------------+
 *     | cleared | incarnation (15)| theoretical arrival time (48)     |
 *     +---------+-----------------+-----------------------------------+
 *
 * in ticks (core/meter/bucket.c), which are so long that times until RL_TALLY_TIME_MAX (the
 * year 2100) and a whole bucket fit. */
#ifndef RL_CORE_METER_TALLY_H
#define RL_CORE_METER_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#define RL_TALLY_BITS             24
#define RL_TALLY_INCARNATION_BITS 16                /* with the flag `cleared` */
#define RL_TALLY_LIMIT            UINT32_C(8000000) /* the highest limit that can be shared */
#define RL_TALLY_BASE             UINT32_C(65536)
#define RL_TALLY_CLEARED          UINT32_C(0x8000) /* the flag, as part of an incarnation */
#define RL_TALLY_CLOSED           UINT32_C(0xffff) /* incarnation of a counter that is closed */

/* The most units to add before it is known whether they fit: so few that thousands of requests
 * at a time can't carry into the next field. */
#define RL_TALLY_COST_MAX   UINT32_C(4096)
#define RL_TALLY_BUCKET_MAX (UINT64_C(1) << 36) /* ticks of a whole bucket */

#define RL_TALLY_TICKS_MAX (UINT64_C(1) << 47)
#define RL_TALLY_TIME_MAX  INT64_C(4102444800000000) /* microseconds since the epoch */

/* The fastest token bucket that can be shared, in tokens a second. */
#define RL_TALLY_TOKENS_PER_SEC                                                                \
    (RL_TALLY_TICKS_MAX / ((uint64_t)RL_TALLY_TIME_MAX / UINT64_C(1000000)))

typedef struct rl_tally {
    unsigned incarnation; /* 1 to 32766, perhaps with RL_TALLY_CLEARED; or RL_TALLY_CLOSED */
    uint32_t seed;        /* units that this incarnation started from */
    uint32_t total;       /* units, including the seed, less what was given back */
} rl_tally_t;

/* Returns the number that stands for the tally. */
uint64_t rl_tally_pack(const rl_tally_t *tally);

/* Reads a number into *tally. Returns false if no server can have made the number; *tally has
 * no meaning then. */
bool rl_tally_unpack(uint64_t value, rl_tally_t *tally);

/* Returns the number of a counter that is closed. */
uint64_t rl_tally_closed(void);

/* Returns true of the incarnation of a counter that was wiped or is closed. */
static inline bool rl_tally_is_cleared(unsigned incarnation)
{
    return (incarnation & RL_TALLY_CLEARED) != 0;
}

static inline bool rl_tally_is_closed(const rl_tally_t *tally)
{
    return tally->incarnation == RL_TALLY_CLOSED;
}

/* The same for a token bucket. */
typedef struct rl_tally_time {
    unsigned incarnation;
    uint64_t ticks; /* theoretical arrival time */
} rl_tally_time_t;

uint64_t rl_tally_pack_time(const rl_tally_time_t *tally);
bool rl_tally_unpack_time(uint64_t value, rl_tally_time_t *tally);

/* Returns an incarnation, 1 to 32766, made of random bits. */
unsigned rl_tally_incarnation(uint64_t random);

/* Returns what to add to the value of a counter so that its seed and its total are higher by
 * units. */
uint64_t rl_tally_raise(uint32_t units);

#endif
