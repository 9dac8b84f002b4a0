/* A key's counter in the shared store, together with what this server's ledger knows of it: the
 * plain operations. What is reserved ahead is above this (lease/), which of them a charge takes
 * is chosen in limiter/counter.c.
 *
 * All of them want a source with a session, a meter that can be shared (rl_source_is_shared()),
 * and an operation that is bound to the source.
 */
#ifndef RL_FLEET_SHARED_COUNTER_H
#define RL_FLEET_SHARED_COUNTER_H

#include "reservation.h"

/* Reserves res->op.cost. OK and a step, granted or not; else there was no answer, and nothing
 * of the step is set. */
rl_store_status_e rl_shared_charge(rl_reservation_t *res, rl_step_t *step);

/* Keeps the counter from being evicted: reads it, once a second. To be called after a charge
 * that was answered. */
void rl_shared_keep_alive(const rl_reservation_t *res);

/* The store didn't answer: grants res->op.cost by what this server knows, and owes it to the
 * store. */
void rl_shared_charge_locally(rl_reservation_t *res, rl_step_t *step);

/* Gives op->cost back, here and in the store, which was charged under stamp. Returns false if
 * it has been wiped since. */
bool rl_shared_refund(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp);

/* Gives back what is left of a token bucket's lease, unless something was reserved after it. */
void rl_shared_return_lease(const rl_source_t *source, const rl_operation_t *op,
                            uint64_t lease);

/* Brings what this server knows of the key up to what the store knows. Returns false if the
 * store could not answer. */
bool rl_shared_learn(const rl_source_t *source, const rl_operation_t *op);

/* Looks, at most once a second per key, if the store still knows what this server knows, and
 * tells it if not. */
void rl_shared_refresh(const rl_source_t *source, const rl_operation_t *op);

/* Wipes the counter of a step's window. Returns false if the store could not be told. */
bool rl_shared_clear(const rl_source_t *source, const rl_operation_t *op, uint32_t window);

#endif
