/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the server is busy: one state for all its processes, in shared memory, which outlives
 * reloads. It becomes busy when one measure reaches HIGH, and stops when all have been below
 * LOW for a while.
 *
 * Each second one process samples: the one that claims the sample first. Times are of a clock
 * that is never set (system/clock.h), in microseconds. */
#ifndef RL_BUSY_STATE_H
#define RL_BUSY_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

#define RL_BUSY_INTERVAL_US 1000000 /* between two samples */

#define RL_BUSY_UNKNOWN UINT32_MAX /* the value of what couldn't be measured */

/* Values in hundredths, or RL_BUSY_UNKNOWN. */
typedef struct rl_busy_sample {
    uint32_t value[RL_BUSY_MEASURES];
} rl_busy_sample_t;

/* Zero at the start. It is written once a second, and read by each request of a rule with
 * busy=. */
typedef struct rl_busy {
    _Atomic uint64_t generation;              /* counts readings of the configuration */
    _Atomic uint64_t state;                   /* see state.c; 0: not busy */
    _Atomic int64_t sampled_us;               /* when the last sample was claimed */
    _Atomic int64_t since_us;                 /* when it became busy */
    _Atomic uint32_t value[RL_BUSY_MEASURES]; /* of the last sample */
} rl_busy_t;

typedef enum { RL_BUSY_UNCHANGED, RL_BUSY_BEGINS, RL_BUSY_ENDS } rl_busy_change_e;

/* What a sample has changed. */
typedef struct rl_busy_event {
    rl_busy_change_e change;
    rl_busy_measure_e measure; /* begins: the measure that reached HIGH, */
    uint32_t value;            /* and its value, hundredths */
    int64_t lasted_us;         /* ends: how long the server was busy */
} rl_busy_event_t;

/* Returns the state after this sample at now_us, from the one before. Pure; see state.c. */
uint64_t rl_busy_next(const rl_busy_limits_t *limits, const rl_busy_sample_t *sample,
                      uint64_t state, int64_t now_us);

/* Begins a new generation, for the parent process. If RateLimitBusy is not configured, the
 * server is not busy from then on. Returns the generation's number. */
uint64_t rl_busy_begin(rl_busy_t *busy, bool configured);

/* Returns true if the last sample is a second old: then the caller has claimed the next one,
 * and is to take it and put it. */
bool rl_busy_claim(rl_busy_t *busy, int64_t now_us);

/* Puts the sample that was claimed at now_us. Does nothing if another process has claimed a
 * later one meanwhile. Returns what has changed; the caller is the only one who learns of it.
 */
rl_busy_event_t rl_busy_put(rl_busy_t *busy, const rl_busy_limits_t *limits,
                            const rl_busy_sample_t *sample, int64_t now_us);

/* Returns true if the server is busy. */
static inline bool rl_busy_is(const rl_busy_t *busy)
{
    return atomic_load_explicit(&busy->state, memory_order_relaxed) != 0;
}

#endif
