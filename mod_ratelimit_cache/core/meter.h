/* The algorithms, as pure transitions of a cell's words.
 *
 * A meter says how one rule counts one key. Its state is two 64-bit words, zero or noise when
 * the key was never seen. A transition looks at the words and the time and says what one
 * 64-bit compare-and-swap would have to change; it changes nothing itself, takes the time from
 * its caller, and never fails. Whoever owns the words applies the step, or drops it.
 */
#ifndef RL_CORE_METER_H
#define RL_CORE_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "digest.h"
#include "rate.h"

typedef enum {
    RL_FIXED_WINDOW,
} rl_algorithm_e;

typedef struct rl_meter {
    rl_algorithm_e algorithm;
    bool aligned;   /* windows start at multiples of the period (UTC), not staggered by key */
    uint32_t limit; /* units per window */
    int64_t period_us; /* length of a window, microseconds */
} rl_meter_t;

#define RL_METER_WORDS 2

/* What a charge would do. Times are microseconds since the epoch. */
typedef struct rl_step {
    bool granted;    /* the cost fits */
    int word;        /* the word to change, -1 when nothing changes */
    uint64_t value;  /* its new value */
    uint32_t stamp;  /* names the window that is charged; a refund must bring it back */
    uint32_t used;   /* units in use after the charge, or now when it isn't granted */
    int64_t reset;   /* when the window ends */
    int64_t retry;   /* when the same cost would fit, if nothing else came; now when granted */
    int64_t expires; /* when the words can be forgotten */
} rl_step_t;

/* The step that charges cost units to the key at time now. */
void rl_meter_charge(const rl_meter_t *meter, const rl_digest_t *key,
                     const uint64_t words[RL_METER_WORDS], int64_t now, uint32_t cost,
                     rl_step_t *step);

/* The step that gives back units charged under stamp; word is -1 when that window is over.
 * Never below zero. */
void rl_meter_refund(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                     uint32_t stamp, uint32_t units, rl_step_t *step);

#endif
