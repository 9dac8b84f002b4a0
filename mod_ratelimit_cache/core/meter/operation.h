/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a counter, and what the answer is: meter, operation, step. */
#ifndef RL_CORE_METER_OPERATION_H
#define RL_CORE_METER_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "../digest.h"
#include "../rate.h"

/* ---- meters ---- */

typedef enum {
    RL_FIXED_WINDOW,
    RL_SLIDING_WINDOW,
    RL_TOKEN_BUCKET,
    RL_PENALTY,      /* not chosen by a rule; penalty= adds it to one: rl_meter_penalty() */
    RL_FIRST_WINDOW, /* fixed-window with window=first */
    RL_CONCURRENT,   /* COUNT/concurrent: counts in no ledger, but takes slots of concurrent/ */
} rl_algorithm_e;

typedef struct rl_meter {
    rl_algorithm_e algorithm;
    bool aligned;   /* windows start at multiples of the period (UTC), the same for all keys */
    bool extend;    /* penalty: a try while it lasts starts it anew */
    uint8_t shift;  /* token bucket: a token is 2^shift ticks; set by rl_meter_prepare() */
    uint32_t limit; /* units per period; 0 denies everything */
    uint32_t usual; /* the limit when it isn't lowered for a while (busy=); 0: `limit` itself */
    uint32_t burst; /* token bucket: its size in units */
    uint32_t initial; /* token bucket: units in a new one, at most burst */
    int64_t
        period_us; /* microseconds, from 1 s to 30 days; penalty: how long the first lasts */
    int64_t penalty_us; /* microseconds for which an exceeded limit denies the key; 0: none */
    int64_t double_us;  /* microseconds up to which a further penalty within as long is twice as
                         * long as the last; 0: all are of the same length */
    int64_t least_us;   /* penalty: it lasts at least so long */
} rl_meter_t;

/* ---- operations ---- */

/* One operation on one counter: whose it is, how it counts, when, and how much. It is made once
 * for a rule and a request and handed on by pointer; every verb (peek, charge, refund, clear
 * ...) reads what it needs of it. */
typedef struct rl_operation {
    rl_digest_t key;        /* names the counter; the same on all servers of a fleet */
    rl_digest_t ledger_key; /* the counter's name in this server's ledger (fleet/source.h) */
    rl_meter_t meter;       /* completed by rl_meter_prepare() */
    int64_t now;            /* microseconds since the epoch */
    uint32_t cost;          /* units to charge or to give back; 0 asks and charges nothing */
    uint8_t rule;           /* the rule's number, RL_RULE_... below */
} rl_operation_t;

/* A rule's number: which cells of the ledger are of one rule, and whether it is a tenant's.
 * There are few numbers, so several rules may have the same. */
#define RL_RULE_BITS    5
#define RL_RULE_NUMBERS 16 /* of the server's rules, and again of tenants' */
#define RL_RULE_TENANT  16 /* added to a tenant's */

/* Returns the operation with another cost. */
static inline rl_operation_t rl_operation_at_cost(const rl_operation_t *op, uint32_t cost)
{
    rl_operation_t other = *op;
    other.cost = cost;
    return other;
}

/* ---- steps ---- */

/* The state of a counter: two words, which are zero, or noise that another key left, if the key
 * was never seen. */
#define RL_METER_WORDS 2

/* What a meter would change. Times are microseconds since the epoch. */
typedef struct rl_step {
    bool granted;    /* the cost fits */
    bool again;      /* this step only prepares the change: apply it, and compute another */
    int word;        /* the word to change, 0 or 1; -1: none */
    uint64_t value;  /* the word's new value */
    uint64_t stamp;  /* says what was charged, for a refund: window, arrival time or end */
    uint32_t window; /* number of the charged window; of bucket and penalty: now / period */
    uint32_t used;   /* units in use, including what this step charges */
    uint32_t room;   /* the most units that the window may hold now */
    uint32_t before; /* sliding window: units in the window before, whatever they weigh */
    int64_t reset;   /* when nothing of the key's use is left: now or later */
    int64_t retry;   /* when the same cost would fit if nothing else came; now if granted */
    int64_t expires; /* when the words may be forgotten */
} rl_step_t;

/* A lower value, to be set only if the one that counts still is `from`. */
typedef struct rl_correction {
    uint64_t stamp;    /* names the window, as for rl_meter_held() */
    uint64_t from, to; /* values of rl_meter_held() */
} rl_correction_t;

#endif
