/* Penalties: a key that exceeded its limit is denied for a time, on the whole fleet.
 *
 * A penalty has a cell of its own, and a counter of its own in the shared store: the moment at
 * which it ends, in microseconds. The operations here are those on the rule's counter, whose
 * meter has penalty_us greater than 0, bound to the source.
 */
#ifndef RL_FLEET_PENALTY_H
#define RL_FLEET_PENALTY_H

#include "source.h"

/* Denies the step if the key is under a penalty as far as this server knows. */
void rl_penalty_peek(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* The same, but asks the shared store as well, if there is one. */
void rl_penalty_ask(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Brings what is known here of a penalty up to what the shared store knows, one that was lifted
 * included. */
void rl_penalty_learn(const rl_source_t *source, const rl_operation_t *op);

/* Imposes the penalty, or extends it, and brings the step's retry up to date. */
void rl_penalty_impose(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Lifts the penalty if there is one: a unit has been given back, so it was imposed for a limit
 * that was not exceeded. */
void rl_penalty_reconsider(const rl_source_t *source, const rl_operation_t *op);

/* Lifts the penalty. */
void rl_penalty_lift(const rl_source_t *source, const rl_operation_t *op);

/* Looks, at most once a second, if somebody else has lifted the penalty: then lifts it here,
 * too. */
void rl_penalty_refresh(const rl_source_t *source, const rl_operation_t *op);

#endif
