/* SPDX-License-Identifier: Apache-2.0 */
/* One counter, wherever its units come from: this server's ledger, a lease, or the shared
 * store. This is the one place that chooses among the ways to charge.
 *
 * Every operation that is passed here must be bound to the source (rl_source_bind()).
 */
#ifndef RL_LIMITER_COUNTER_H
#define RL_LIMITER_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "../fleet/source.h"

/* Has the processor fetch the cell that the next operation on this counter will read. */
void rl_counter_prefetch(const rl_source_t *source, const rl_operation_t *op);

/* Computes the step that charging op->cost would take, as far as this server knows. Changes
 * nothing, and asks nobody. */
void rl_counter_peek(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* What rl_counter_look() has seen, for rl_counter_take(). */
typedef struct rl_seen {
    rl_sight_t sight;     /* of a key about which the ledger alone decides */
    unsigned incarnation; /* of the counter whose units may be leased; 0: there is no lease */
} rl_seen_t;

/* Does what rl_counter_peek() does, and remembers in *seen what it saw, for
 * rl_counter_take(). */
void rl_counter_look(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step,
                     rl_seen_t *seen);

/* Charges op->cost, which a look with the same operation found to fit, from the cell or the
 * lease that the look saw. Returns false, with nothing charged, if that isn't possible or no
 * longer so: then call rl_counter_charge(). */
bool rl_counter_take(const rl_source_t *source, const rl_operation_t *op, const rl_seen_t *seen,
                     rl_step_t *step);

/* Charges op->cost if it fits, and sets the step; step->granted tells if it did. Returns false
 * if the shared store could not answer and on_error isn't RL_ON_ERROR_LOCAL: nothing is
 * charged, and the step is granted for RL_ON_ERROR_ALLOW, denied for RL_ON_ERROR_DENY. */
bool rl_counter_charge(const rl_source_t *source, const rl_operation_t *op,
                       rl_on_error_e on_error, rl_step_t *step);

/* Returns the stamp that a refund needs of a counter that isn't shared; `stamp` is the
 * ledger's, of a window its number. The moment of the charge, in milliseconds, is added to the
 * upper half of a window's stamp, so that a refund can tell if the counter has been cleared
 * since. (A shared counter's stamp has the counter's incarnation there.) */
uint64_t rl_counter_stamp(const rl_operation_t *op, uint64_t stamp);

/* Gives back op->cost units, which a step with this stamp charged. A window's counter that has
 * been cleared since gives nothing back, as far as this server remembers the clearing; of a
 * token bucket it isn't noticed. */
void rl_counter_refund(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp);

/* Applies what follows from a denied charge of a key that is over its limit: begins or extends
 * its penalty, and writes down a bucket that is new. Brings the step's retry up to date. */
void rl_counter_overrun(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Brings what this server knows of the key, its penalty and exemption included, to what the
 * shared store knows, so that a peek speaks for the fleet. Returns false if the store could not
 * answer. */
bool rl_counter_learn(const rl_source_t *source, const rl_operation_t *op);

/* Clears the counter and the key's penalty. Returns false if the shared store could not be
 * told; here they are cleared all the same. */
bool rl_counter_clear(const rl_source_t *source, const rl_operation_t *op);

/* Compares, at most once a second per key, what this server knows of a denied key with what the
 * shared store knows, its exemption included, and mends whichever is wrong. For a key that was
 * denied without asking the store; to be called after the answer is sent. */
void rl_counter_refresh(const rl_source_t *source, const rl_operation_t *op);

/* Counts a denial; see rl_ledger_count_denial(). */
uint32_t rl_counter_count_denial(const rl_source_t *source, const rl_operation_t *op,
                                 const rl_step_t *step, uint32_t *before);

#endif
