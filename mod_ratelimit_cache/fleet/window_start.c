/* SPDX-License-Identifier: Apache-2.0 */
#include "window_start.h"

#include "../core/meter/first_window.h"
#include "debts.h"
#include "notes.h"
#include "window_counter.h"
#include "window_identity.h"

/* How often others may be faster to set the start, or to begin a window in the same tick. */
#define START_TRIES 8

#define JUST_NOW 256 /* ticks: a second */

/* Keeps the starts apart from the counters of windows. */
static rl_shared_counter_t start_counter(const rl_reservation_t *res)
{
    return (rl_shared_counter_t){
        .key = {.hi = res->counter.key.hi ^ UINT64_C(0x9b05688c2b3e6c1f),
                .lo = res->counter.key.lo ^ UINT64_C(0x5be0cd19137e2179)},
        .ttl = res->counter.ttl};
}

static rl_store_status_e read_start(const rl_reservation_t *res, uint64_t *start)
{
    const rl_shared_counter_t counter = start_counter(res);
    return res->ops->read(res->source->session, &counter, start);
}

void rl_window_start_foresee(const rl_reservation_t *res, rl_errand_t *errand)
{
    const rl_shared_counter_t counter = start_counter(res);
    rl_errand_read(errand, &counter);
}

/* Sets the start: `replace` after it was read, `create` if it is missing. */
static rl_store_status_e set_start(const rl_reservation_t *res, bool replace, uint64_t start)
{
    const rl_shared_counter_t counter = start_counter(res);
    return replace ? res->ops->replace(res->source->session, &counter, start)
                   : res->ops->create(res->source->session, &counter, start);
}

/* ---- closing ---- */

bool rl_window_is_closed(const rl_reservation_t *res)
{
    const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
    return rl_identity_is_of(identity, res->counter.window) &&
           rl_identity_incarnation(identity) == RL_TALLY_CLOSED;
}

/* Lowers what is known here to the debt, and `keep` units. Reads the debt after what is known:
 * a unit that has been charged here since then makes the correction fail, and whoever charged
 * it before and owes it later looks if it still counts. */
static void lower_to_debt(const rl_reservation_t *res, uint32_t keep)
{
    const uint32_t known = rl_window_known(res), to = rl_debt_units(res) + keep;
    const rl_correction_t less = {.stamp = res->here, .from = known, .to = to};
    if (known > to) {
        rl_ledger_lower(res->source->ledger, &res->op, &less);
    }
}

/* The one who notes it lowers what is known here. For the others, and if units that are known
 * here are in another counter by now, the news is old. */
void rl_window_note_closed(const rl_reservation_t *res, uint32_t keep)
{
    const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
    const uint64_t closed = rl_identity(res, RL_TALLY_CLOSED, 0);
    const bool is_noted = rl_window_is_noted(res, identity);
    uint32_t current;
    if (!is_noted &&
        (rl_window_known(res) > 0 || rl_reservation_is_superseded(res, &current))) {
        return;
    }
    if (identity != closed && rl_note_swap(res, RL_NOTE_IDENTITY, identity, closed) &&
        is_noted) {
        rl_total_lower(res, UINT32_MAX);
        lower_to_debt(res, keep);
    }
}

rl_store_status_e rl_window_close(const rl_reservation_t *res, uint32_t total)
{
    uint64_t value;
    rl_tally_t tally;
    rl_store_status_e status = res->ops->read(res->source->session, &res->counter, &value);
    if (status != RL_STORE_OK) {
        return status;
    }
    if (!rl_tally_unpack(value, &tally) || rl_tally_is_closed(&tally) || tally.total != total) {
        return RL_STORE_EXISTS;
    }
    return res->ops->replace(res->source->session, &res->counter, rl_tally_closed());
}

/* ---- the start ---- */

/* Returns true if this can be the start of the current window. The reservation's own window
 * isn't, if it was found closed. */
static bool is_current(const rl_reservation_t *res, uint64_t start)
{
    rl_reservation_t other = *res;
    other.counter.window = (uint32_t)start;
    return rl_first_window_is_current(&res->op.meter, start, res->op.now) &&
           !(res->start == RL_START_CLOSED && (uint32_t)start == res->counter.window) &&
           !rl_window_is_closed(&other);
}

/* Goes on in the counter of another window. As long as units are known here, they keep the
 * window in which they are. */
static void take_window(rl_reservation_t *res, uint64_t start, rl_window_start_e how)
{
    res->counter.window = (uint32_t)start;
    res->start = how;
    if (res->known == 0) {
        res->here = res->counter.window;
    }
}

rl_store_status_e rl_window_start_read(rl_reservation_t *res)
{
    uint64_t start;
    const rl_store_status_e status = read_start(res, &start);
    if (status != RL_STORE_OK) {
        return status;
    }
    if (!is_current(res, start)) {
        return RL_STORE_MISSING;
    }
    take_window(res, start, RL_START_AGREED);
    return RL_STORE_OK;
}

static rl_store_status_e put_closed(const rl_reservation_t *res)
{
    const rl_store_status_e status =
        res->ops->put(res->source->session, &res->counter, rl_tally_closed());
    rl_window_note_closed(res, 0);
    return status;
}

rl_store_status_e rl_window_start_clear(rl_reservation_t *res)
{
    const uint32_t known = res->counter.window;
    const bool is_known = rl_window_is_noted(res, res->identity);
    rl_store_status_e status = is_known ? put_closed(res) : RL_STORE_OK, found;
    found = rl_window_start_read(res);
    if (found == RL_STORE_OK && !(is_known && res->counter.window == known)) {
        found = put_closed(res);
    }
    return found == RL_STORE_OK || found == RL_STORE_MISSING ? status : found;
}

void rl_window_start_foresee_clear(const rl_reservation_t *res, rl_errand_t *errand)
{
    if (rl_window_is_noted(res, res->identity)) {
        rl_errand_put(errand, &res->counter, rl_tally_closed());
    }
    rl_window_start_foresee(res, errand);
}

/* The start of a new window is now, or the tick after the last start if that was just now: no
 * two windows have the same number. */
static uint64_t next_start(const rl_reservation_t *res, uint64_t last)
{
    const uint64_t start = rl_first_window_start(res->op.now);
    return last >= start && last < start + JUST_NOW ? last + 1 : start;
}

/* Makes one attempt, by read and replace or, for a key that is new here, by creation. Returns
 * EXISTS if another server was faster. */
static rl_store_status_e find_once(rl_reservation_t *res, bool is_new)
{
    uint64_t start = 0;
    rl_store_status_e status = is_new ? RL_STORE_MISSING : read_start(res, &start);
    const bool exists = status == RL_STORE_OK;
    if (exists && is_current(res, start)) {
        take_window(res, start, RL_START_AGREED);
        return RL_STORE_OK;
    }
    if (exists || status == RL_STORE_MISSING) {
        start = next_start(res, start);
        status = set_start(res, exists, start);
    }
    if (status == RL_STORE_OK) {
        take_window(res, start, RL_START_NEW);
    }
    return status == RL_STORE_MISSING ? RL_STORE_EXISTS : status;
}

rl_store_status_e rl_window_start_find(rl_reservation_t *res)
{
    const bool is_new = res->identity == 0 && res->start == RL_START_HERE;
    rl_store_status_e status = find_once(res, is_new);
    for (int i = 1; i < START_TRIES && status == RL_STORE_EXISTS; i++) {
        status = find_once(res, false);
    }
    return status == RL_STORE_EXISTS ? RL_STORE_ERROR : status;
}

/* ---- units that are known here in another window ---- */

bool rl_window_rejoin(rl_reservation_t *res)
{
    const int64_t now = res->op.now;
    uint32_t current;
    if (!rl_reservation_is_superseded(res, &current) ||
        rl_first_window_follows(&res->op.meter, rl_first_window_numbered(current, now),
                                rl_first_window_numbered(res->here, now))) {
        return false;
    }
    res->here = current;
    return true;
}

void rl_window_settle(rl_reservation_t *res, uint32_t total)
{
    if (total > res->op.meter.limit) {
        return;
    }
    if (res->known == 0) {
        rl_window_raise_known(res, total);
    }
    if (rl_window_rejoin(res)) {
        res->owed = rl_debt_units(res);
    }
}

/* Another request may note a total just when the units are taken off. Sees to it that they stay
 * known, in whatever window. */
static void raise_to_noted(const rl_reservation_t *res)
{
    const uint32_t total = rl_total_noted(res);
    rl_reservation_t other = *res;
    if (total > rl_window_known(res)) {
        rl_window_raise_known(res, (uint64_t)total + rl_debt_units(res));
        if (rl_window_rejoin(&other)) {
            rl_total_note(&other, total);
            rl_window_raise_known(&other, (uint64_t)total + rl_debt_units(&other));
        }
    }
}

void rl_window_lower_by(const rl_reservation_t *res, uint32_t units)
{
    const uint32_t noted = rl_total_noted(res) + rl_debt_units(res);
    const uint32_t known = rl_window_known(res);
    const uint32_t most = known > noted ? known - noted : 0;
    const rl_operation_t less = rl_operation_at_cost(&res->op, units < most ? units : most);
    if (less.cost > 0) {
        rl_ledger_refund(res->source->ledger, &less, res->here);
        raise_to_noted(res);
    }
}

bool rl_window_recall(rl_reservation_t *res)
{
    uint32_t current;
    if (!rl_reservation_is_superseded(res, &current)) {
        return true;
    }
    res->here = current;
    return rl_identity_is_of(rl_note(res, RL_NOTE_IDENTITY), res->counter.window);
}

/* Returns true if the window of the identity, which was the fleet's, has been closed. The
 * identity has but the lowest bits of its number; it began about when that which is known here
 * did. */
static bool was_closed(const rl_reservation_t *res, uint64_t identity)
{
    const unsigned bits = 32 - RL_TALLY_BITS;
    const uint32_t cut = (uint32_t)(identity >> RL_IDENTITY_WINDOW);
    rl_shared_counter_t counter = res->counter;
    rl_tally_t tally;
    uint64_t value;
    counter.window = res->here + (uint32_t)((int32_t)((cut - res->here) << bits) >> bits);
    return identity != 0 &&
           res->ops->read(res->source->session, &counter, &value) == RL_STORE_OK &&
           rl_tally_unpack(value, &tally) && rl_tally_is_closed(&tally);
}

/* What is known here belongs into this window of the fleet: what the store had counted becomes
 * the seed (notes.h), so that it counts once however many servers know of it; a debt is paid
 * there. */
static void bring_along(rl_reservation_t *res, uint32_t window, uint64_t identity)
{
    const uint32_t counted = rl_window_counted(res);
    uint32_t paid;
    res->counter.window = window;
    if (rl_note_swap(res, RL_NOTE_IDENTITY, identity, rl_identity(res, 0, counted))) {
        paid = rl_window_counted(res); /* a debt, to the counter that is left */
        if (paid > counted) {
            rl_note_swap(res, RL_NOTE_IDENTITY, rl_identity(res, 0, counted),
                         rl_identity(res, 0, paid));
        }
    }
}

/* The fleet is in the window that begins at `start`. Brings along what is known here, unless
 * that is over: because the other window is the next one, or because the fleet has closed that
 * in which it was counted. */
static void go_over(rl_reservation_t *res, uint64_t start)
{
    const uint64_t here = rl_first_window_numbered(res->here, res->op.now);
    const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
    if (rl_first_window_follows(&res->op.meter, start, here)) {
        rl_debt_drop(res);
        lower_to_debt(res, 0);
    }
    else if (rl_identity_is_of(identity, (uint32_t)start)) {
        return;
    }
    else if (!rl_identity_is_of(identity, res->here) && was_closed(res, identity)) {
        lower_to_debt(res, 0);
    }
    else {
        bring_along(res, (uint32_t)start, identity);
    }
}

/* The fleet is in no window; the last was that of `start`, 0 if the store has forgotten it.
 * Returns true if that which is known here can become the fleet's. */
static bool can_be_told(rl_reservation_t *res, uint64_t start)
{
    const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
    const bool is_of_here = rl_identity_is_of(identity, res->here);
    if (is_of_here && rl_identity_incarnation(identity) != RL_TALLY_CLOSED) {
        return true;
    }
    if (is_of_here || (start != 0 && rl_identity_is_of(identity, (uint32_t)start)) ||
        was_closed(res, identity)) {
        lower_to_debt(res, 0);
    }
    else {
        bring_along(res, res->here, identity);
    }
    res->identity = rl_note(res, RL_NOTE_IDENTITY);
    res->known = rl_window_known(res);
    return res->known > 0 && !is_of_here;
}

static rl_store_status_e confirm_once(rl_reservation_t *res)
{
    uint64_t start = 0;
    rl_store_status_e status = read_start(res, &start);
    const bool exists = status == RL_STORE_OK;
    if (exists && is_current(res, start)) {
        if ((uint32_t)start != res->here) {
            go_over(res, start);
        }
        res->identity = rl_note(res, RL_NOTE_IDENTITY);
        res->owed = rl_debt_units(res);
        res->known = rl_window_known(res);
        take_window(res, start, RL_START_AGREED);
        return RL_STORE_OK;
    }
    if (!exists && status != RL_STORE_MISSING) {
        return status;
    }
    if (!can_be_told(res, start)) {
        return rl_window_start_find(res);
    }
    start = rl_first_window_numbered(res->here, res->op.now);
    status = set_start(res, exists, start);
    if (status == RL_STORE_OK) {
        take_window(res, start, RL_START_AGREED);
    }
    return status == RL_STORE_MISSING ? RL_STORE_EXISTS : status;
}

rl_store_status_e rl_window_start_confirm(rl_reservation_t *res)
{
    rl_store_status_e status = RL_STORE_EXISTS;
    for (int i = 0; i < START_TRIES && status == RL_STORE_EXISTS; i++) {
        status = confirm_once(res);
    }
    return status == RL_STORE_EXISTS ? RL_STORE_ERROR : status;
}
