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

/* One operation on one counter: whose it is, how it counts, when, and how much. Made once for
 * a rule and a request, and handed on by pointer; every verb (peek, charge, refund, clear ...)
 * reads from it what it needs. */
typedef struct rl_operation {
    rl_digest_t key;        /* names the counter, alike on all servers of a fleet */
    rl_digest_t ledger_key; /* what this server's ledger files it under (fleet/source.h) */
    rl_meter_t meter;       /* complete: rl_meter_prepare() */
    int64_t now;            /* microseconds since the epoch */
    uint32_t cost;          /* units to charge or to give back; 0 asks without changing */
} rl_operation_t;

/* Returns the same operation at another cost. */
static inline rl_operation_t rl_operation_at_cost(const rl_operation_t *op, uint32_t cost)
{
    rl_operation_t other = *op;
    other.cost = cost;
    return other;
}

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

/* Completes a meter. Call it after the other members are set or changed. */
void rl_meter_prepare(rl_meter_t *meter);

/* Returns the most units that can be used at once: the limit, or the size of the bucket. */
uint32_t rl_meter_quota(const rl_meter_t *meter);

/* Returns the time in which the quota comes back, in microseconds: the period, or the time in
 * which the bucket fills up, 136 years at most. */
int64_t rl_meter_quota_us(const rl_meter_t *meter);

/* Returns true if several servers can share a counter of this meter: its numbers fit into those
 * of tally.h. */
bool rl_meter_is_shareable(const rl_meter_t *meter);

/* Returns the meter of the penalty that a meter with penalty_us imposes. least_us is how long
 * the key is denied anyhow: a penalty without `extend` lasts no shorter, or the next try, whose
 * denial has another reason, would begin it anew. A charge of 0 units asks if the key is free
 * of the penalty, a charge of 1 unit imposes it. The result's penalty_us is the longest that
 * such a penalty can last. */
rl_meter_t rl_meter_penalty(const rl_meter_t *meter, int64_t least_us);

/* Computes the step that charges op->cost units at op->now. A step that isn't granted may have
 * a change to make all the same. */
void rl_meter_charge(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                     rl_step_t *step);

/* Computes the step that gives op->cost units back, at op->now, which were charged under stamp.
 * step->word is -1 if they no longer count. Never counts below zero. */
void rl_meter_refund(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                     uint64_t stamp, rl_step_t *step);

/* Returns what counts, in the form that raise and lower take: of windows the units in the
 * window named by stamp; of a bucket and a penalty the time, in ticks or microseconds. */
uint64_t rl_meter_held(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                       uint64_t stamp);

/* Computes the step that raises what counts to at least value. step->word is -1 if there is
 * nothing to raise, or its window is over. */
void rl_meter_raise(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    uint64_t stamp, uint64_t value, rl_step_t *step);

/* A lower value for what counts, to be set only if it still is what it was. */
typedef struct rl_correction {
    uint64_t stamp;    /* of the window, as in rl_meter_held() */
    uint64_t from, to; /* values as in rl_meter_held() */
} rl_correction_t;

/* Computes the step that makes the correction. step->word is -1 if what counts has changed. */
void rl_meter_lower(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    const rl_correction_t *correction, rl_step_t *step);

/* Computes the step that wipes what counts at op->now: no unit is in use, a bucket is full.
 * step->word is -1 if nothing is left to wipe. */
void rl_meter_clear(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    rl_step_t *step);

/* Returns when nothing of the key's use is left and it may be used again: a penalty can outlast
 * the window. Microseconds since the epoch. */
int64_t rl_step_settled_at(const rl_step_t *step);

/* Returns the ticks from the epoch to a moment of a token bucket's time, rounded down. */
uint64_t rl_bucket_ticks(const rl_meter_t *meter, int64_t time_us);

/* Returns the ticks that a number of tokens is, at most a bucket full. */
uint64_t rl_bucket_cost(const rl_meter_t *meter, uint32_t tokens);

#endif
