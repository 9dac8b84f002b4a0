/* SPDX-License-Identifier: Apache-2.0 */
#include "counter.h"

#include "../core/meter/bucket.h"
#include "../fleet/incarnation.h"
#include "../fleet/notes.h"
#include "../fleet/exempt_key.h"
#include "../fleet/penalty.h"
#include "../fleet/shared_counter.h"
#include "../lease/lease.h"

#define NOTE_TRIES 100

/* ---- looking ---- */

static void step_take_off(rl_step_t *step, uint32_t leased)
{
    step->used = step->used > leased ? step->used - leased : 0;
}

/* Returns true if a cost that exceeds what is leased fits once the lease is given back. */
static bool fits_without(const rl_operation_t *op, uint32_t leased, const rl_step_t *step)
{
    return leased > 0 && rl_meter_is_window(&op->meter) &&
           (uint64_t)step->used + op->cost <= op->meter.limit;
}

/* Returns true if the lease has the units and they may be spent: not if the limit was lowered
 * since, and more than that is in use already. */
static bool fits_in_lease(const rl_operation_t *op, uint32_t leased, const rl_step_t *step)
{
    return leased >= op->cost &&
           (!rl_meter_is_lowered(&op->meter) || fits_without(op, leased, step));
}

/* Corrects the step for a lease: leased units are known as used, and yet can be spent. */
static void count_in_lease(const rl_operation_t *op, const rl_lease_t *lease, rl_step_t *step)
{
    const uint32_t left = rl_lease_left(lease);
    step_take_off(step, left);
    if (!step->granted && (fits_in_lease(op, left, step) || fits_without(op, left, step))) {
        step->used += op->cost;
        step->granted = true;
        step->retry = op->now;
    }
}

/* Computes the step as far as this server knows. Returns true, with *lease set, if there may be
 * a lease. */
static bool peek_with_lease(const rl_source_t *source, const rl_operation_t *op,
                            rl_step_t *step, rl_lease_t *lease)
{
    bool leased;
    rl_ledger_peek(source->ledger, op, step);
    leased = rl_source_is_shared(source, &op->meter) &&
             rl_lease_find(lease, source, op, step->window);
    if (leased) {
        count_in_lease(op, lease, step);
    }
    if (op->meter.penalty_us > 0) {
        rl_penalty_peek(source, op, step);
    }
    return leased;
}

void rl_counter_peek(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step)
{
    rl_lease_t lease;
    peek_with_lease(source, op, step, &lease);
}

/* Returns true if a denial by what is known here may be wrong, and the store is to be asked. */
static bool is_in_doubt(const rl_source_t *source, const rl_operation_t *op,
                        const rl_step_t *step)
{
    return rl_source_is_shared(source, &op->meter) && op->meter.penalty_us == 0 &&
           op->cost <= rl_meter_quota(&op->meter) &&
           rl_doubt_is_noted(source->ledger, op, step->window);
}

void rl_counter_look_further(const rl_source_t *source, const rl_operation_t *op,
                             rl_step_t *step, rl_seen_t *seen)
{
    rl_lease_t lease;
    if (peek_with_lease(source, op, step, &lease)) {
        seen->incarnation = lease.incarnation;
    }
    if (!step->granted && is_in_doubt(source, op, step)) {
        step->granted = true; /* as far as is known for sure; the charge asks the store */
    }
}

/* ---- charging the shared store, with a lease on top ---- */

/* Puts the units that were reserved and not spent into the lease. If the lease can't take a
 * window's units, gives them back; a bucket's drain. */
static void lease_rest(const rl_lease_t *lease, const rl_reservation_t *res, uint32_t cost,
                       rl_step_t *step)
{
    const uint32_t rest = res->op.cost - cost;
    const bool window = rl_meter_is_window(&res->op.meter);
    const bool in_place =
        window ? step->stamp == rl_shared_window_stamp(lease->incarnation, lease->window)
               : res->until != 0;
    step_take_off(step, rest);
    if (!window) {
        /* the rest ends at the stamp, after this request's tokens */
        step->stamp -= rl_bucket_cost(&res->op.meter, rest);
    }
    if (rest == 0 || (in_place && rl_lease_add(lease, res->until, rest))) {
        return;
    }
    if (window) { /* what a bucket loses drains */
        const rl_operation_t unspent = rl_operation_at_cost(&res->op, rest);
        rl_counter_refund(res->source, &unspent, step->stamp);
    }
}

/* Reserves the next lease before it is needed. This request already has its units. */
static void lease_renew(rl_lease_t *lease, const rl_step_t *step)
{
    rl_reservation_t res = rl_reservation(lease->source, lease->op, lease->window);
    rl_step_t reserved = *step;
    bool granted = false;
    res.op.cost = rl_lease_reserve_begin(lease, step, 0);
    if (res.op.cost > 0 && rl_shared_charge(&res, &reserved) == RL_STORE_OK) {
        rl_shared_keep_alive(&res);
        granted = reserved.granted;
    }
    if (granted) {
        lease_rest(lease, &res, 0, &reserved);
    }
    rl_lease_reserve_end(lease, granted ? res.op.cost : 0);
}

/* Spends the cost from a lease; the step is as peek_with_lease() left it. Returns false, with
 * nothing spent, if the lease has too little. */
static bool charge_lease(rl_lease_t *lease, rl_step_t *step)
{
    if (!rl_lease_spend(lease, &step->stamp)) {
        return false;
    }
    lease->source->session->leased++;
    if (rl_lease_is_low(lease)) {
        lease_renew(lease, step);
    }
    return true;
}

/* Gives back what is left of a window's lease that wasn't enough. Returns false if nothing is
 * left. */
static bool lease_return_rest(const rl_lease_t *lease)
{
    if (!rl_meter_is_window(&lease->op->meter) || rl_lease_left(lease) == 0) {
        return false;
    }
    rl_lease_return(lease);
    return true;
}

/* Begins a charge in the shared store; with a lease, which may be NULL, it reserves for that,
 * too. The step is a peek's. */
static void charge_begin(rl_foreseen_t *charge, const rl_source_t *source,
                         const rl_operation_t *op, const rl_lease_t *lease,
                         const rl_step_t *step)
{
    charge->res = rl_reservation(source, op, step->window);
    charge->leased = charge->reserving = lease != NULL;
    if (lease != NULL) {
        charge->lease = *lease;
        charge->res.op.cost = rl_lease_reserve_begin(&charge->lease, step, op->cost);
    }
}

/* Reserves what is needed now, the cost, together with what the lease should have; only the
 * former if both don't fit. */
static rl_store_status_e reserve_ahead(rl_foreseen_t *charge, uint32_t cost, rl_step_t *step)
{
    rl_reservation_t *res = &charge->res;
    rl_store_status_e status = rl_shared_charge(res, step);
    if (status == RL_STORE_OK && !step->granted &&
        (lease_return_rest(&charge->lease) || res->op.cost > cost)) {
        res->op.cost = cost;
        status = rl_shared_charge(res, step);
    }
    if (status == RL_STORE_OK && step->granted) {
        lease_rest(&charge->lease, res, cost, step);
    }
    rl_lease_reserve_end(&charge->lease, status == RL_STORE_OK ? res->op.cost : cost);
    charge->reserving = false;
    return status;
}

/* Decides by on_error, for a store that didn't answer. Returns true if this server's own count
 * decides. */
static bool charge_by_on_error(rl_reservation_t *res, rl_on_error_e on_error, rl_step_t *step)
{
    res->source->session->local++;
    if (on_error == RL_ON_ERROR_LOCAL) {
        rl_shared_charge_locally(res, step);
        return true;
    }
    step->granted = on_error == RL_ON_ERROR_ALLOW;
    step->retry = step->granted ? res->op.now : res->op.now + RL_USEC_PER_SEC;
    return false;
}

/* Returns true if what was foreseen is of the window that is the step's by now. */
static bool is_still_foreseen(const rl_foreseen_t *foreseen, const rl_step_t *step)
{
    const rl_meter_t *meter = &foreseen->res.op.meter;
    return foreseen->res.here == rl_shared_counter_window(meter, step->window);
}

/* Charges a shared key that isn't known to be denied; lease is NULL if there can be none. */
static bool charge_shared(const rl_source_t *source, const rl_operation_t *op,
                          rl_on_error_e on_error, const rl_lease_t *lease,
                          rl_foreseen_t *charge, rl_step_t *step)
{
    rl_foreseen_t alone;
    rl_store_status_e status;
    if (op->meter.penalty_us > 0) {
        rl_penalty_ask(source, op, step);
        if (!step->granted) {
            return true;
        }
    }
    if (charge == NULL || !is_still_foreseen(charge, step)) {
        charge = &alone;
        charge_begin(charge, source, op, lease, step);
    }
    status = charge->leased ? reserve_ahead(charge, op->cost, step)
                            : rl_shared_charge(&charge->res, step);
    if (status != RL_STORE_OK) {
        charge->res.op.cost = op->cost;
        return charge_by_on_error(&charge->res, on_error, step);
    }
    rl_shared_keep_alive(&charge->res);
    return true;
}

/* ---- charging ---- */

/* A key that is in doubt comes here though it is over a limit that was lowered. */
static bool may_spend(const rl_operation_t *op, const rl_step_t *step)
{
    return step->granted || !rl_meter_is_lowered(&op->meter);
}

bool rl_counter_charge_further(const rl_source_t *source, const rl_operation_t *op,
                               rl_on_error_e on_error, rl_foreseen_t *foreseen, rl_step_t *step)
{
    const bool shared = rl_source_is_shared(source, &op->meter);
    rl_lease_t lease;
    bool leased = false;
    if (shared || op->meter.penalty_us > 0) {
        leased = peek_with_lease(source, op, step, &lease);
        if ((shared && op->cost == 0) || (!step->granted && !is_in_doubt(source, op, step))) {
            return true; /* no round trip */
        }
    }
    if (leased && may_spend(op, step) && charge_lease(&lease, step)) {
        return true;
    }
    if (shared) {
        return charge_shared(source, op, on_error, leased ? &lease : NULL, foreseen, step);
    }
    rl_counter_charge_ledger(source, op, step);
    return true;
}

/* Returns true, with *lease set, if the look saw a lease. */
static bool has_seen_lease(const rl_source_t *source, const rl_operation_t *op,
                           const rl_step_t *step, const rl_seen_t *seen, rl_lease_t *lease)
{
    if (seen->incarnation != 0) {
        *lease = rl_lease_at(source, op, step->window, seen->incarnation);
    }
    return seen->incarnation != 0;
}

bool rl_counter_may_ask(const rl_source_t *source, const rl_operation_t *op,
                        const rl_step_t *step, const rl_seen_t *seen)
{
    rl_lease_t lease;
    if (!rl_source_is_shared(source, &op->meter) || op->cost == 0) {
        return false;
    }
    return !has_seen_lease(source, op, step, seen, &lease) || !may_spend(op, step) ||
           rl_lease_left(&lease) < op->cost;
}

void rl_counter_foresee(const rl_source_t *source, const rl_operation_t *op,
                        const rl_step_t *step, const rl_seen_t *seen, rl_errand_t *errand,
                        rl_foreseen_t *foreseen)
{
    rl_lease_t lease;
    const bool leased = has_seen_lease(source, op, step, seen, &lease);
    if (op->meter.penalty_us > 0) {
        rl_penalty_foresee(op, errand);
    }
    charge_begin(foreseen, source, op, leased ? &lease : NULL, step);
    /* where a bucket's lease lies in the bucket's time is told only by the sum itself */
    if (rl_meter_is_window(&op->meter) || foreseen->res.op.cost == op->cost) {
        rl_shared_foresee(&foreseen->res, errand);
    }
}

void rl_counter_foreseen(rl_foreseen_t *foreseen, const rl_errand_t *errand)
{
    rl_shared_foreseen(&foreseen->res, errand);
    if (foreseen->reserving) {
        rl_lease_reserve_end(&foreseen->lease, 0);
        foreseen->reserving = false;
    }
}

bool rl_counter_spend(const rl_source_t *source, const rl_operation_t *op, unsigned incarnation,
                      rl_step_t *step)
{
    rl_lease_t lease = rl_lease_at(source, op, step->window, incarnation);
    return op->cost > 0 && charge_lease(&lease, step);
}

/* ---- giving back ---- */

/* Puts units that are given back into the lease, while there is one. Returns true if they went
 * there. */
static bool refund_to_lease(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp)
{
    rl_lease_t lease;
    return rl_lease_find(&lease, source, op, (uint32_t)stamp) &&
           stamp == rl_shared_window_stamp(lease.incarnation, lease.window) &&
           rl_lease_left(&lease) > 0 && rl_lease_add(&lease, 0, op->cost);
}

/* Moves a bucket's lease down before units go back to the bucket: the lease must not stay above
 * the bucket's arrival time. */
static void lower_lease(const rl_source_t *source, const rl_operation_t *op)
{
    rl_lease_t lease;
    if (rl_lease_find(&lease, source, op, 0)) {
        rl_lease_lower(&lease, op->cost);
    }
}

static bool was_cleared_since(const rl_source_t *source, const rl_operation_t *op,
                              uint64_t stamp)
{
    const uint64_t cleared =
        rl_meter_is_window(&op->meter)
            ? rl_ledger_note(source->ledger, &op->ledger_key, RL_NOTE_CLEARED)
            : 0;
    return cleared != 0 &&
           (int32_t)((uint32_t)(stamp >> 32) - rl_counter_moment((int64_t)cleared)) <= 0;
}

static bool refund_ledger(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp)
{
    if (was_cleared_since(source, op, stamp)) {
        return false;
    }
    rl_ledger_refund(source->ledger, op,
                     rl_meter_is_window(&op->meter) ? (uint32_t)stamp : stamp);
    return true;
}

bool rl_counter_refund_begin(const rl_source_t *source, const rl_operation_t *op,
                             uint64_t stamp, rl_errand_t *errand, rl_refund_t *refund)
{
    if (op->cost == 0) {
        return false;
    }
    if (!rl_source_is_shared(source, &op->meter)) {
        if (refund_ledger(source, op, stamp) && op->meter.penalty_us > 0) {
            rl_penalty_lift_if_any(source, op);
        }
        return false;
    }
    if (!rl_meter_is_window(&op->meter)) {
        lower_lease(source, op);
    }
    else if (refund_to_lease(source, op, stamp)) {
        return false;
    }
    rl_shared_refund_begin(refund, source, op, stamp, errand);
    return true;
}

void rl_counter_refund_end(const rl_source_t *source, const rl_operation_t *op,
                           rl_refund_t *refund)
{
    if (rl_shared_refund_end(refund) && op->meter.penalty_us > 0) {
        rl_penalty_lift_if_any(source, op);
    }
}

void rl_counter_refund(const rl_source_t *source, const rl_operation_t *op, uint64_t stamp)
{
    rl_refund_t refund;
    if (rl_counter_refund_begin(source, op, stamp, NULL, &refund)) {
        rl_counter_refund_end(source, op, &refund);
    }
}

/* ---- the rest ---- */

void rl_counter_overrun(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step)
{
    rl_step_t denied;
    if (step->word >= 0) {
        rl_ledger_deny(source->ledger, op, &denied);
    }
    if (op->meter.penalty_us > 0) {
        rl_penalty_impose(source, op, step);
    }
}

bool rl_counter_learn(const rl_source_t *source, const rl_operation_t *op)
{
    bool learned;
    if (!rl_source_is_shared(source, &op->meter)) {
        rl_exempt_key_learn(source, op);
        return true;
    }
    learned = rl_shared_learn(source, op);
    if (learned) {
        rl_exempt_key_learn(source, op);
    }
    if (learned && op->meter.penalty_us > 0) {
        rl_penalty_learn(source, op);
    }
    return learned;
}

/* Notes when the counter was cleared, before it is wiped: units that are wiped must not be
 * given back any more. Returns false if there is nothing to wipe. */
static bool note_clear(const rl_source_t *source, const rl_operation_t *op)
{
    uint64_t notes[RL_LEDGER_NOTES];
    for (int i = 0; i < NOTE_TRIES; i++) {
        if (!rl_ledger_notes(source->ledger, &op->ledger_key, notes)) {
            return false;
        }
        if (rl_ledger_swap_note(source->ledger, &op->ledger_key, RL_NOTE_CLEARED,
                                notes[RL_NOTE_CLEARED], (uint64_t)op->now)) {
            return true;
        }
    }
    return true; /* others clear it, too */
}

/* Clears a counter that isn't shared. */
static void clear_ledger(const rl_source_t *source, const rl_operation_t *op)
{
    if (note_clear(source, op)) {
        rl_ledger_clear(source->ledger, op);
        rl_incarnation_renew(source, op);
    }
}

void rl_counter_clear_begin(const rl_source_t *source, const rl_operation_t *op,
                            rl_errand_t *errand, rl_reservation_t *clearing)
{
    const rl_operation_t nothing = rl_operation_at_cost(op, 0);
    rl_step_t step;
    rl_ledger_peek(source->ledger, &nothing, &step);
    if (rl_source_is_shared(source, &op->meter)) {
        rl_ledger_clear(source->ledger, op);
        rl_shared_clear_begin(clearing, source, op, step.window, errand);
    }
    else {
        clear_ledger(source, op);
    }
    if (op->meter.penalty_us > 0) {
        rl_penalty_foresee(op, errand);
    }
}

bool rl_counter_clear_end(const rl_source_t *source, const rl_operation_t *op,
                          rl_reservation_t *clearing)
{
    const bool told = !rl_source_is_shared(source, &op->meter) || rl_shared_clear_end(clearing);
    if (op->meter.penalty_us > 0) {
        rl_penalty_lift(source, op);
    }
    return told;
}

bool rl_counter_clear(const rl_source_t *source, const rl_operation_t *op)
{
    rl_errand_t errand;
    rl_reservation_t clearing;
    bool told;
    rl_errand_begin(&errand, source->session);
    rl_counter_clear_begin(source, op, &errand, &clearing);
    rl_errand_run(&errand, source->session);
    told = rl_counter_clear_end(source, op, &clearing);
    rl_errand_end(&errand, source->session);
    return told;
}

/* Asks for the counter, the key's exemption and its penalty together. The counter is last to be
 * mended, because that may take more round trips. */
static void refresh_shared(const rl_source_t *source, const rl_operation_t *op)
{
    rl_errand_t errand;
    rl_reservation_t res;
    rl_errand_begin(&errand, source->session);
    rl_shared_refresh_begin(&res, source, op, &errand);
    rl_exempt_key_foresee(op, &errand);
    if (op->meter.penalty_us > 0) {
        rl_penalty_foresee(op, &errand);
    }
    rl_errand_run(&errand, source->session);
    rl_exempt_key_learn(source, op);
    if (op->meter.penalty_us > 0) {
        rl_penalty_refresh(source, op);
    }
    rl_shared_refresh_end(&res);
    rl_errand_end(&errand, source->session);
}

void rl_counter_refresh(const rl_source_t *source, const rl_operation_t *op)
{
    const bool shared = rl_source_is_shared(source, &op->meter);
    const bool due = source->session != NULL && rl_contact_is_due(source->ledger, op);
    if (due && shared) {
        refresh_shared(source, op);
    }
    else if (due) {
        rl_exempt_key_learn(source, op);
    }
    else if (shared && op->meter.penalty_us > 0) {
        rl_penalty_refresh(source, op);
    }
}

uint32_t rl_counter_count_denial(const rl_source_t *source, const rl_operation_t *op,
                                 const rl_step_t *step, uint32_t *before)
{
    return rl_ledger_count_denial(source->ledger, op, step, before);
}
