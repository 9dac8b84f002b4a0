/* SPDX-License-Identifier: Apache-2.0 */
/* A key's counter in the shared store, together with what this server's ledger knows of it: the
 * plain operations. Leases are built on top of them (lease/); limiter/counter.c chooses which
 * of them a charge takes.
 *
 * All functions require a source with a session, a meter that can be shared
 * (rl_source_is_shared()) and an operation that is bound to the source (rl_source_bind()).
 */
#ifndef RL_FLEET_SHARED_COUNTER_H
#define RL_FLEET_SHARED_COUNTER_H

#include "errand.h"
#include "reservation.h"

/* Looks up what is known of the counter for the next charge of res->op.cost, and foresees what
 * it will ask the store first. Follow it by rl_shared_foreseen(). */
void rl_shared_foresee(rl_reservation_t *res, rl_errand_t *errand);

/* Call it after the charge, or in place of it, before the errand ends. If units were added that
 * the charge didn't take, notes doubt: they are about to be taken off again. */
void rl_shared_foreseen(rl_reservation_t *res, const rl_errand_t *errand);

/* Reserves res->op.cost in the store. Returns RL_STORE_OK and sets the step, granted or not;
 * else the store gave no answer, and the step is unchanged. */
rl_store_status_e rl_shared_charge(rl_reservation_t *res, rl_step_t *step);

/* Reads the counter, at most once a second per key, to keep the store from evicting it, and
 * with window=first the window's start, too. Call it after a charge that the store answered. */
void rl_shared_keep_alive(rl_reservation_t *res);

/* Charges res->op.cost by what this server knows, and notes the units as owed to the store. For
 * a store that didn't answer; sets the step. */
void rl_shared_charge_locally(rl_reservation_t *res, rl_step_t *step);

/* A refund that is under way. */
typedef struct rl_refund {
    rl_reservation_t res;
    uint64_t stamp;
    rl_refund_e state;
} rl_refund_t;

/* Begins to give back op->cost units, which were charged under stamp. If they are due in the
 * store, foresees that; errand may be NULL. Follow it by rl_shared_refund_end(). */
void rl_shared_refund_begin(rl_refund_t *refund, const rl_source_t *source,
                            const rl_operation_t *op, uint64_t stamp, rl_errand_t *errand);

/* Gives them back, here and in the store. Returns false, with nothing given back, if the
 * counter has been cleared since. */
bool rl_shared_refund_end(rl_refund_t *refund);

/* Does both. */
bool rl_shared_refund(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp);

/* Gives back to the store what is left of a token bucket's lease (core/meter/lease_word.h),
 * unless units were reserved after it. */
void rl_shared_return_lease(const rl_source_t *source, const rl_operation_t *op,
                            uint64_t lease);

/* Brings what this server knows of the key to what the store knows. Returns false if the store
 * could not answer. */
bool rl_shared_learn(const rl_source_t *source, const rl_operation_t *op);

/* Begins to compare what this server knows with what the store knows: looks up the former, and
 * foresees what the store is asked first. Follow it by rl_shared_refresh_end(), which mends
 * whichever is wrong. */
void rl_shared_refresh_begin(rl_reservation_t *res, const rl_source_t *source,
                             const rl_operation_t *op, rl_errand_t *errand);
void rl_shared_refresh_end(rl_reservation_t *res);

/* Begins to clear the counter of this window, which is a step's: forgets what is noted of it
 * here, and foresees the rest. Follow it by rl_shared_clear_end(). */
void rl_shared_clear_begin(rl_reservation_t *res, const rl_source_t *source,
                           const rl_operation_t *op, uint32_t window, rl_errand_t *errand);

/* Clears it in the store. Returns false if the store could not be told. */
bool rl_shared_clear_end(rl_reservation_t *res);

#endif
