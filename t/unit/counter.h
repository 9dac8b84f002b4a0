/* SPDX-License-Identifier: Apache-2.0 */
/* One counter with its words, as a store would keep it, and the moments that tests of meters
 * charge it at. */
#ifndef T_UNIT_COUNTER_H
#define T_UNIT_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/meter/meter.h"
#include "support.h"

#define SECOND RL_USEC_PER_SEC
#define MINUTE (60 * SECOND)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define NOON   (INT64_C(1700049600) * SECOND) /* a moment at a whole UTC 2-hour mark */

/* No transition takes more steps than this: a window is copied, charged, and that is it. */
#define STEPS_MAX 4

typedef struct counter {
    rl_meter_t meter;
    rl_digest_t key;
    uint64_t words[RL_METER_WORDS];
    rl_step_t step; /* of the last charge */
} counter_t;

static inline counter_t counter_with(rl_meter_t meter)
{
    rl_meter_prepare(&meter);
    return (counter_t){.meter = meter, .key = {.hi = UINT64_C(0x5555555555555555), .lo = 9}};
}

static inline bool apply(counter_t *counter, const rl_step_t *step)
{
    if (step->word >= 0) {
        counter->words[step->word] = step->value;
    }
    return step->word >= 0;
}

static inline bool charge(counter_t *counter, int64_t now, uint32_t cost)
{
    int steps = 0;
    do {
        assert_true(++steps <= STEPS_MAX);
        rl_meter_charge(OP(&counter->key, &counter->meter, now, cost), counter->words,
                        &counter->step);
        apply(counter, &counter->step);
    } while (counter->step.again);
    return counter->step.granted;
}

static inline bool fits(const counter_t *counter, int64_t now, uint32_t cost)
{
    counter_t copy = *counter;
    return charge(&copy, now, cost);
}

static inline void refund(counter_t *counter, uint64_t stamp, uint32_t units, int64_t now)
{
    rl_step_t step;
    rl_meter_refund(OP(&no_key, &counter->meter, now, units), counter->words, stamp, &step);
    apply(counter, &step);
}

static inline void raise_to(counter_t *counter, uint64_t stamp, uint64_t value)
{
    rl_step_t step;
    int steps = 0;
    do {
        assert_true(++steps <= STEPS_MAX);
        rl_meter_raise(OP(&counter->key, &counter->meter, 0, 0), counter->words, stamp, value,
                       &step);
        apply(counter, &step);
    } while (step.again);
}

static inline void clear(counter_t *counter, int64_t now)
{
    rl_step_t step;
    int steps = 0;
    do {
        assert_true(++steps <= STEPS_MAX);
        rl_meter_clear(OP(&counter->key, &counter->meter, now, 0), counter->words, &step);
    } while (apply(counter, &step));
}

/* Units in use at a moment. */
static inline uint32_t used_at(const counter_t *counter, int64_t now)
{
    counter_t copy = *counter;
    charge(&copy, now, 0);
    return copy.step.used;
}

/* The last charge was denied: its cost fits when it said, and not a microsecond before. */
static inline void assert_retry_is_exact(const counter_t *counter, int64_t now, uint32_t cost)
{
    const int64_t retry = counter->step.retry;
    assert_true(retry > now);
    assert_false(fits(counter, retry - 1, cost));
    assert_true(fits(counter, retry, cost));
}

/* After the last charge, at now: a unit more is left when the meter says, and not a microsecond
 * before. Says nothing of a counter that is not in use. */
static inline void assert_more_is_exact(const counter_t *counter, int64_t now)
{
    const rl_step_t *step = &counter->step;
    const int64_t more = rl_meter_more_at(OP(&counter->key, &counter->meter, now, 0), step);
    if (step->used > 0 && step->used <= rl_meter_quota(&counter->meter)) {
        assert_true(more > now);
        assert_true(used_at(counter, more) < step->used);
        assert_int_equal(used_at(counter, more - 1), step->used);
    }
}

/* Charges a full bucket with all that it holds. */
static inline void drain(counter_t *counter, int64_t now)
{
    assert_true(charge(counter, now, counter->meter.burst));
    assert_false(fits(counter, now, 1));
}

#endif
