/* SPDX-License-Identifier: Apache-2.0 */
#include "window_counter.h"

#include "debts.h"

#define REPLACE_TRIES 8

uint32_t rl_window_known(const rl_reservation_t *res)
{
    return (uint32_t)rl_ledger_held(res->source->ledger, &res->op, res->here);
}

uint32_t rl_window_counted(const rl_reservation_t *res)
{
    const uint32_t owed = rl_debt_units(res), known = rl_window_known(res);
    return known > owed ? known - owed : 0;
}

rl_tally_t rl_window_made(const rl_reservation_t *res)
{
    const uint32_t counted = rl_window_counted(res);
    const uint32_t seed = counted < RL_TALLY_LIMIT ? counted : RL_TALLY_LIMIT;
    return (rl_tally_t){.incarnation = res->source->incarnation, .seed = seed, .total = seed};
}

rl_store_status_e rl_window_create(rl_reservation_t *res, rl_tally_t *tally)
{
    *tally = rl_window_made(res);
    tally->total += res->op.cost;
    return res->ops->create(res->source->session, &res->counter, rl_tally_pack(tally));
}

/* Reads the value of a counter that is there. Returns MISSING if it is closed, and ERROR if it
 * is none that this module wrote. */
static rl_store_status_e unpack_open(uint64_t value, rl_tally_t *tally)
{
    if (!rl_tally_unpack(value, tally)) {
        return RL_STORE_ERROR;
    }
    return rl_tally_is_closed(tally) ? RL_STORE_MISSING : RL_STORE_OK;
}

rl_store_status_e rl_window_add(const rl_reservation_t *res, uint64_t units, rl_tally_t *tally)
{
    uint64_t value;
    rl_store_status_e status =
        res->ops->add(res->source->session, &res->counter, units, &value);
    if (status == RL_STORE_OK) {
        status = unpack_open(value, tally);
        if (status == RL_STORE_ERROR) {
            res->ops->subtract(res->source->session, &res->counter, units, &value);
        }
    }
    return status;
}

uint32_t rl_window_room(const rl_reservation_t *res)
{
    const rl_operation_t nothing = rl_operation_at_cost(&res->op, 0);
    rl_step_t step;
    rl_ledger_peek(res->source->ledger, &nothing, &step);
    return step.window == res->here ? step.room : res->op.meter.limit;
}

/* Adds the cost by read and replace, so that it is added only if it fits. Returns EXISTS if
 * other servers keep changing the counter. */
static rl_store_status_e add_fitting(rl_reservation_t *res, rl_tally_t *tally)
{
    rl_store_status_e status = RL_STORE_EXISTS;
    uint64_t value;
    for (int i = 0; i < REPLACE_TRIES && status == RL_STORE_EXISTS; i++) {
        status = res->ops->read(res->source->session, &res->counter, &value);
        if (status == RL_STORE_OK) {
            status = unpack_open(value, tally);
        }
        if (status != RL_STORE_OK) {
            return status;
        }
        tally->total += res->op.cost;
        res->not_added = tally->total > rl_window_room(res);
        if (!res->not_added) {
            status =
                res->ops->replace(res->source->session, &res->counter, value + res->op.cost);
        }
    }
    return status;
}

/* Adds the cost: at once as a rule, and takes it off again if it doesn't fit. A large cost, or
 * one of which it is in doubt whether it fits, is added only if it does. */
static rl_store_status_e add_cost(rl_reservation_t *res, rl_tally_t *tally)
{
    const bool large = res->op.cost > RL_TALLY_COST_MAX;
    rl_store_status_e status = RL_STORE_EXISTS;
    res->not_added = false;
    if (large || res->careful) {
        status = add_fitting(res, tally);
    }
    if (status == RL_STORE_EXISTS) {
        status = large ? RL_STORE_ERROR : rl_window_add(res, res->op.cost, tally);
    }
    return status;
}

/* Returns true if a counter that is missing may be made: not if it is closed, and with
 * window=first not before the store has said that this is the current window. */
static bool may_create(const rl_reservation_t *res, const rl_tally_t *tally)
{
    return !rl_tally_is_closed(tally) &&
           (!rl_reservation_is_first(res) || res->start != RL_START_HERE);
}

rl_store_status_e rl_window_reserve(rl_reservation_t *res, rl_tally_t *tally)
{
    rl_store_status_e status = RL_STORE_MISSING;
    *tally = (rl_tally_t){.total = 0};
    res->not_added = res->created = false;
    if (res->start != RL_START_NEW) {
        status = add_cost(res, tally);
    }
    if (status == RL_STORE_MISSING && may_create(res, tally)) {
        status = rl_window_create(res, tally);
        res->created = status == RL_STORE_OK;
        if (status == RL_STORE_EXISTS) {
            status = add_cost(res, tally);
        }
    }
    if (rl_tally_is_closed(tally)) {
        res->start = RL_START_CLOSED;
    }
    return status;
}

void rl_window_raise_known(const rl_reservation_t *res, uint64_t total)
{
    const uint32_t limit = rl_meter_usual(&res->op.meter);
    rl_ledger_raise(res->source->ledger, &res->op, res->here,
                    total < limit ? (uint32_t)total : limit);
}
