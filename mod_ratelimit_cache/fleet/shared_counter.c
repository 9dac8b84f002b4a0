/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_counter.h"

#include "debts.h"
#include "notes.h"
#include "shared_algorithm.h"
#include "window_start.h"

static const rl_shared_ops_t *algorithm_of(const rl_reservation_t *res)
{
    return rl_meter_is_window(&res->op.meter) ? &rl_shared_window : &rl_shared_bucket;
}

/* Reads what this server knows, and takes charge of the debt, before the store is asked. */
static void look_up(rl_reservation_t *res)
{
    res->identity = rl_note(res, RL_NOTE_IDENTITY);
    res->owed = rl_debt_units(res);
    res->known = rl_ledger_held(res->source->ledger, &res->op, res->here);
    rl_debt_take(res);
}

/* Begins work on the counter of the window that is current here. */
static rl_reservation_t current_reservation(const rl_source_t *source, const rl_operation_t *op)
{
    const rl_operation_t nothing = rl_operation_at_cost(op, 0);
    rl_step_t step;
    rl_ledger_peek(source->ledger, &nothing, &step);
    return rl_reservation(source, &nothing, step.window);
}

void rl_shared_foresee(rl_reservation_t *res, rl_errand_t *errand)
{
    look_up(res);
    res->ready = true;
    algorithm_of(res)->foresee(res, errand);
    if (rl_contact_may_be_due(res->source->ledger, &res->op)) {
        rl_errand_read(errand, &res->counter);
    }
}

void rl_shared_foreseen(rl_reservation_t *res, const rl_errand_t *errand)
{
    if (rl_errand_has_rest(errand, &res->counter)) {
        rl_doubt_begin(res);
    }
    if (res->ready) {
        rl_debt_release(res, 0);
        res->ready = false;
    }
}

rl_store_status_e rl_shared_charge(rl_reservation_t *res, rl_step_t *step)
{
    rl_store_status_e status;
    if (!res->ready) {
        look_up(res);
    }
    res->ready = false;
    status = algorithm_of(res)->charge(res, step);
    rl_debt_release(res, 0);
    return status;
}

void rl_shared_keep_alive(rl_reservation_t *res)
{
    uint64_t value;
    if (rl_contact_is_due(res->source->ledger, &res->op)) {
        if (!res->was_read) {
            res->ops->read(res->source->session, &res->counter, &value);
        }
        if (rl_reservation_is_first(res)) {
            rl_window_start_confirm(res);
        }
    }
}

void rl_shared_charge_locally(rl_reservation_t *res, rl_step_t *step)
{
    rl_ledger_charge(res->source->ledger, &res->op, step);
    if (!step->granted) {
        return;
    }
    if (rl_reservation_is_first(res)) { /* the window may just have begun */
        res->here = step->window;
    }
    rl_debt_owe(res, res->op.cost);
    if (!algorithm_of(res)->fits_with_debt(res)) {
        rl_debt_forgive(res, res->op.cost);
        step->granted = false;
        step->retry = step->reset;
    }
}

/* Returns the stamp by which the ledger knows a charge: of a window's stamp only the window's
 * number, without the incarnation above it. */
static uint64_t stamp_here(const rl_meter_t *meter, uint64_t stamp)
{
    return rl_meter_is_window(meter) ? (uint32_t)stamp : stamp;
}

void rl_shared_refund_begin(rl_refund_t *refund, const rl_source_t *source,
                            const rl_operation_t *op, uint64_t stamp, rl_errand_t *errand)
{
    refund->res = rl_reservation(source, op, stamp_here(&op->meter, stamp));
    refund->stamp = stamp;
    refund->state = algorithm_of(&refund->res)->refund(&refund->res, stamp);
    if (errand != NULL && refund->state == RL_REFUND_DUE &&
        !rl_reservation_is_first(&refund->res)) {
        rl_errand_subtract(errand, &refund->res.counter, refund->res.back);
    }
}

bool rl_shared_refund_end(rl_refund_t *refund)
{
    rl_reservation_t *res = &refund->res;
    if (refund->state == RL_REFUND_VOID ||
        (refund->state == RL_REFUND_DUE && !algorithm_of(res)->take_back(res, refund->stamp))) {
        return false;
    }
    if (rl_reservation_is_first(res)) {
        rl_window_lower_by(res, res->op.cost);
    }
    else {
        rl_ledger_refund(res->source->ledger, &res->op,
                         stamp_here(&res->op.meter, refund->stamp));
    }
    return true;
}

bool rl_shared_refund(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp)
{
    rl_refund_t refund;
    rl_shared_refund_begin(&refund, source, op, stamp, NULL);
    return rl_shared_refund_end(&refund);
}

void rl_shared_return_lease(const rl_source_t *source, const rl_operation_t *op, uint64_t lease)
{
    rl_reservation_t res = rl_reservation(source, op, 0);
    rl_shared_bucket_return_lease(&res, lease);
}

bool rl_shared_learn(const rl_source_t *source, const rl_operation_t *op)
{
    rl_reservation_t res = current_reservation(source, op);
    bool learned;
    look_up(&res);
    learned = algorithm_of(&res)->learn(&res) == RL_STORE_OK;
    rl_debt_release(&res, 0);
    return learned;
}

/* With window=first, start and counter are asked for one after the other: what is known here is
 * looked up once more in between, and must not be newer than what was read. */
void rl_shared_refresh_begin(rl_reservation_t *res, const rl_source_t *source,
                             const rl_operation_t *op, rl_errand_t *errand)
{
    *res = current_reservation(source, op);
    look_up(res);
    if (!rl_reservation_is_first(res)) {
        rl_errand_read(errand, &res->counter);
    }
}

void rl_shared_refresh_end(rl_reservation_t *res)
{
    algorithm_of(res)->refresh(res);
    rl_debt_release(res, 0);
}

void rl_shared_clear_begin(rl_reservation_t *res, const rl_source_t *source,
                           const rl_operation_t *op, uint32_t window, rl_errand_t *errand)
{
    *res = rl_reservation(source, op, window);
    res->identity = rl_note(res, RL_NOTE_IDENTITY);
    algorithm_of(res)->forget(res, errand);
}

bool rl_shared_clear_end(rl_reservation_t *res)
{
    return algorithm_of(res)->clear(res) == RL_STORE_OK;
}
