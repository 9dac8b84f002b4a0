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

#include "../core/hot.h"
#include "../fleet/errand.h"
#include "../fleet/shared_counter.h"
#include "../lease/lease.h"

/* ---- looking ---- */

/* Computes the step that charging op->cost would take, as far as this server knows. Changes
 * nothing, and asks nobody. */
void rl_counter_peek(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Returns true if what the ledger counts is all that there is to know of the counter. */
static inline bool rl_counter_is_ledgers(const rl_source_t *source, const rl_operation_t *op)
{
    return source->session == NULL && op->meter.penalty_us == 0;
}

/* A charge that was foreseen: what it has looked up, and taken in hand, before the store was
 * asked. */
typedef struct rl_foreseen {
    rl_reservation_t res;
    rl_lease_t lease; /* it reserves for this lease, too, if leased */
    bool leased;
    bool reserving; /* rl_lease_reserve_begin() was called, rl_lease_reserve_end() wasn't */
} rl_foreseen_t;

/* What rl_counter_look() has seen, for rl_counter_take(). */
typedef struct rl_seen {
    rl_sight_t sight;     /* of a key about which the ledger alone decides */
    unsigned incarnation; /* of the counter whose units may be leased; 0: there is no lease */
    rl_foreseen_t *foreseen; /* for rl_counter_charge_foreseen(); NULL: nothing was */
} rl_seen_t;

/* Has the processor fetch the cell that rl_counter_look() will read with this *seen. */
static inline void rl_counter_aim(const rl_source_t *source, const rl_operation_t *op,
                                  rl_seen_t *seen)
{
    rl_ledger_aim(source->ledger, &op->ledger_key, &seen->sight);
    seen->foreseen = NULL;
}

/* Returns true if charging an operation that a look found to fit will ask the shared store, as
 * far as can be told; step and seen are the look's. */
bool rl_counter_may_ask(const rl_source_t *source, const rl_operation_t *op,
                        const rl_step_t *step, const rl_seen_t *seen);

/* Foresees what such a charge will ask, and sets *foreseen: hand it to
 * rl_counter_charge_foreseen(), if it comes to that, and to rl_counter_foreseen() in any case.
 * The operation must outlive it. */
void rl_counter_foresee(const rl_source_t *source, const rl_operation_t *op,
                        const rl_step_t *step, const rl_seen_t *seen, rl_errand_t *errand,
                        rl_foreseen_t *foreseen);

/* Drops what was foreseen and not used by a charge. Call it before the errand ends. */
void rl_counter_foreseen(rl_foreseen_t *foreseen, const rl_errand_t *errand);

/* Does what rl_counter_look() does, of a counter that isn't the ledger's alone. */
void rl_counter_look_further(const rl_source_t *source, const rl_operation_t *op,
                             rl_step_t *step, rl_seen_t *seen);

/* Does what rl_counter_peek() does, with a *seen that rl_counter_aim() has made, and remembers
 * in it what it saw, for rl_counter_take(). */
static inline void rl_counter_look(const rl_source_t *source, const rl_operation_t *op,
                                   rl_step_t *step, rl_seen_t *seen)
{
    if (rl_counter_is_ledgers(source, op)) {
        rl_ledger_look(source->ledger, op, step, &seen->sight);
    }
    else {
        seen->sight.place.cell = NULL;
        seen->incarnation = 0;
        rl_counter_look_further(source, op, step, seen);
    }
}

/* ---- charging ---- */

/* Returns the time, microseconds since the epoch, in the units of a stamp: 1024 microseconds,
 * and they wrap around after seven weeks. */
static inline uint32_t rl_counter_moment(int64_t time)
{
    return (uint32_t)(time >> 10);
}

/* Returns the stamp that a refund needs of a counter that isn't shared; `stamp` is the
 * ledger's, of a window its number. The moment of the charge is added to the upper half of a
 * window's stamp, so that a refund can tell if the counter has been cleared since. (A shared
 * counter's stamp has the counter's incarnation there.) */
static inline uint64_t rl_counter_stamp(const rl_operation_t *op, uint64_t stamp)
{
    return rl_meter_is_window(&op->meter)
               ? (uint64_t)rl_counter_moment(op->now) << 32 | (uint32_t)stamp
               : stamp;
}

/* Spends op->cost from the lease that a look saw. Returns false, with nothing spent, if it has
 * too little. */
bool rl_counter_spend(const rl_source_t *source, const rl_operation_t *op, unsigned incarnation,
                      rl_step_t *step);

/* Charges op->cost, which a look with the same operation found to fit, mostly from the cell or
 * the lease that the look saw. Sets the step: it may be denied after all, if others were
 * faster. Returns false, with nothing charged, if the shared store is to be asked: then call
 * rl_counter_charge(). */
RL_INLINE bool rl_counter_take(const rl_source_t *source, const rl_operation_t *op,
                               rl_seen_t *seen, rl_step_t *step)
{
    if (!rl_counter_is_ledgers(source, op)) {
        return seen->incarnation != 0 && rl_counter_spend(source, op, seen->incarnation, step);
    }
    if (!rl_ledger_take(op, &seen->sight, step)) {
        rl_ledger_charge_from(source->ledger, op, &seen->sight, step);
    }
    step->stamp = rl_counter_stamp(op, step->stamp);
    return true;
}

/* Charges this server's ledger. */
static inline void rl_counter_charge_ledger(const rl_source_t *source, const rl_operation_t *op,
                                            rl_step_t *step)
{
    rl_ledger_charge(source->ledger, op, step);
    step->stamp = rl_counter_stamp(op, step->stamp);
}

/* Does what rl_counter_charge() does, of a counter that isn't the ledger's alone. */
bool rl_counter_charge_further(const rl_source_t *source, const rl_operation_t *op,
                               rl_on_error_e on_error, rl_foreseen_t *foreseen,
                               rl_step_t *step);

/* Charges op->cost if it fits, and sets the step; step->granted tells if it did. `foreseen` is
 * what was foreseen of that, or NULL. Returns false if the shared store could not answer and
 * on_error isn't RL_ON_ERROR_LOCAL: nothing is charged, and the step is granted for
 * RL_ON_ERROR_ALLOW, denied for RL_ON_ERROR_DENY. */
static inline bool rl_counter_charge_foreseen(const rl_source_t *source,
                                              const rl_operation_t *op, rl_on_error_e on_error,
                                              rl_foreseen_t *foreseen, rl_step_t *step)
{
    if (rl_counter_is_ledgers(source, op)) {
        rl_counter_charge_ledger(source, op, step);
        return true;
    }
    return rl_counter_charge_further(source, op, on_error, foreseen, step);
}

/* Does the same, with nothing foreseen. */
static inline bool rl_counter_charge(const rl_source_t *source, const rl_operation_t *op,
                                     rl_on_error_e on_error, rl_step_t *step)
{
    return rl_counter_charge_foreseen(source, op, on_error, NULL, step);
}

/* ---- giving back, and the rest ---- */

/* Gives back op->cost units, which a step with this stamp charged. A window's counter that has
 * been cleared since gives nothing back, as far as this server remembers the clearing; of a
 * token bucket it isn't noticed. */
void rl_counter_refund(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp);

/* Begins to do that. Returns true, with *refund set, if units are due in the shared store,
 * which is foreseen: then rl_counter_refund_end() has to follow. Else all is done. */
bool rl_counter_refund_begin(const rl_source_t *source, const rl_operation_t *op,
                             uint64_t stamp, rl_errand_t *errand, rl_refund_t *refund);
void rl_counter_refund_end(const rl_source_t *source, const rl_operation_t *op,
                           rl_refund_t *refund);

/* Applies what follows from a denied charge of a key that is over its limit: begins or extends
 * its penalty, and writes down a bucket that is new. Brings the step's retry up to date. */
void rl_counter_overrun(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step);

/* Brings what this server knows of the key, its penalty and exemption included, to what the
 * shared store knows, so that a peek speaks for the fleet. Returns false if the store could not
 * answer. */
bool rl_counter_learn(const rl_source_t *source, const rl_operation_t *op);

/* Begins to clear the counter and the key's penalty: here, and foresees what is to be asked of
 * the shared store. Follow it by rl_counter_clear_end(), which returns what rl_counter_clear()
 * does, with the same *clearing. */
void rl_counter_clear_begin(const rl_source_t *source, const rl_operation_t *op,
                            rl_errand_t *errand, rl_reservation_t *clearing);
bool rl_counter_clear_end(const rl_source_t *source, const rl_operation_t *op,
                          rl_reservation_t *clearing);

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
