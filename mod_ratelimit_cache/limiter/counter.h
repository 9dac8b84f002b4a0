/* One counter, whatever supplies its units: this server's ledger, a lease, or the shared store.
 * The one place that chooses among the ways to charge.
 *
 * Every operation here is bound to the source (rl_source_bind()).
 */
#ifndef RL_LIMITER_COUNTER_H
#define RL_LIMITER_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "../fleet/source.h"

/* Has the processor fetch what the next operation on this counter will look at. */
void rl_counter_prefetch(const rl_source_t *source, const rl_operation_t *op);

/* Computes what charging op->cost would do as far as this server knows; asks nobody. */
void rl_counter_peek(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* What a look has seen. */
typedef struct rl_seen {
    rl_sight_t cell;      /* of a key for which the ledger alone decides */
    unsigned incarnation; /* of the counter that units may be leased of; 0: none */
} rl_seen_t;

/* A peek that remembers what it saw, for rl_counter_take(). */
void rl_counter_look(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step,
                     rl_seen_t *seen);

/* Charges what a look with the same operation found to fit, if that can be done here and now.
 * Returns false if it isn't charged: call rl_counter_charge() then. */
bool rl_counter_take(const rl_source_t *source, const rl_operation_t *op, const rl_seen_t *seen,
                     rl_step_t *step);

/* Charges op->cost if it fits: step->granted. Returns false if the shared store could not
 * answer and on_error isn't local; the step is then granted for RL_ON_ERROR_ALLOW, without a
 * charge, and not granted for RL_ON_ERROR_DENY. */
bool rl_counter_charge(const rl_source_t *source, const rl_operation_t *op,
                       rl_on_error_e on_error, rl_step_t *step);

/* Gives back op->cost units that a step with this stamp charged. */
void rl_counter_refund(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp);

/* Does what follows from a denied charge of a key that is over its limit: begins or extends its
 * penalty, remembers a new bucket. Brings the step's retry up to date. */
void rl_counter_overrun(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Brings what this server knows of the key up to what the shared store knows, so that a peek
 * speaks for the fleet. Returns false if the store could not answer. */
bool rl_counter_learn(const rl_source_t *source, const rl_operation_t *op);

/* Wipes what the key has used, its penalty included. Returns false if the shared store could
 * not be told; it is wiped here all the same. */
bool rl_counter_clear(const rl_source_t *source, const rl_operation_t *op);

/* Looks, at most once a second per key, if the shared store still knows what this server knows
 * of a key that is denied from here, and tells it if not. For after the answer. */
void rl_counter_refresh(const rl_source_t *source, const rl_operation_t *op);

/* Counts a denial; see rl_ledger_note_denial(). */
uint32_t rl_counter_note_denial(const rl_source_t *source, const rl_operation_t *op,
                                const rl_step_t *step, uint32_t *repeats);

#endif
