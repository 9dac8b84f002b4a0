/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of rules with distinct=: a key is charged once in a window for each value, however
 * often the value comes. The operations are those on the key's counter, which counts in fixed
 * windows; they must be bound to the source.
 */
#ifndef RL_LIMITER_DISTINCT_H
#define RL_LIMITER_DISTINCT_H

#include "../fleet/marker.h"
#include "counter.h"

/* What a request that was granted has to give back if its outcome doesn't count. */
typedef enum {
    RL_HOLDS_UNITS,  /* what it was charged */
    RL_HOLDS_MARKER, /* the value's marker */
    RL_HOLDS_NOTHING
} rl_holds_e;

/* A value, and what a request with this value holds. */
typedef struct rl_distinct {
    rl_digest_t value; /* zero: there is none, and each request is charged */
    bool free;         /* the value was charged before */
    rl_holds_e holds;
    rl_marker_t marker;
} rl_distinct_t;

/* Returns true if it depends on the value whether the operation is charged. */
static inline bool rl_distinct_matters(const rl_distinct_t *distinct, const rl_operation_t *op)
{
    return (distinct->value.hi | distinct->value.lo) != 0 && op->cost > 0;
}

/* ---- for values that matter ---- */

/* Grants a step by which a look, or a peek, was denied, if the value is charged already. Asks
 * the shared store. */
void rl_distinct_look(const rl_source_t *source, const rl_operation_t *op,
                      const rl_distinct_t *distinct, rl_step_t *step);

/* Does what rl_counter_charge() does unless the value is charged already: then the request is
 * free, and granted. Sets what it holds. */
bool rl_distinct_charge(const rl_source_t *source, const rl_operation_t *op,
                        rl_on_error_e on_error, rl_distinct_t *distinct, rl_step_t *step);

/* ---- for all claims ---- */

/* Gives back what a request holds that was granted by a step with this stamp. The units of a
 * value go back with the last request that holds it. */
void rl_distinct_refund(const rl_source_t *source, const rl_operation_t *op,
                        rl_distinct_t *distinct, uint64_t stamp);

#endif
