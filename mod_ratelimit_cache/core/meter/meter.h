/* The algorithms, as pure transitions of a cell's words.
 *
 * A meter says how one rule counts one key. Its state is two 64-bit words, zero or noise when
 * the key was never seen. A transition looks at the words and the time and says what one
 * 64-bit compare-and-swap would have to change; it changes nothing itself, takes the time from
 * its caller, and never fails. Whoever owns the words applies the step, or drops it.
 */
#ifndef RL_CORE_METER_METER_H
#define RL_CORE_METER_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "../digest.h"
#include "../rate.h"

typedef enum {
    RL_FIXED_WINDOW,
    RL_SLIDING_WINDOW,
    RL_TOKEN_BUCKET,
    RL_PENALTY, /* no rule's own, but what penalty= adds to one: rl_meter_penalty() */
} rl_algorithm_e;

typedef struct rl_meter {
    rl_algorithm_e algorithm;
    bool aligned;     /* windows start at multiples of the period (UTC), not staggered by key */
    bool extend;      /* a try during the penalty starts it anew */
    uint8_t shift;    /* token bucket: a token is 2^shift ticks, see rl_meter_prepare() */
    uint32_t limit;   /* units per period */
    uint32_t burst;   /* token bucket: its size, units */
    uint32_t initial; /* token bucket: units in a new one, at most burst */
    int64_t period_us;  /* microseconds, from 1 s to 30 days; of a penalty: how long it lasts */
    int64_t penalty_us; /* how long a key that exceeds its limit stays denied; 0: not at all */
} rl_meter_t;

#define RL_METER_WORDS 2

/* What a transition would do. Times are microseconds since the epoch. */
typedef struct rl_step {
    bool granted;    /* the cost fits */
    bool again;      /* the change only prepares the transition: apply it, and compute anew */
    int word;        /* the word to change, -1 when nothing changes */
    uint64_t value;  /* its new value */
    uint64_t stamp;  /* names what was charged; a refund must bring it back */
    uint32_t window; /* of the time charged; of a bucket, which has none: the period of now */
    uint32_t used;   /* units in use after the charge, or now when it isn't granted */
    uint32_t room;   /* what the units of this window alone may come to at this moment */
    int64_t reset;   /* when nothing of the key's use is left; later than now, or now */
    int64_t retry;   /* when the same cost would fit, if nothing else came; now when granted */
    int64_t expires; /* when the words can be forgotten */
} rl_step_t;

/* Completes a meter: to be called once its other members are set, or have changed. */
void rl_meter_prepare(rl_meter_t *meter);

/* The most units that can be used at once: the limit, or the size of the bucket. */
uint32_t rl_meter_quota(const rl_meter_t *meter);

/* The time in which the quota comes back, in microseconds: the period, or the time in which the
 * bucket fills up, 136 years at most. */
int64_t rl_meter_quota_us(const rl_meter_t *meter);

/* Whether a fleet can share the counter; it can't when numbers of core/meter/tally.h are too small.
 */
bool rl_meter_is_shareable(const rl_meter_t *meter);

/* The meter of the penalty that a meter with penalty_us imposes; least_us is how long the key
 * is denied anyhow. A penalty without `extend` lasts no shorter, or it would begin anew with
 * the next try, whose denial is none of its own. A charge of 0 units asks whether the key is
 * free of it; one of 1 unit imposes it. Its own penalty_us is the longest that one can last. */
rl_meter_t rl_meter_penalty(const rl_meter_t *meter, int64_t least_us);

/* The step that charges cost units to the key at time now. A step that isn't granted may have a
 * change to make all the same. */
void rl_meter_charge(const rl_meter_t *meter, const rl_digest_t *key,
                     const uint64_t words[RL_METER_WORDS], int64_t now, uint32_t cost,
                     rl_step_t *step);

/* The step that gives back, at time now, units charged under stamp; word is -1 when they no
 * longer count. Never below zero. */
void rl_meter_refund(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                     uint64_t stamp, uint32_t units, int64_t now, rl_step_t *step);

/* What counts, as the value of the next two: units of the window named by stamp; a time. */
uint64_t rl_meter_held(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                       uint64_t stamp);

/* The step that raises what counts to at least this much. Windows: the units of the window
 * named by stamp, to value. Bucket and penalty: the time, to value, in ticks or microseconds.
 * word is -1 when there is nothing to raise, or it is over. */
void rl_meter_raise(const rl_meter_t *meter, const rl_digest_t *key,
                    const uint64_t words[RL_METER_WORDS], uint64_t stamp, uint64_t value,
                    rl_step_t *step);

/* The step that sets what counts to `to`, a lower value, if it is exactly `from`; values as
 * above. word is -1 when it isn't. */
void rl_meter_lower(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                    uint64_t stamp, uint64_t from, uint64_t to, rl_step_t *step);

/* The step that wipes what counts at time now: no unit is in use, a bucket is full. word is -1
 * when nothing is left to wipe. */
void rl_meter_clear(const rl_meter_t *meter, const rl_digest_t *key,
                    const uint64_t words[RL_METER_WORDS], int64_t now, rl_step_t *step);

/* A token bucket's time: ticks from the epoch to a moment, rounded down; and what a number of
 * tokens, at most a bucket full, is in ticks. */
uint64_t rl_bucket_ticks(const rl_meter_t *meter, int64_t time_us);
uint64_t rl_bucket_cost(const rl_meter_t *meter, uint32_t tokens);

#endif
