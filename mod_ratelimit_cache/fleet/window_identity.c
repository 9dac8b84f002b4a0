/* SPDX-License-Identifier: Apache-2.0 */
#include "window_identity.h"

#include "debts.h"
#include "notes.h"
#include "window_counter.h"

#define IDENTITY_TRIES 32

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
 * tells of the units. What exceeds the limit isn't added: it would change nothing. If the key
 * has gone over to another counter meanwhile (window=first), the debt is owed to that. */
void rl_window_pay(rl_reservation_t *res, rl_tally_t *tally)
{
    const uint32_t limit = rl_meter_usual(&res->op.meter);
    const uint32_t room = limit > tally->total ? limit - tally->total : 0;
    const uint32_t units = res->debt < room ? res->debt : room;
    rl_tally_t paid;
    if (units > 0 && add_more(res, units, &paid) == RL_STORE_OK) {
        rl_total_note(res, res->not_added ? paid.total - res->op.cost : paid.total);
        rl_debt_release(res, units);
        if (rl_reservation_is_first(res) &&
            !rl_window_is_noted(res, rl_note(res, RL_NOTE_IDENTITY))) {
            rl_debt_owe(res, units);
        }
        *tally = paid;
    }
    rl_debt_release(res, 0); /* does nothing once the debt is paid */
}

/* ---- which counter it is ---- */

/* Returns true if a request with a later clock has already noted the counter of a later
 * window. */
bool rl_window_is_past(const rl_reservation_t *res, uint64_t identity)
{
    const uint32_t ahead = (uint32_t)(identity >> RL_IDENTITY_WINDOW) - res->counter.window;
    uint32_t later;
    if (rl_reservation_is_first(res)) {
        return identity != 0 && !rl_window_is_noted(res, identity) &&
               rl_reservation_is_superseded(res, &later);
    }
    return identity != 0 && (int32_t)(ahead << (32 - RL_TALLY_BITS)) > 0;
}

static uint32_t seed_of(uint64_t identity)
{
    return (uint32_t)identity & ((1u << RL_TALLY_BITS) - 1);
}

/* Returns the seed that a counter other than the noted one should have, as far as this server
 * knows; 0 if it knew of none in this window. (With window=first it knows by now what it has
 * reserved, see rl_window_settle().) An identity without an incarnation is left by a
 * raise that got no answer and may have been carried out; then its seed says what to make up
 * for. */
static uint32_t seed_wanted(const rl_reservation_t *res, uint64_t identity)
{
    if (!rl_window_is_noted(res, identity)) {
        return 0;
    }
    if (rl_identity_incarnation(identity) == 0) {
        return seed_of(identity);
    }
    return rl_reservation_is_first(res) && res->known == 0 ? 0 : rl_window_counted(res);
}

void rl_window_lower(const rl_reservation_t *res, uint32_t window, uint64_t from, uint64_t to)
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
    rl_window_lower(res, res->here, known, tally->total < known ? tally->total : known);
    if (res->op.meter.algorithm == RL_SLIDING_WINDOW) {
        const uint32_t before = res->counter.window - 1;
        rl_window_lower(res, before, rl_ledger_held(ledger, &res->op, before), 0);
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
uint32_t rl_window_reconcile(rl_reservation_t *res, rl_tally_t *tally)
{
    const uint64_t before = res->identity;
    uint32_t lacking = 0;
    if (before == 0) {
        rl_window_raise_known(res, res->known); /* takes a cell for the key, where notes can
                                                 * be kept */
    }
    for (int i = 0; i < IDENTITY_TRIES; i++) {
        const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
        const bool noted = rl_window_is_noted(res, identity) &&
                           rl_identity_incarnation(identity) == tally->incarnation;
        if (rl_window_is_past(res, identity) || (!noted && identity != before) ||
            (!noted && rl_tally_is_cleared(tally->incarnation) &&
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
bool rl_window_is_whole(const rl_reservation_t *res, const rl_tally_t *tally)
{
    const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
    return rl_window_is_noted(res, identity) &&
           rl_identity_incarnation(identity) == tally->incarnation &&
           seed_of(identity) <= tally->seed;
}

/* Raises the noted counter if it isn't the one that the units were reserved in: that one has
 * been lost since, and whoever made the noted one could not know of the units yet. The total
 * says what its seed should be. */
void rl_window_add_to_successor(const rl_reservation_t *res, const rl_tally_t *tally)
{
    for (int i = 0; i < IDENTITY_TRIES; i++) {
        const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
        const unsigned incarnation = rl_identity_incarnation(identity);
        rl_tally_t raised;
        if (!rl_window_is_noted(res, identity) || incarnation == tally->incarnation ||
            incarnation == 0 || rl_tally_is_cleared(incarnation) ||
            seed_of(identity) >= tally->total) {
            return;
        }
        if (rl_note_swap(res, RL_NOTE_IDENTITY, identity,
                         rl_identity(res, incarnation, tally->total))) {
            rl_window_add(res, rl_tally_raise(tally->total - seed_of(identity)), &raised);
            return;
        }
    }
}
