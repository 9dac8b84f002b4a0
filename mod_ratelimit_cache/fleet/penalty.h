/* SPDX-License-Identifier: Apache-2.0 */
/* Penalties: a key that exceeded its limit is denied for a time, by every server of the fleet.
 *
 * A penalty has a cell of its own in the ledger, and a counter of its own in the shared store,
 * which holds the word of core/meter/penalty_word.h: when the penalty ends, and how many
 * in a row it is. The
 * operations that are passed here are those on the rule's counter, bound to the source;
 * penalty_us of their meter must be greater than 0.
 */
#ifndef RL_FLEET_PENALTY_H
#define RL_FLEET_PENALTY_H

#include "errand.h"
#include "source.h"

/* Denies the step, and moves its retry to the end of the penalty, if the key is under one as
 * far as this server knows. */
void rl_penalty_peek(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Asks the shared store, if there is one, for a penalty that this server may not know of. If
 * the key is under one, notes it here and denies the step. */
void rl_penalty_ask(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Foresees that the penalty is asked for. */
void rl_penalty_foresee(const rl_operation_t *op, rl_errand_t *errand);

/* Brings what this server knows of the penalty to what the shared store knows. If the store
 * says that it is over, because it was lifted, it is lifted here as well. */
void rl_penalty_learn(const rl_source_t *source, const rl_operation_t *op);

/* Imposes or extends the penalty, and brings the step's retry up to date. Tells the shared
 * store. */
void rl_penalty_impose(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Lifts the penalty if there is one, which then doesn't count as one of the row. For a key that
 * was given a unit back: the limit for which the penalty was imposed was not exceeded after
 * all. */
void rl_penalty_lift_if_any(const rl_source_t *source, const rl_operation_t *op);

/* Lifts the penalty, here and in the shared store, and forgets those before it. */
void rl_penalty_lift(const rl_source_t *source, const rl_operation_t *op);

/* Asks the shared store, at most once a second per key, for a penalty that is in force here. If
 * another server has lifted it, lifts it here; if the store has lost it, tells the store
 * again. */
void rl_penalty_refresh(const rl_source_t *source, const rl_operation_t *op);

#endif
