/* SPDX-License-Identifier: Apache-2.0 */
#include "debts.h"
#include "notes.h"
#include "shared_algorithm.h"
#include "window_counter.h"

/* Fixed and sliding windows. Each window of a key has a shared counter of its own, a tally
 * (core/meter/tally.h). Of a sliding window, a server's first request in a window also reads
 * the count of the window before, because other servers may have added to that after this one
 * last did. */

#define CHARGE_TRIES   3
#define IDENTITY_TRIES 32

static uint32_t at_most(uint64_t value, uint32_t most)
{
    return value < most ? (uint32_t)value : most;
}

/* Adds other units than the cost. The total that it sets contains the cost, whether that was
 * added or not. */
static rl_store_status_e add_more(const rl_reservation_t *res, uint64_t units,
                                  rl_tally_t *tally)
{
    const rl_store_status_e status = rl_window_add(res, units, tally);
    if (status == RL_STORE_OK && res->not_added) {
        tally->total += res->op.cost;
    }
    return status;
}

/* Adds what is owed, in an addition of its own and only to a store that has just answered: a
 * debt that went along with every attempt would be counted as often as an attempt times out.
 * The new total is noted before the debt is taken off, so that at any moment one of the two
 * tells of the units. What exceeds the limit isn't added: it would change nothing. */
static void shared_window_pay(rl_reservation_t *res, rl_tally_t *tally)
{
    const uint32_t limit = res->op.meter.limit;
    const uint32_t room = limit > tally->total ? limit - tally->total : 0;
    const uint32_t units = at_most(res->debt, room);
    rl_tally_t paid;
    if (units > 0 && add_more(res, units, &paid) == RL_STORE_OK) {
        rl_total_note(res, res->not_added ? paid.total - res->op.cost : paid.total);
        rl_debt_release(res, units);
        *tally = paid;
    }
    rl_debt_release(res, 0); /* does nothing once the debt is paid */
}

/* ---- which counter it is ---- */

static bool is_same_window(const rl_reservation_t *res, uint64_t identity)
{
    return rl_identity_is_of(identity, res->counter.window);
}

/* Returns true if a request with a later clock has already noted the counter of a later
 * window. */
static bool is_of_later_window(const rl_reservation_t *res, uint64_t identity)
{
    const uint32_t ahead = (uint32_t)(identity >> RL_IDENTITY_WINDOW) - res->counter.window;
    return identity != 0 && (int32_t)(ahead << (32 - RL_TALLY_BITS)) > 0;
}

static uint32_t seed_of(uint64_t identity)
{
    return (uint32_t)identity & ((1u << RL_TALLY_BITS) - 1);
}

static bool is_cleared(unsigned incarnation)
{
    return (incarnation & RL_TALLY_CLEARED) != 0;
}

/* Returns the seed that a counter other than the noted one should have, as far as this server
 * knows; 0 if it knows of none in this window. An identity without an incarnation is left by a
 * raise that got no answer and may have been carried out; then its seed says what to make up
 * for. */
static uint32_t seed_wanted(const rl_reservation_t *res, uint64_t identity)
{
    if (!is_same_window(res, identity)) {
        return 0;
    }
    return rl_identity_incarnation(identity) == 0 ? seed_of(identity) : rl_window_counted(res);
}

static void shared_window_lower_to(const rl_reservation_t *res, uint32_t window, uint64_t from,
                                   uint64_t to)
{
    const rl_correction_t correction = {.stamp = window, .from = from, .to = to};
    rl_ledger_lower(res->source->ledger, &res->op, &correction);
}

/* The counter was cleared on purpose: what is known here is outdated, and is lowered to what
 * the counter holds. */
static bool shared_window_accept_clear(const rl_reservation_t *res, uint64_t identity,
                                       const rl_tally_t *tally)
{
    const rl_ledger_t *ledger = res->source->ledger;
    const uint32_t known = rl_window_known(res);
    if (!rl_note_swap(res, RL_NOTE_IDENTITY, identity,
                      rl_identity(res, tally->incarnation, 0))) {
        return false;
    }
    rl_total_lower(res, UINT32_MAX);
    shared_window_lower_to(res, res->counter.window, known,
                           tally->total < known ? tally->total : known);
    if (res->op.meter.algorithm == RL_SLIDING_WINDOW) {
        const uint32_t before = res->counter.window - 1;
        shared_window_lower_to(res, before, rl_ledger_held(ledger, &res->op, before), 0);
    }
    return true;
}

/* Adds what the counter lacks. For the one thread that noted a counter made from too little.
 * Returns what it still lacks: 0, or `lacking` if the store didn't answer. */
static uint32_t raise_counter(const rl_reservation_t *res, uint32_t lacking, rl_tally_t *tally)
{
    const uint32_t seed = tally->seed + lacking;
    rl_tally_t raised;
    if (lacking == 0) {
        return 0;
    }
    if (add_more(res, rl_tally_raise(lacking), &raised) == RL_STORE_OK) {
        *tally = raised;
        return 0;
    }
    rl_note_swap(res, RL_NOTE_IDENTITY, rl_identity(res, tally->incarnation, seed),
                 rl_identity(res, 0, seed));
    return lacking;
}

/* Notes which counter answered, and makes good what it lacks. Returns the units that it still
 * lacks.
 *
 * If the counter is not the noted one, and was made by a server that knew less than this one,
 * the one thread that notices first adds the difference; if that fails, the next thread tries
 * again. What is known here may only be compared with a counter that no thread here has learned
 * from yet. So the identity is read once more after the known units. If the identity has
 * changed since the counter was asked, it names a later counter than the one that answered, and
 * nothing is done.
 */
static uint32_t shared_window_reconcile(rl_reservation_t *res, rl_tally_t *tally)
{
    const uint64_t before = res->identity;
    uint32_t lacking = 0;
    if (before == 0) {
        rl_window_raise_known(res, res->known); /* takes a cell for the key, where notes can
                                                 * be kept */
    }
    for (int i = 0; i < IDENTITY_TRIES; i++) {
        const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
        const bool noted = is_same_window(res, identity) &&
                           rl_identity_incarnation(identity) == tally->incarnation;
        if (is_of_later_window(res, identity) || (!noted && identity != before) ||
            (!noted && is_cleared(tally->incarnation) &&
             shared_window_accept_clear(res, identity, tally))) {
            return 0;
        }
        const uint32_t wanted = noted ? seed_of(identity) : seed_wanted(res, identity);
        const uint64_t next =
            rl_identity(res, tally->incarnation, wanted > tally->seed ? wanted : tally->seed);
        lacking = wanted > tally->seed ? wanted - tally->seed : 0;
        if (noted && next == identity) {
            return lacking;
        }
        if (rl_note(res, RL_NOTE_IDENTITY) == identity &&
            rl_note_swap(res, RL_NOTE_IDENTITY, identity, next)) {
            return noted ? 0 : raise_counter(res, lacking, tally);
        }
    }
    return lacking;
}

/* Returns true if this is the noted counter, and contains all that is known here. */
static bool is_whole(const rl_reservation_t *res, const rl_tally_t *tally)
{
    const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
    return is_same_window(res, identity) &&
           rl_identity_incarnation(identity) == tally->incarnation &&
           seed_of(identity) <= tally->seed;
}

/* Raises the noted counter if it isn't the one that the units were reserved in: that one has
 * been lost since, and whoever made the noted one could not know of the units yet. The total
 * says what its seed should be. */
static void shared_window_add_to_successor(const rl_reservation_t *res, const rl_tally_t *tally)
{
    for (int i = 0; i < IDENTITY_TRIES; i++) {
        const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
        const unsigned incarnation = rl_identity_incarnation(identity);
        rl_tally_t raised;
        if (!is_same_window(res, identity) || incarnation == tally->incarnation ||
            incarnation == 0 || is_cleared(incarnation) || seed_of(identity) >= tally->total) {
            return;
        }
        if (rl_note_swap(res, RL_NOTE_IDENTITY, identity,
                         rl_identity(res, incarnation, tally->total))) {
            rl_window_add(res, rl_tally_raise(tally->total - seed_of(identity)), &raised);
            return;
        }
    }
}

/* ---- the interface ---- */

/* Learns the count of the window before, once in each window of a sliding rule. Returns OK also
 * if nothing was counted in it. */
static rl_store_status_e learn_previous(const rl_reservation_t *res)
{
    rl_shared_counter_t previous = res->counter;
    rl_store_status_e status;
    rl_tally_t tally;
    uint64_t value;
    if (res->op.meter.algorithm != RL_SLIDING_WINDOW || is_same_window(res, res->identity)) {
        return RL_STORE_OK;
    }
    previous.window--;
    status = res->ops->read(res->source->session, &previous, &value);
    if (status == RL_STORE_OK && rl_tally_unpack(value, &tally)) {
        rl_ledger_raise(res->source->ledger, &res->op, previous.window,
                        at_most(tally.total, res->op.meter.limit));
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

/* Returns true if a reservation that the store has carried out is within the limit; `told` is
 * the total that the store told, and what the counter still lacks. What was granted without the
 * store meanwhile counts as well. A total that is denied is not noted: it won't last. */
static bool window_has_room(const rl_reservation_t *res, uint32_t told)
{
    uint32_t total;
    if (told > rl_window_room(res)) {
        return false;
    }
    rl_total_note(res, told);
    total = total_with_debts(res, told);
    if (total > rl_window_room(res)) {
        return false;
    }
    rl_window_raise_known(res, total);
    return true;
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
                return left.total;
            }
            rl_window_add(res, res->op.cost, &left);
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
    if (used < res->known && lacking == 0 && is_whole(res, tally)) {
        shared_window_lower_to(res, res->counter.window, res->known, used);
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
    step->window = res->counter.window;
    step->stamp = rl_shared_window_stamp(tally->incarnation, res->counter.window);
    step->retry = step->granted ? res->op.now + RL_USEC_PER_SEC : step->retry;
    step->granted = false;
    return used + res->op.cost > rl_window_room(res);
}

static void set_granted(const rl_reservation_t *res, const rl_tally_t *tally, rl_step_t *step)
{
    describe_key(res, 0, step);
    step->window = res->counter.window;
    step->stamp = rl_shared_window_stamp(tally->incarnation, res->counter.window);
    step->retry = res->op.now;
    step->granted = true;
}

/* Reserves once and decides. Returns OK; EXISTS if it is denied because of requests that are
 * denied, too, and would fit by now; else why the store gave no answer. */
static rl_store_status_e charge_once(rl_reservation_t *res, rl_step_t *step)
{
    rl_tally_t tally;
    uint32_t lacking;
    const rl_store_status_e status = rl_window_reserve(res, &tally);
    if (status != RL_STORE_OK) {
        return status;
    }
    lacking = shared_window_reconcile(res, &tally);
    shared_window_pay(res, &tally);
    if (!window_has_room(res, tally.total + lacking)) {
        return shared_window_deny(res, &tally, lacking, step) ? RL_STORE_OK : RL_STORE_EXISTS;
    }
    shared_window_add_to_successor(res, &tally);
    if (res->careful && rl_doubt(res) != RL_YOUNG_DOUBT) {
        rl_doubt_end(res);
    }
    set_granted(res, &tally, step);
    return RL_STORE_OK;
}

static rl_store_status_e shared_window_charge(rl_reservation_t *res, rl_step_t *step)
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

/* Reads the debt first: if it is paid in between, the total contains it as well; in the other
 * order, neither might. */
static bool shared_window_fits_with_debt(rl_reservation_t *res)
{
    const uint32_t owed = rl_debt_units(res);
    const uint32_t total = rl_total_noted(res) + owed;
    rl_window_raise_known(res, total);
    return total <= rl_window_room(res);
}

/* Returns true if units that were charged in one counter are in the one that answered: it is
 * the same counter, or was made or raised from what this server knew. */
static bool shared_window_holds(const rl_tally_t *tally, unsigned charged_in, unsigned noted)
{
    return charged_in == 0 || tally->incarnation == charged_in ||
           (tally->incarnation == noted && !is_cleared(noted));
}

static bool shared_window_refund(rl_reservation_t *res, uint64_t stamp)
{
    const uint32_t units = res->op.cost;
    const unsigned charged_in = (unsigned)(stamp >> 32);
    const unsigned noted = rl_identity_incarnation(rl_note(res, RL_NOTE_IDENTITY));
    rl_tally_t tally;
    uint64_t value = 0;
    if (is_cleared(noted) && charged_in != noted && charged_in != 0) {
        return false;
    }
    if (rl_debt_forgive(res, units)) {
        return true;
    }
    rl_total_lower(res, units);
    if (res->ops->subtract(res->source->session, &res->counter, units, &value) == RL_STORE_OK &&
        rl_tally_unpack(value, &tally) && !shared_window_holds(&tally, charged_in, noted)) {
        rl_window_add(res, units, &tally); /* the units were never in this counter */
        return !is_cleared(tally.incarnation);
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
        rl_ledger_refund(res->source->ledger, &less, res->counter.window);
    }
}

static void shared_window_refresh(rl_reservation_t *res)
{
    uint64_t value;
    rl_tally_t tally;
    switch (res->ops->read(res->source->session, &res->counter, &value)) {
    case RL_STORE_MISSING:
        if (rl_window_create(res, &tally) == RL_STORE_OK) {
            shared_window_pay(res, &tally);
        }
        break;
    case RL_STORE_OK:
        if (rl_tally_unpack(value, &tally) && shared_window_reconcile(res, &tally) == 0 &&
            is_whole(res, &tally)) {
            shared_window_pay(res, &tally);
            shared_window_lower_known(res, &tally);
        }
        break;
    default:
        break;
    }
}

static rl_store_status_e shared_window_learn(rl_reservation_t *res)
{
    uint64_t value = 0;
    rl_tally_t tally;
    uint32_t lacking;
    rl_store_status_e status = learn_previous(res);
    if (status == RL_STORE_OK) {
        status = res->ops->read(res->source->session, &res->counter, &value);
    }
    if (status != RL_STORE_OK) {
        return status == RL_STORE_MISSING ? RL_STORE_OK : status;
    }
    if (!rl_tally_unpack(value, &tally)) {
        return RL_STORE_ERROR;
    }
    lacking = shared_window_reconcile(res, &tally);
    shared_window_pay(res, &tally);
    if (tally.total + lacking > rl_window_room(res) && rl_doubt(res) != RL_LASTING_DOUBT) {
        rl_doubt_begin(res);
    }
    else {
        rl_total_note(res, tally.total + lacking);
        rl_window_raise_known(res, (uint64_t)tally.total + lacking + rl_debt_units(res));
    }
    if (is_whole(res, &tally)) {
        res->known = rl_window_known(res);
        shared_window_lower_known(res, &tally);
    }
    return RL_STORE_OK;
}

static rl_store_status_e clear_window(const rl_reservation_t *res, uint32_t window)
{
    const rl_tally_t none = {.incarnation = res->source->incarnation | RL_TALLY_CLEARED};
    rl_shared_counter_t counter = res->counter;
    counter.window = window;
    return res->ops->put(res->source->session, &counter, rl_tally_pack(&none));
}

static rl_store_status_e shared_window_clear(rl_reservation_t *res)
{
    rl_store_status_e status;
    const uint64_t identity = rl_identity(res, res->source->incarnation | RL_TALLY_CLEARED, 0);
    rl_debt_drop(res);
    rl_total_lower(res, UINT32_MAX);
    if (!is_of_later_window(res, res->identity)) {
        rl_note_swap(res, RL_NOTE_IDENTITY, res->identity, identity);
    }
    status = clear_window(res, res->counter.window);
    if (status == RL_STORE_OK && res->op.meter.algorithm == RL_SLIDING_WINDOW) {
        status = clear_window(res, res->counter.window - 1);
    }
    return status;
}

const rl_shared_ops_t rl_shared_window = {shared_window_charge, shared_window_fits_with_debt,
                                          shared_window_refund, shared_window_refresh,
                                          shared_window_learn,  shared_window_clear};
