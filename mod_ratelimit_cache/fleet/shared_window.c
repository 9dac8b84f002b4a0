/* SPDX-License-Identifier: Apache-2.0 */
#include "debts.h"
#include "notes.h"
#include "shared_algorithm.h"
#include "window_counter.h"
#include "window_identity.h"
#include "window_start.h"

/* Windows of all kinds. Each window of a key has a shared counter of its own, a tally
 * (core/meter/tally.h). Of a sliding window, a server's first request in a window also reads
 * the count of the window before, because other servers may have added to that after this one
 * last did. When a window begins, window_start.h says for those of window=first. */

#define CHARGE_TRIES 3
#define WINDOW_TRIES 4

static uint32_t at_most(uint64_t value, uint32_t most)
{
    return value < most ? (uint32_t)value : most;
}

/* ---- the interface ---- */

static rl_shared_counter_t previous_counter(const rl_reservation_t *res)
{
    rl_shared_counter_t previous = res->counter;
    previous.window--;
    return previous;
}

/* Returns true if the count of the window before needn't be learned. */
static bool previous_is_known(const rl_reservation_t *res)
{
    return res->op.meter.algorithm != RL_SLIDING_WINDOW ||
           rl_window_is_noted(res, res->identity);
}

/* Learns the count of the window before, once in each window of a sliding rule. Returns OK also
 * if nothing was counted in it. */
static rl_store_status_e learn_previous(const rl_reservation_t *res)
{
    const rl_shared_counter_t previous = previous_counter(res);
    rl_store_status_e status;
    rl_tally_t tally;
    uint64_t value;
    if (previous_is_known(res)) {
        return RL_STORE_OK;
    }
    status = res->ops->read(res->source->session, &previous, &value);
    if (status == RL_STORE_OK && rl_tally_unpack(value, &tally)) {
        rl_ledger_raise(res->source->ledger, &res->op, previous.window,
                        at_most(tally.total, rl_meter_usual(&res->op.meter)));
    }
    return status == RL_STORE_MISSING ? RL_STORE_OK : status;
}

/* Returns what counts after the store has told this total: the total and the debts. A debt that
 * somebody paid between the answer and now is in neither; but the payer noted the new total
 * first. What is owed doesn't tell if a debt was paid: there may be a new one by now. So in a
 * window that has ever had a debt, the noted total counts if it is higher. */
static uint32_t total_with_debts(const rl_reservation_t *res, uint32_t told)
{
    uint32_t owed;
    const uint32_t noted = rl_debt_look(res, &owed) ? rl_total_noted(res) : 0;
    return (noted > told ? noted : told) + owed;
}

/* Computes the step of the key as this server knows it by now. */
static void describe_key(const rl_reservation_t *res, uint32_t cost, rl_step_t *step)
{
    const rl_operation_t op = rl_operation_at_cost(&res->op, cost);
    rl_ledger_peek(res->source->ledger, &op, step);
}

/* window=first: returns true if what is known here has gone over to another window since
 * res->here was set to this one; that is res->here then. */
static bool is_elsewhere(rl_reservation_t *res)
{
    return rl_reservation_is_first(res) && rl_window_rejoin(res);
}

/* Returns true if a reservation that the store has carried out is within the limit; `told` is
 * the total that the store told, and what the counter still lacks. What was granted without the
 * store meanwhile counts as well. A total that is denied is not noted: it won't last. */
static bool window_has_room(rl_reservation_t *res, uint32_t told)
{
    int tries = 0;
    if (told > rl_window_room(res)) {
        return false;
    }
    do {
        uint32_t total;
        rl_total_note(res, told);
        total = total_with_debts(res, told);
        if (total > rl_window_room(res)) {
            return false;
        }
        rl_window_raise_known(res, total);
    } while (is_elsewhere(res) && ++tries < WINDOW_TRIES);
    return true;
}

/* window=first: returns true if no unit is in use but those that the counter has. It need not
 * have all that are known here, if the store has lost it and another server made it anew. */
static bool has_all(const rl_reservation_t *res, const rl_tally_t *tally)
{
    return rl_window_known(res) == 0 ||
           (rl_window_is_whole(res, tally) && rl_debt_units(res) == 0);
}

/* window=first: closes the window if its last unit was just taken off; `keep`: see
 * rl_window_note_closed(). */
static void close_if_empty(const rl_reservation_t *res, const rl_tally_t *left, uint32_t keep)
{
    if (rl_reservation_is_first(res) && left->total == 0 && has_all(res, left) &&
        rl_window_close(res, 0) == RL_STORE_OK) {
        rl_window_note_closed(res, keep);
    }
}

/* Takes the cost off again; not of a counter that has been cleared or made anew meanwhile,
 * which never had it. Returns the total that the store has then, as far as it tells. The doubt
 * is noted first: whoever comes after this one is to look again. */
static uint32_t take_off(const rl_reservation_t *res, const rl_tally_t *tally)
{
    uint64_t value;
    rl_tally_t left;
    if (!res->not_added) {
        rl_doubt_begin(res);
        if (res->ops->subtract(res->source->session, &res->counter, res->op.cost, &value) ==
                RL_STORE_OK &&
            rl_tally_unpack(value, &left)) {
            if (left.incarnation == tally->incarnation) {
                close_if_empty(res, &left, 0);
                return left.total;
            }
            if (!rl_tally_is_closed(&left)) {
                rl_window_add(res, res->op.cost, &left);
            }
        }
    }
    return tally->total - res->op.cost;
}

/* Returns true if `used` units are in use, as far as can be told of a store that may still hold
 * units of requests that are denied: not if it holds more than can be in use, unless that has
 * lasted; and soon after such a request not if it holds something else than a moment ago. */
static bool is_sure(const rl_reservation_t *res, const rl_tally_t *tally, uint32_t left,
                    uint64_t used)
{
    const rl_doubt_e doubt = rl_doubt(res);
    const bool unchanged = res->not_added || left == tally->total - res->op.cost;
    return used <= rl_window_room(res)
               ? unchanged || doubt == RL_DOUBT || doubt == RL_LASTING_DOUBT
               : doubt == RL_LASTING_DOUBT;
}

/* Learns what is in use. It may be less than was known, which may contain units of such
 * requests as well. Less is believed only if nobody here has learned anything since before the
 * store was asked; then it needn't be sure. */
static void learn_use(const rl_reservation_t *res, const rl_tally_t *tally, uint32_t lacking,
                      uint64_t used, bool sure)
{
    if (used < res->known && lacking == 0 && rl_window_is_whole(res, tally)) {
        rl_window_lower(res, res->here, res->known, used);
    }
    if (sure) {
        rl_window_raise_known(res, used);
    }
    if (sure && res->not_added && rl_doubt(res) != RL_YOUNG_DOUBT) {
        rl_doubt_end(res);
    }
    else if (!sure) {
        rl_doubt_begin(res);
    }
}

/* Denies a reservation that doesn't fit. The total contains the units of other requests that
 * don't fit either, until each has taken its own off again. So the total after that decides,
 * and as long as it isn't sure, the key is to ask again in a second. Returns false if the cost
 * would fit by now. */
static bool shared_window_deny(const rl_reservation_t *res, const rl_tally_t *tally,
                               uint32_t lacking, rl_step_t *step)
{
    const uint32_t left = take_off(res, tally), owed = rl_debt_units(res);
    const uint64_t used = (uint64_t)left + lacking + (owed > res->owed ? owed : res->owed);
    learn_use(res, tally, lacking, used, is_sure(res, tally, left, used));
    describe_key(res, res->op.cost, step);
    step->window = res->here;
    step->stamp = rl_shared_window_stamp(tally->incarnation, res->counter.window);
    step->retry = step->granted ? res->op.now + RL_USEC_PER_SEC : step->retry;
    step->granted = false;
    return used + res->op.cost > rl_window_room(res);
}

static void set_granted(const rl_reservation_t *res, const rl_tally_t *tally, rl_step_t *step)
{
    describe_key(res, 0, step);
    step->window = res->here;
    step->stamp = rl_shared_window_stamp(tally->incarnation, res->counter.window);
    step->retry = res->op.now;
    step->granted = true;
}

/* window=first: if the reserved units are alone in a window that began before them and isn't
 * closed, because an answer was lost, closes it and returns MISSING. Returns OK if they are
 * reserved in a window that stays; else why the store gave no answer. */
static rl_store_status_e close_if_left_over(rl_reservation_t *res, const rl_tally_t *tally)
{
    rl_store_status_e status = RL_STORE_EXISTS;
    if (!res->created && !res->not_added && has_all(res, tally) &&
        tally->total == res->op.cost) {
        status = rl_window_close(res, tally->total);
    }
    if (status == RL_STORE_OK) {
        res->start = RL_START_CLOSED;
        return RL_STORE_MISSING;
    }
    return status == RL_STORE_EXISTS || status == RL_STORE_MISSING ? RL_STORE_OK : status;
}

/* Reserves once and decides. Returns OK; EXISTS if it is denied because of requests that are
 * denied, too, and would fit by now; MISSING, with window=first, if the window that the fleet
 * is in has to be found first; else why the store gave no answer. */
static rl_store_status_e charge_once(rl_reservation_t *res, rl_step_t *step)
{
    rl_tally_t tally;
    uint32_t lacking;
    rl_store_status_e status = rl_window_reserve(res, &tally);
    if (status == RL_STORE_OK && rl_reservation_is_first(res)) {
        status = close_if_left_over(res, &tally);
    }
    if (status != RL_STORE_OK) {
        return status;
    }
    if (rl_reservation_is_first(res)) {
        rl_window_settle(res, tally.total);
    }
    lacking = rl_window_reconcile(res, &tally);
    rl_window_pay(res, &tally);
    if (!window_has_room(res, tally.total + lacking)) {
        return shared_window_deny(res, &tally, lacking, step) ? RL_STORE_OK : RL_STORE_EXISTS;
    }
    rl_window_add_to_successor(res, &tally);
    if (res->careful && rl_doubt(res) != RL_YOUNG_DOUBT) {
        rl_doubt_end(res);
    }
    set_granted(res, &tally, step);
    return RL_STORE_OK;
}

/* Makes a few attempts in the reservation's window. */
static rl_store_status_e charge_window(rl_reservation_t *res, rl_step_t *step)
{
    rl_store_status_e status = learn_previous(res);
    res->careful = rl_doubt(res) != RL_NO_DOUBT;
    if (status == RL_STORE_OK) {
        status = charge_once(res, step);
    }
    for (int i = 1; i < CHARGE_TRIES && status == RL_STORE_EXISTS; i++) {
        res->careful = true;
        res->identity = rl_note(res, RL_NOTE_IDENTITY);
        res->owed = rl_debt_units(res);
        res->known = rl_window_known(res);
        status = charge_once(res, step);
    }
    return status == RL_STORE_EXISTS ? RL_STORE_OK : status;
}

/* window=first: finds the window in which the units are to be reserved. */
static rl_store_status_e find_window(rl_reservation_t *res)
{
    if (res->start == RL_START_CLOSED) {
        rl_window_note_closed(res, 0);
        res->identity = rl_note(res, RL_NOTE_IDENTITY);
        res->known = rl_window_known(res);
        return rl_window_start_find(res);
    }
    return res->known == 0 ? rl_window_start_find(res) : rl_window_start_confirm(res);
}

/* window=first: returns true if the counter of the window that is known here may be added to at
 * once. */
static bool is_agreed(const rl_reservation_t *res)
{
    return !rl_reservation_is_first(res) ||
           (res->known > 0 && rl_window_is_noted(res, res->identity));
}

static rl_store_status_e shared_window_charge(rl_reservation_t *res, rl_step_t *step)
{
    const bool first = rl_reservation_is_first(res);
    rl_store_status_e status = is_agreed(res) ? charge_window(res, step) : RL_STORE_MISSING;
    for (int i = 0; i < WINDOW_TRIES && first && status == RL_STORE_MISSING; i++) {
        status = find_window(res);
        if (status == RL_STORE_OK) {
            status = charge_window(res, step);
        }
    }
    return status == RL_STORE_MISSING ? RL_STORE_ERROR : status;
}

/* Foresees how the start is looked for, if it is read. */
static void foresee_start(const rl_reservation_t *res, rl_errand_t *errand)
{
    if (res->identity != 0) { /* else it is made at once */
        rl_window_start_foresee(res, errand);
    }
}

/* Foresees that the cost is added. A counter that isn't known here is made first, so that it is
 * certain that the units are in it; that of window=first must not be. */
static void foresee_addition(const rl_reservation_t *res, rl_errand_t *errand)
{
    const bool noted = rl_window_is_noted(res, res->identity);
    const unsigned incarnation = noted ? rl_identity_incarnation(res->identity) : 0;
    const rl_tally_t made = rl_window_made(res);
    if (incarnation != 0 || !rl_reservation_is_first(res)) {
        rl_errand_add(errand, &res->counter, res->op.cost,
                      incarnation == 0 ? rl_tally_pack(&made) : 0, incarnation);
    }
}

static void shared_window_foresee(rl_reservation_t *res, rl_errand_t *errand)
{
    if (!is_agreed(res)) {
        foresee_start(res, errand);
        return;
    }
    if (!previous_is_known(res)) {
        const rl_shared_counter_t previous = previous_counter(res);
        rl_errand_read(errand, &previous);
    }
    if (rl_doubt(res) != RL_NO_DOUBT || res->op.cost > RL_TALLY_COST_MAX) {
        rl_errand_read(errand, &res->counter);
    }
    else {
        foresee_addition(res, errand);
    }
    if (rl_reservation_is_first(res) && rl_contact_may_be_due(res->source->ledger, &res->op)) {
        rl_window_start_foresee(res, errand);
    }
}

/* Reads the debt first: if it is paid in between, the total contains it as well; in the other
 * order, neither might. */
static bool shared_window_fits_with_debt(rl_reservation_t *res)
{
    uint32_t owed = rl_debt_units(res);
    uint32_t total = rl_total_noted(res) + owed;
    rl_window_raise_known(res, total);
    for (int i = 0; i < WINDOW_TRIES && is_elsewhere(res); i++) {
        rl_debt_owe(res, res->op.cost); /* what was owed in the other window is forgotten */
        owed = rl_debt_units(res);
        total = rl_total_noted(res) + owed;
        rl_window_raise_known(res, total);
    }
    return total <= rl_window_room(res);
}

/* Returns true if units that were charged in one counter are in the one that answered: it is
 * the same counter, or was made or raised from what this server knew. */
static bool shared_window_holds(const rl_tally_t *tally, unsigned charged_in, unsigned noted)
{
    return charged_in == 0 || tally->incarnation == charged_in ||
           (tally->incarnation == noted && !rl_tally_is_cleared(noted));
}

/* window=first: takes units off. If they are the only ones, closes the window instead. Returns
 * false if it was closed before: they no longer count then. */
static bool first_window_refund(const rl_reservation_t *res)
{
    const uint32_t units = res->op.cost, known = rl_window_known(res);
    uint64_t value;
    rl_tally_t left;
    if (rl_window_is_closed(res)) {
        return false;
    }
    if (known > 0 && known <= units && rl_window_close(res, units) == RL_STORE_OK) {
        rl_window_note_closed(res, units);
        return true;
    }
    if (res->ops->subtract(res->source->session, &res->counter, units, &value) != RL_STORE_OK ||
        !rl_tally_unpack(value, &left)) {
        return true;
    }
    if (rl_tally_is_closed(&left)) {
        rl_window_note_closed(res, 0);
        return false;
    }
    close_if_empty(res, &left, units);
    return true;
}

static rl_refund_e shared_window_refund(rl_reservation_t *res, uint64_t stamp)
{
    const unsigned charged_in = (unsigned)(stamp >> 32);
    unsigned noted;
    res->identity = rl_note(res, RL_NOTE_IDENTITY);
    noted = rl_identity_incarnation(res->identity);
    if ((rl_tally_is_cleared(noted) && charged_in != noted && charged_in != 0) ||
        (rl_reservation_is_first(res) && !rl_window_recall(res))) {
        return RL_REFUND_VOID;
    }
    if (rl_debt_forgive(res, res->op.cost)) {
        return RL_REFUND_DONE;
    }
    rl_total_lower(res, res->op.cost);
    res->back = res->op.cost;
    return RL_REFUND_DUE;
}

static bool shared_window_take_back(rl_reservation_t *res, uint64_t stamp)
{
    const uint32_t units = res->op.cost;
    const unsigned charged_in = (unsigned)(stamp >> 32);
    const unsigned noted = rl_identity_incarnation(res->identity);
    rl_tally_t tally;
    uint64_t value = 0;
    if (rl_reservation_is_first(res)) {
        return first_window_refund(res);
    }
    if (res->ops->subtract(res->source->session, &res->counter, units, &value) == RL_STORE_OK &&
        rl_tally_unpack(value, &tally) && !shared_window_holds(&tally, charged_in, noted)) {
        rl_window_add(res, units, &tally); /* the units were never in this counter */
        return !rl_tally_is_cleared(tally.incarnation);
    }
    return true;
}

/* Lowers what is known here to what the store has: other servers have given units back, which
 * may be asked for again. */
static void shared_window_lower_known(const rl_reservation_t *res, const rl_tally_t *tally)
{
    const uint32_t owed = rl_debt_units(res);
    const uint32_t total = tally->total + (owed > res->owed ? owed : res->owed);
    if (tally->total <= rl_window_room(res)) {
        rl_total_note(res, tally->total);
    }
    if (total < res->known) {
        const rl_operation_t less =
            rl_operation_at_cost(&res->op, (uint32_t)res->known - total);
        rl_ledger_refund(res->source->ledger, &less, res->here);
    }
}

/* Learns what the counter's value tells. */
static void refresh_by_tally(rl_reservation_t *res, rl_tally_t *tally)
{
    if (rl_tally_is_closed(tally)) {
        rl_window_note_closed(res, 0);
    }
    else if (rl_window_reconcile(res, tally) == 0 && rl_window_is_whole(res, tally)) {
        rl_window_pay(res, tally);
        shared_window_lower_known(res, tally);
    }
}

static void shared_window_refresh(rl_reservation_t *res)
{
    uint64_t value;
    rl_tally_t tally;
    if (rl_reservation_is_first(res) &&
        (res->known == 0 || rl_window_start_confirm(res) != RL_STORE_OK)) {
        return;
    }
    switch (res->ops->read(res->source->session, &res->counter, &value)) {
    case RL_STORE_MISSING:
        if (rl_window_create(res, &tally) == RL_STORE_OK) {
            rl_window_pay(res, &tally);
        }
        break;
    case RL_STORE_OK:
        if (rl_tally_unpack(value, &tally)) {
            refresh_by_tally(res, &tally);
        }
        break;
    default:
        break;
    }
}

/* Finds out what the window's counter is asked for besides: the window before, or when the
 * window began. */
static rl_store_status_e learn_window(rl_reservation_t *res)
{
    if (!rl_reservation_is_first(res)) {
        return learn_previous(res);
    }
    return res->known == 0 ? rl_window_start_read(res) : rl_window_start_confirm(res);
}

static rl_store_status_e shared_window_learn(rl_reservation_t *res)
{
    uint64_t value = 0;
    rl_tally_t tally;
    uint32_t lacking;
    rl_store_status_e status = learn_window(res);
    if (status == RL_STORE_OK) {
        status = res->ops->read(res->source->session, &res->counter, &value);
    }
    if (status != RL_STORE_OK) {
        return status == RL_STORE_MISSING ? RL_STORE_OK : status;
    }
    if (!rl_tally_unpack(value, &tally)) {
        return RL_STORE_ERROR;
    }
    if (rl_tally_is_closed(&tally)) {
        rl_window_note_closed(res, 0);
        return RL_STORE_OK;
    }
    lacking = rl_window_reconcile(res, &tally);
    rl_window_pay(res, &tally);
    if (tally.total + lacking > rl_window_room(res) && rl_doubt(res) != RL_LASTING_DOUBT) {
        rl_doubt_begin(res);
    }
    else {
        rl_total_note(res, tally.total + lacking);
        rl_window_raise_known(res, (uint64_t)tally.total + lacking + rl_debt_units(res));
    }
    if (rl_window_is_whole(res, &tally)) {
        res->known = rl_window_known(res);
        shared_window_lower_known(res, &tally);
    }
    return RL_STORE_OK;
}

/* The counter's value once it is cleared. */
static uint64_t cleared_window(const rl_reservation_t *res)
{
    const rl_tally_t none = {.incarnation = res->source->incarnation | RL_TALLY_CLEARED};
    return rl_tally_pack(&none);
}

static bool shared_window_is_sliding(const rl_reservation_t *res)
{
    return res->op.meter.algorithm == RL_SLIDING_WINDOW;
}

static void shared_window_forget(rl_reservation_t *res, rl_errand_t *errand)
{
    const uint64_t identity = rl_identity(res, res->source->incarnation | RL_TALLY_CLEARED, 0);
    const rl_shared_counter_t previous = previous_counter(res);
    rl_debt_drop(res);
    rl_total_lower(res, UINT32_MAX);
    if (rl_reservation_is_first(res)) {
        rl_window_start_foresee_clear(res, errand);
        return;
    }
    if (!rl_window_is_past(res, res->identity)) {
        rl_note_swap(res, RL_NOTE_IDENTITY, res->identity, identity);
    }
    rl_errand_put(errand, &res->counter, cleared_window(res));
    if (shared_window_is_sliding(res)) {
        rl_errand_put(errand, &previous, cleared_window(res));
    }
}

static rl_store_status_e shared_window_clear(rl_reservation_t *res)
{
    const rl_shared_counter_t previous = previous_counter(res);
    rl_store_status_e status;
    if (rl_reservation_is_first(res)) {
        return rl_window_start_clear(res);
    }
    status = res->ops->put(res->source->session, &res->counter, cleared_window(res));
    return status == RL_STORE_OK && shared_window_is_sliding(res)
               ? res->ops->put(res->source->session, &previous, cleared_window(res))
               : status;
}

const rl_shared_ops_t rl_shared_window = {
    .foresee = shared_window_foresee,
    .charge = shared_window_charge,
    .fits_with_debt = shared_window_fits_with_debt,
    .refund = shared_window_refund,
    .take_back = shared_window_take_back,
    .refresh = shared_window_refresh,
    .learn = shared_window_learn,
    .forget = shared_window_forget,
    .clear = shared_window_clear,
};
