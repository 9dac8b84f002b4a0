#include "counter.h"

#include "../fleet/reservation.h"
#include "../fleet/penalty.h"
#include "../lease/lease.h"

static bool is_shared(const rl_source_t *source, const rl_meter_t *meter)
{
    return source->session != NULL && rl_meter_is_shareable(meter);
}

static const rl_fleet_ops_t *fleet_of(const rl_meter_t *meter)
{
    return meter->algorithm == RL_TOKEN_BUCKET ? &rl_fleet_bucket : &rl_fleet_window;
}

static void keep_alive(const rl_reservation_t *res)
{
    uint64_t value;
    if (rl_contact_is_due(res->source->ledger, &res->cell, res->now)) {
        res->ops->read(res->source->session, &res->counter, &value);
    }
}

static void grant_here(rl_reservation_t *res, rl_step_t *step)
{
    rl_ledger_charge(res->source->ledger, &res->cell, res->meter, res->now, res->cost, step);
    if (!step->granted) {
        return;
    }
    rl_debt_owe(res, res->cost);
    if (!fleet_of(res->meter)->verify(res)) {
        rl_debt_forgive(res, res->cost);
        step->granted = false;
        step->retry = step->reset;
    }
}

/* The store didn't answer. */
static bool do_without(rl_reservation_t *res, rl_on_error_e on_error, rl_step_t *step)
{
    if (on_error == RL_ON_ERROR_LOCAL) {
        grant_here(res, step);
        return true;
    }
    step->granted = on_error == RL_ON_ERROR_ALLOW;
    step->retry = step->granted ? res->now : res->now + RL_USEC_PER_SEC;
    return false;
}

static bool is_window(const rl_meter_t *meter)
{
    return meter->algorithm == RL_FIXED_WINDOW || meter->algorithm == RL_SLIDING_WINDOW;
}

/* A window's stamp has the moment of the charge on top, in milliseconds, so that a refund can
 * tell whether the counter has been wiped since. (Where the counter is shared it is the
 * counter's incarnation.) */
static uint64_t stamp_with_time(const rl_meter_t *meter, uint64_t stamp, int64_t now)
{
    return is_window(meter) ? (uint64_t)(uint32_t)(now / 1000) << 32 | (uint32_t)stamp : stamp;
}

/* ---- leases ---- */

static bool find_lease(rl_leasing_t *lease, const rl_source_t *source, const rl_digest_t *key,
                       const rl_meter_t *meter, int64_t now, uint32_t window)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    return is_shared(source, meter) &&
           rl_leasing_open(lease, source, key, &cell, meter, window, now);
}

static void take_off(rl_step_t *step, uint32_t leased)
{
    step->used = step->used > leased ? step->used - leased : 0;
}

/* Whether a cost that is more than what is leased fits when that is given back. */
static bool fits_without(const rl_meter_t *meter, uint32_t leased, uint32_t cost,
                         const rl_step_t *step)
{
    return leased > 0 && is_window(meter) && (uint64_t)step->used + cost <= meter->limit;
}

/* What charging would do as far as this server knows. What is leased is known as used, and is
 * there to be spent all the same. Returns whether there may be a lease. */
static bool look(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                 int64_t now, uint32_t cost, rl_step_t *step, rl_leasing_t *lease)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    bool leased;
    rl_ledger_peek(source->ledger, &cell, meter, now, cost, step);
    leased = find_lease(lease, source, key, meter, now, step->window);
    if (leased) {
        const uint32_t left = rl_leasing_left(lease);
        take_off(step, left);
        if (!step->granted && (left >= cost || fits_without(meter, left, cost, step))) {
            step->used += cost;
            step->granted = true;
            step->retry = now;
        }
    }
    if (meter->penalty_us > 0) {
        rl_penalty_peek(source, &cell, meter, now, step);
    }
    return leased;
}

/* Puts into the lease what was reserved and isn't spent. */
static void lease_rest(const rl_leasing_t *lease, const rl_reservation_t *res, uint32_t cost,
                       rl_step_t *step)
{
    const uint32_t rest = res->cost - cost;
    const bool in_place =
        is_window(lease->meter)
            ? step->stamp == rl_window_stamp(lease->incarnation, lease->window)
            : res->until != 0;
    take_off(step, rest);
    if (!is_window(lease->meter)) {
        step->stamp -= rl_bucket_cost(lease->meter, rest); /* which is what comes after */
    }
    if (rest == 0 || (in_place && rl_leasing_add(lease, res->until, rest))) {
        return;
    }
    if (is_window(lease->meter)) { /* what a bucket lost drains */
        rl_source_refund(res->source, lease->key, lease->meter, step->stamp, rest, res->now);
    }
}

/* Reserves what the reservation costs. */
static rl_upstream_status_e reserve(rl_reservation_t *res, rl_step_t *step)
{
    rl_upstream_status_e status;
    rl_reservation_look_up(res);
    status = fleet_of(res->meter)->charge(res, step);
    rl_debt_settle(res, 0); /* does nothing once it is settled */
    return status;
}

/* Reserves the next lease ahead of those who will need it. What this request needs it has. */
static void renew(rl_leasing_t *lease, const rl_step_t *step)
{
    rl_reservation_t res =
        rl_reservation(lease->source, lease->key, lease->meter, lease->window, lease->now);
    rl_step_t reserved = *step;
    bool granted = false;
    res.cost = rl_leasing_begin(lease, step, 0);
    if (res.cost > 0 && reserve(&res, &reserved) == RL_UPSTREAM_OK) {
        keep_alive(&res);
        granted = reserved.granted;
    }
    if (granted) {
        lease_rest(lease, &res, 0, &reserved);
    }
    rl_leasing_end(lease, granted ? res.cost : 0);
}

/* Spends what was seen in a lease; the step is as look() left it. */
static bool spend(rl_leasing_t *lease, uint32_t cost, rl_step_t *step)
{
    if (!rl_leasing_spend(lease, cost, &step->stamp)) {
        return false;
    }
    if (rl_leasing_is_low(lease)) {
        renew(lease, step);
    }
    return true;
}

/* While units are leased, those that are given back go there. */
static bool refund_to_lease(const rl_source_t *source, const rl_digest_t *key,
                            const rl_meter_t *meter, uint64_t stamp, uint32_t units,
                            int64_t now)
{
    rl_leasing_t lease;
    return is_window(meter) && find_lease(&lease, source, key, meter, now, (uint32_t)stamp) &&
           stamp == rl_window_stamp(lease.incarnation, lease.window) &&
           rl_leasing_left(&lease) > 0 && rl_leasing_add(&lease, 0, units);
}

/* Units go back to a bucket: what is leased of it must not stay behind. */
static void lower_lease(const rl_source_t *source, const rl_digest_t *key,
                        const rl_meter_t *meter, uint32_t units, int64_t now)
{
    rl_leasing_t lease;
    if (!is_window(meter) && find_lease(&lease, source, key, meter, now, 0)) {
        rl_leasing_lower(&lease, units);
    }
}

/* ---- what the limiter calls ---- */

void rl_source_peek(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step)
{
    rl_leasing_t lease;
    look(source, key, meter, now, cost, step, &lease);
}

void rl_source_prefetch(const rl_source_t *source, const rl_digest_t *key)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    rl_ledger_prefetch(source->ledger, &cell);
}

void rl_source_look(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step, rl_seen_t *seen)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    rl_leasing_t lease;
    seen->cell.cell = NULL;
    seen->incarnation = 0;
    if (source->session == NULL && meter->penalty_us == 0) {
        rl_ledger_look(source->ledger, &cell, meter, now, cost, step, &seen->cell);
    }
    else if (look(source, key, meter, now, cost, step, &lease)) {
        seen->incarnation = lease.incarnation;
    }
}

bool rl_source_take(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, const rl_seen_t *seen, rl_step_t *step)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    if (seen->incarnation != 0) {
        rl_leasing_t lease =
            rl_leasing_reopen(source, key, &cell, meter, step->window, now, seen->incarnation);
        return cost > 0 && spend(&lease, cost, step);
    }
    if (seen->cell.cell == NULL || !rl_ledger_take(&cell, meter, &seen->cell, step)) {
        return false;
    }
    step->stamp = stamp_with_time(meter, step->stamp, now);
    return true;
}

/* Gives back what is left of a lease, which wasn't enough; false when that is nothing. */
static bool return_rest(const rl_leasing_t *lease)
{
    if (!is_window(lease->meter) || rl_leasing_left(lease) == 0) {
        return false;
    }
    rl_leasing_return(lease);
    return true;
}

/* Reserves what a lease should have together with what is needed now; only that when there
 * isn't as much, or when there can be no lease. */
static rl_upstream_status_e reserve_ahead(rl_reservation_t *res, rl_leasing_t *lease,
                                          uint32_t cost, rl_step_t *step)
{
    rl_upstream_status_e status;
    res->cost = lease != NULL ? rl_leasing_begin(lease, step, cost) : cost;
    status = reserve(res, step);
    if (lease == NULL) {
        return status;
    }
    if (status == RL_UPSTREAM_OK && !step->granted &&
        (return_rest(lease) || res->cost > cost)) {
        res->cost = cost;
        status = reserve(res, step);
    }
    if (status == RL_UPSTREAM_OK && step->granted) {
        lease_rest(lease, res, cost, step);
    }
    rl_leasing_end(lease, status == RL_UPSTREAM_OK ? res->cost : cost);
    return status;
}

/* Charges a key that isn't known to be denied. */
static bool charge_shared(const rl_source_t *source, const rl_digest_t *key,
                          const rl_meter_t *meter, int64_t now, uint32_t cost,
                          rl_on_error_e on_error, rl_leasing_t *lease, rl_step_t *step)
{
    rl_reservation_t res = rl_reservation(source, key, meter, step->window, now);
    if (meter->penalty_us > 0) {
        rl_penalty_ask(source, key, &res.cell, meter, now, step);
        if (!step->granted) {
            return true;
        }
    }
    if (reserve_ahead(&res, lease, cost, step) != RL_UPSTREAM_OK) {
        res.cost = cost;
        return do_without(&res, on_error, step);
    }
    keep_alive(&res);
    return true;
}

bool rl_source_charge(const rl_source_t *source, const rl_digest_t *key,
                      const rl_meter_t *meter, int64_t now, uint32_t cost,
                      rl_on_error_e on_error, rl_step_t *step)
{
    const bool shared = is_shared(source, meter);
    rl_leasing_t lease;
    bool leased = false;
    if (shared || meter->penalty_us > 0) {
        leased = look(source, key, meter, now, cost, step, &lease);
        if (!step->granted || (shared && cost == 0)) {
            return true; /* no round trip */
        }
    }
    if (leased && spend(&lease, cost, step)) {
        return true;
    }
    if (shared) {
        return charge_shared(source, key, meter, now, cost, on_error, leased ? &lease : NULL,
                             step);
    }
    const rl_digest_t cell = rl_cell_of(source, key);
    rl_ledger_charge(source->ledger, &cell, meter, now, cost, step);
    step->stamp = stamp_with_time(meter, step->stamp, now);
    return true;
}

/* Without a shared store a key's link has another use: when its counter was wiped. */
static bool was_wiped_since(const rl_source_t *source, const rl_digest_t *cell,
                            const rl_meter_t *meter, uint64_t stamp)
{
    const uint64_t wiped =
        is_window(meter) ? rl_ledger_note(source->ledger, cell, RL_NOTE_LINK) : 0;
    return wiped != 0 && (int32_t)((uint32_t)(stamp >> 32) - (uint32_t)(wiped / 1000)) <= 0;
}

static void note_wipe(const rl_source_t *source, const rl_digest_t *cell, int64_t now)
{
    const uint64_t last = rl_ledger_note(source->ledger, cell, RL_NOTE_LINK);
    rl_ledger_swap_note(source->ledger, cell, RL_NOTE_LINK, last, (uint64_t)now);
}

/* Whether units are still there to be given back here, after the shared store has been told. */
static bool give_back(const rl_source_t *source, const rl_digest_t *key,
                      const rl_digest_t *cell, const rl_meter_t *meter, uint64_t stamp,
                      uint32_t units, int64_t now)
{
    if (!is_shared(source, meter)) {
        return !was_wiped_since(source, cell, meter, stamp);
    }
    rl_reservation_t res =
        rl_reservation(source, key, meter, is_window(meter) ? (uint32_t)stamp : stamp, now);
    return fleet_of(meter)->refund(&res, stamp, units);
}

void rl_source_refund(const rl_source_t *source, const rl_digest_t *key,
                      const rl_meter_t *meter, uint64_t stamp, uint32_t units, int64_t now)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    if (units > 0 && refund_to_lease(source, key, meter, stamp, units, now)) {
        return;
    }
    lower_lease(source, key, meter, units, now);
    if (units == 0 || !give_back(source, key, &cell, meter, stamp, units, now)) {
        return;
    }
    rl_ledger_refund(source->ledger, &cell, meter, is_window(meter) ? (uint32_t)stamp : stamp,
                     units, now);
    if (meter->penalty_us > 0) {
        rl_penalty_reconsider(source, key, &cell, meter, now);
    }
}

void rl_source_overrun(const rl_source_t *source, const rl_digest_t *key,
                       const rl_meter_t *meter, int64_t now, uint32_t cost, rl_step_t *step)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    rl_step_t denied;
    if (step->word >= 0) {
        rl_ledger_deny(source->ledger, &cell, meter, now, cost, &denied);
    }
    if (meter->penalty_us > 0) {
        rl_penalty_impose(source, key, &cell, meter, now, step);
    }
}

bool rl_source_learn(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                     int64_t now)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    bool learned;
    rl_step_t step;
    if (!is_shared(source, meter)) {
        return true;
    }
    rl_ledger_peek(source->ledger, &cell, meter, now, 0, &step);
    rl_reservation_t res = rl_reservation(source, key, meter, step.window, now);
    rl_reservation_look_up(&res);
    learned = fleet_of(meter)->learn(&res) == RL_UPSTREAM_OK;
    rl_debt_settle(&res, 0);
    if (learned && meter->penalty_us > 0) {
        rl_penalty_learn(source, key, &cell, meter, now);
    }
    return learned;
}

bool rl_source_clear(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                     int64_t now)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    bool told = true;
    rl_step_t step;
    rl_ledger_peek(source->ledger, &cell, meter, now, 0, &step);
    if (!is_shared(source, meter)) {
        note_wipe(source, &cell, now);
    }
    rl_ledger_clear(source->ledger, &cell, meter, now);
    if (is_shared(source, meter)) {
        rl_reservation_t res = rl_reservation(source, key, meter, step.window, now);
        res.link = rl_note(&res, RL_NOTE_LINK);
        told = fleet_of(meter)->clear(&res) == RL_UPSTREAM_OK;
    }
    if (meter->penalty_us > 0) {
        rl_penalty_lift(source, key, &cell, meter, now);
    }
    return told;
}

void rl_source_refresh(const rl_source_t *source, const rl_digest_t *key,
                       const rl_meter_t *meter, int64_t now)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    rl_step_t step;
    if (!is_shared(source, meter)) {
        return;
    }
    if (rl_contact_is_due(source->ledger, &cell, now)) {
        rl_ledger_peek(source->ledger, &cell, meter, now, 0, &step);
        rl_reservation_t res = rl_reservation(source, key, meter, step.window, now);
        rl_reservation_look_up(&res);
        fleet_of(meter)->refresh(&res);
        rl_debt_settle(&res, 0);
    }
    if (meter->penalty_us > 0) {
        rl_penalty_refresh(source, key, &cell, meter, now);
    }
}

uint32_t rl_source_note_denial(const rl_source_t *source, const rl_digest_t *key,
                               const rl_step_t *step, int64_t now, uint32_t *repeats)
{
    const rl_digest_t cell = rl_cell_of(source, key);
    return rl_ledger_note_denial(source->ledger, &cell, step, now, repeats);
}
