/* SPDX-License-Identifier: Apache-2.0 */
#include "debts.h"
#include "notes.h"
#include "shared_algorithm.h"

/* Fixed and sliding windows. Each window of a key has a shared counter of its own, a tally
 * (core/meter/tally.h). Of a sliding window, a server's first request in a window also reads
 * the count of the window before, because other servers may have added to that after this one
 * last did. */

#define REPLACE_TRIES  8
#define IDENTITY_TRIES 32

static uint32_t at_most(uint64_t value, uint32_t most)
{
    return value < most ? (uint32_t)value : most;
}

/* Returns the units that this server knows to be in use; other threads may have learned more
 * since the reservation began. */
static uint32_t shared_window_known_now(const rl_reservation_t *res)
{
    return (uint32_t)rl_ledger_held(res->source->ledger, &res->op, res->counter.window);
}

/* Returns what the store has counted as far as this server knows: without debts, which are paid
 * separately. The debt is read first, so that one which is being made meanwhile counts twice
 * rather than not at all. */
static uint32_t counted_in_store(const rl_reservation_t *res)
{
    const uint32_t owed = rl_debt_units(res), known = shared_window_known_now(res);
    return known > owed ? known - owed : 0;
}

/* Makes the counter from what is known here plus what is being reserved. */
static rl_store_status_e shared_window_create(rl_reservation_t *res, rl_tally_t *tally)
{
    const uint32_t seed = at_most(counted_in_store(res), RL_TALLY_LIMIT);
    *tally = (rl_tally_t){
        .incarnation = res->source->incarnation, .seed = seed, .total = seed + res->op.cost};
    return res->ops->create(res->source->session, &res->counter, rl_tally_pack(tally));
}

static rl_store_status_e shared_window_add(const rl_reservation_t *res, uint64_t units,
                                           rl_tally_t *tally)
{
    uint64_t value;
    const rl_store_status_e status =
        res->ops->add(res->source->session, &res->counter, units, &value);
    if (status == RL_STORE_OK && !rl_tally_unpack(value, tally)) {
        /* the value is none that this module wrote */
        res->ops->subtract(res->source->session, &res->counter, units, &value);
        return RL_STORE_ERROR;
    }
    return status;
}

/* Adds a large cost by read and replace, so that it is added only if it fits. */
static rl_store_status_e add_fitting(rl_reservation_t *res, rl_tally_t *tally)
{
    rl_store_status_e status = RL_STORE_EXISTS;
    uint64_t value;
    for (int i = 0; i < REPLACE_TRIES && status == RL_STORE_EXISTS; i++) {
        status = res->ops->read(res->source->session, &res->counter, &value);
        if (status != RL_STORE_OK) {
            return status;
        }
        if (!rl_tally_unpack(value, tally)) {
            return RL_STORE_ERROR;
        }
        tally->total += res->op.cost;
        res->not_added = tally->total > res->op.meter.limit;
        if (!res->not_added) {
            status =
                res->ops->replace(res->source->session, &res->counter, value + res->op.cost);
        }
    }
    return status == RL_STORE_EXISTS ? RL_STORE_ERROR : status;
}

static rl_store_status_e add_cost(rl_reservation_t *res, rl_tally_t *tally)
{
    return res->op.cost > RL_TALLY_COST_MAX ? add_fitting(res, tally)
                                            : shared_window_add(res, res->op.cost, tally);
}

/* Reserves the cost. One round trip; three for the first request in a window. */
static rl_store_status_e shared_window_reserve(rl_reservation_t *res, rl_tally_t *tally)
{
    rl_store_status_e status = add_cost(res, tally);
    if (status == RL_STORE_MISSING) {
        status = shared_window_create(res, tally);
        if (status == RL_STORE_EXISTS) {
            status = add_cost(res, tally);
        }
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
    if (units > 0 && shared_window_add(res, units, &paid) == RL_STORE_OK) {
        rl_total_note(res, paid.total);
        rl_debt_release(res, units);
        *tally = paid;
    }
    rl_debt_release(res, 0); /* does nothing once the debt is paid */
}

/* Raises what this server knows to this total. */
static void shared_window_raise_known(const rl_reservation_t *res, uint64_t total)
{
    rl_ledger_raise(res->source->ledger, &res->op, res->counter.window,
                    at_most(total, res->op.meter.limit));
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
    return rl_identity_incarnation(identity) == 0 ? seed_of(identity) : counted_in_store(res);
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
    const uint32_t known = shared_window_known_now(res);
    if (!rl_note_swap(res, RL_NOTE_IDENTITY, identity,
                      rl_identity(res, tally->incarnation, 0))) {
        return false;
    }
    rl_total_less(res, UINT32_MAX);
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
    if (shared_window_add(res, rl_tally_raise(lacking), &raised) == RL_STORE_OK) {
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
        shared_window_raise_known(res, res->known); /* takes a cell for the key, where notes can
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
            shared_window_add(res, rl_tally_raise(tally->total - seed_of(identity)), &raised);
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

/* Returns what the units of this window alone may come to at this moment. */
static uint32_t room_now(const rl_reservation_t *res)
{
    const rl_operation_t nothing = rl_operation_at_cost(&res->op, 0);
    rl_step_t step;
    rl_ledger_peek(res->source->ledger, &nothing, &step);
    return step.window == res->counter.window ? step.room : res->op.meter.limit;
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

/* Decides about a reservation that the store has carried out: grants it if it is within the
 * limit; else gives it back. Remembers what is known now. What the counter still lacks, and
 * what was granted without the store meanwhile, counts as well. */
static void shared_window_spend(const rl_reservation_t *res, const rl_tally_t *tally,
                                uint32_t lacking, rl_step_t *step)
{
    uint64_t value;
    rl_total_note(res, tally->total + lacking);
    const uint32_t total = total_with_debts(res, tally->total + lacking);
    const bool granted = total <= room_now(res);
    shared_window_raise_known(res, granted ? total : total - res->op.cost);
    if (granted) {
        shared_window_add_to_successor(res, tally);
    }
    if (!granted && !res->not_added) {
        res->ops->subtract(res->source->session, &res->counter, res->op.cost, &value);
    }
    describe_key(res, granted ? 0 : res->op.cost, step);
    step->window = res->counter.window;
    step->stamp = rl_shared_window_stamp(tally->incarnation, res->counter.window);
    step->retry = granted ? res->op.now : step->granted ? step->reset : step->retry;
    step->granted = granted;
}

static rl_store_status_e shared_window_charge(rl_reservation_t *res, rl_step_t *step)
{
    rl_tally_t tally;
    rl_store_status_e status = learn_previous(res);
    uint32_t lacking;
    if (status == RL_STORE_OK) {
        status = shared_window_reserve(res, &tally);
    }
    if (status != RL_STORE_OK) {
        return status;
    }
    lacking = shared_window_reconcile(res, &tally);
    shared_window_pay(res, &tally);
    shared_window_spend(res, &tally, lacking, step);
    return RL_STORE_OK;
}

/* Reads the debt first: if it is paid in between, the total contains it as well; in the other
 * order, neither might. */
static bool shared_window_fits_with_debt(rl_reservation_t *res)
{
    const uint32_t owed = rl_debt_units(res);
    const uint32_t total = rl_total_noted(res) + owed;
    shared_window_raise_known(res, total);
    return total <= room_now(res);
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
    rl_total_less(res, units);
    if (res->ops->subtract(res->source->session, &res->counter, units, &value) == RL_STORE_OK &&
        rl_tally_unpack(value, &tally) && !shared_window_holds(&tally, charged_in, noted)) {
        shared_window_add(res, units, &tally); /* the units were never in this counter */
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
    rl_total_note(res, tally->total);
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
        if (shared_window_create(res, &tally) == RL_STORE_OK) {
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
    rl_total_note(res, tally.total + lacking);
    shared_window_raise_known(res, (uint64_t)tally.total + lacking + rl_debt_units(res));
    if (is_whole(res, &tally)) {
        res->known = shared_window_known_now(res);
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
    rl_total_less(res, UINT32_MAX);
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
