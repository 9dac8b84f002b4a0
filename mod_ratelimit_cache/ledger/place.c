/* SPDX-License-Identifier: Apache-2.0 */
/* Takes cells for keys, keeps them, and takes them away again. The reasons for the steps are in
 * cell.h. */
#include "place.h"

#include "evict.h"

static const rl_place_t nowhere;

/* ---- finding ---- */

rl_place_t rl_place_find_further(const rl_ledger_t *ledger, const rl_digest_t *key)
{
    rl_path_t path;
    rl_cell_t *cell;
    path_begin(&path, ledger, key);
    path_next(&path);
    while ((cell = path_next(&path)) != NULL) {
        const uint64_t id = cell_load_id(cell);
        if (id_is_of(id, key)) {
            return (rl_place_t){cell, id};
        }
        if (id == ID_UNUSED) {
            break;
        }
    }
    return nowhere;
}

/* ---- ids ---- */

/* Returns the id that hands a cell over: to a key's bid, or with tag 0 to nobody. */
static uint64_t handed_over(uint64_t id, uint64_t tag)
{
    return tag | ((id + GEN_ONE) & GEN) | BID;
}

static uint64_t guarded(uint64_t id)
{
    return (id & ~GUARD) | ((id + GUARD_ONE) & GUARD);
}

/* Swaps the id of a place. Returns false, and changes nothing, if another request was
 * faster. */
static bool place_swap_id(rl_place_t *place, uint64_t id)
{
    uint64_t expected = place->id;
    if (!atomic_compare_exchange_strong(&place->cell->id, &expected, id)) {
        return false;
    }
    place->id = id;
    return true;
}

/* ---- life and eviction ---- */

bool rl_place_prolong(rl_place_t *place, const rl_operation_t *op, const rl_step_t *step)
{
    uint64_t life = atomic_load_explicit(&place->cell->life, memory_order_relaxed);
    const uint64_t next = guarded(place->id);
    if ((life & LIFE_STATE) == (place->id & LIFE_STATE)) {
        const uint64_t due = life_after(life & ~LIFE_STATE, op, step);
        if (due == (life & ~LIFE_STATE)) {
            return true;
        }
        if (!atomic_compare_exchange_strong_explicit(
                &place->cell->life, &life, due | (next & LIFE_STATE), memory_order_relaxed,
                memory_order_relaxed)) {
            return false;
        }
    }
    else if ((life & LIFE_STATE) != (next & LIFE_STATE)) {
        return false;
    }
    place_swap_id(place, next);
    return false;
}

/* Gives a cell that was bid for its first life, unless it has one. Returns false if the bid has
 * gone. */
static bool place_enliven(const rl_place_t *bid, const rl_operation_t *op, int64_t expires)
{
    const uint64_t first = life_first(op, expires) | (bid->id & LIFE_STATE);
    for (unsigned i = 0; i < RL_TRIES; i++) {
        uint64_t life = atomic_load(&bid->cell->life);
        if (cell_load_id(bid->cell) != bid->id) {
            break;
        }
        if (((life ^ bid->id) & GEN) == 0 ||
            atomic_compare_exchange_strong(&bid->cell->life, &life, first)) {
            return true;
        }
        cell_stand_back(bid->cell, i);
    }
    return false;
}

/* Chooses where a key without a cell goes on: in a cell that has become the key's since, even
 * if there is only a bid for it; or else in the cell that is the least loss. */
static rl_place_t place_choose(const rl_ledger_t *ledger, const rl_operation_t *op)
{
    const uint64_t wanted = key_tag(&op->ledger_key);
    rl_survey_t survey;
    rl_path_t path;
    rl_cell_t *cell;
    path_begin(&path, ledger, &op->ledger_key);
    rl_survey_begin(&survey, ledger, op);
    while ((cell = path_next(&path)) != NULL) {
        const uint64_t id = cell_load_id(cell);
        if ((id & TAG) == wanted) {
            return (rl_place_t){cell, id};
        }
        rl_survey_add(&survey, cell, id);
        if (id == ID_UNUSED) {
            break;
        }
    }
    return rl_survey_choose(&survey);
}

/* ---- one cell per key ---- */

/* Walks the path of a bid and removes bids further along it. Returns the bid's own place if the
 * bid stands; another place that the key has; or nowhere if the walk must be done again. The
 * other place may be one that no search came to before: see "gap" in sweep.c. */
static rl_place_t place_walk(const rl_ledger_t *ledger, const rl_digest_t *key,
                             const rl_place_t *bid)
{
    bool passed = false;
    rl_path_t path;
    rl_place_t other;
    path_begin(&path, ledger, key);
    while ((other.cell = path_next(&path)) != NULL) {
        other.id = cell_load_id(other.cell);
        if (other.id == ID_UNUSED) {
            break;
        }
        if (other.cell == bid->cell) {
            passed = true;
        }
        else if ((other.id & TAG) != key_tag(key)) {
            continue;
        }
        else if (!passed || (other.id & BID) == 0) {
            return other;
        }
        else if (!place_swap_id(&other, handed_over(other.id, 0))) {
            return nowhere;
        }
    }
    return *bid;
}

/* Wipes what a former owner left in a word. What stands there while nobody but a bid has the
 * cell is not the key's. If the bid has become the key's cell meanwhile, the swap fails. */
static void place_wipe(const rl_place_t *bid, _Atomic uint64_t *word)
{
    uint64_t left = atomic_load(word);
    if (left != 0 && cell_load_id(bid->cell) == bid->id) {
        atomic_compare_exchange_strong(word, &left, 0);
    }
}

/* Makes a bid the key's cell, or gives it up for another that the key has. Returns the key's
 * cell, or nowhere if the bid was lost or must be tried again. */
static rl_place_t place_establish(const rl_ledger_t *ledger, const rl_operation_t *op,
                                  rl_place_t bid, int64_t expires)
{
    rl_place_t place = place_walk(ledger, &op->ledger_key, &bid);
    if (place.cell == NULL) {
        return nowhere;
    }
    if (place.cell != bid.cell) {
        place_swap_id(&bid, handed_over(bid.id, 0));
        return (place.id & BID) == 0 ? place : nowhere;
    }
    for (int i = 0; i < RL_METER_WORDS; i++) {
        place_wipe(&bid, &bid.cell->word[i]);
    }
    place_wipe(&bid, &bid.cell->denials);
    for (int i = 0; i < RL_LEDGER_NOTES; i++) {
        place_wipe(&bid, &bid.cell->note[i]);
    }
    return place_enliven(&bid, op, expires) && place_swap_id(&bid, bid.id & ~BID) ? bid
                                                                                  : nowhere;
}

static bool place_is_needed(const rl_place_t *place, int64_t now)
{
    const uint64_t life = atomic_load_explicit(&place->cell->life, memory_order_relaxed);
    return (place->id & TAG) != 0 && life_left(life, moment_of(now)) > 0;
}

/* Swaps the place's id for a bid with this tag. Returns false if another request was faster. */
static bool place_bid(const rl_ledger_t *ledger, rl_place_t *place, uint64_t tag, int64_t now)
{
    const bool evicts = ledger->evictions != NULL && place_is_needed(place, now);
    if (!place_swap_id(place, handed_over(place->id, tag))) {
        return false;
    }
    if (evicts) {
        rl_striped_add(ledger->evictions, 1);
    }
    return true;
}

rl_place_t rl_place_take(const rl_ledger_t *ledger, const rl_operation_t *op, int64_t expires)
{
    const uint64_t tag = key_tag(&op->ledger_key);
    for (unsigned i = 0; i < RL_TRIES; i++) {
        rl_place_t place = place_choose(ledger, op);
        if (place.cell == NULL) {
            break;
        }
        if ((place.id & TAG) == tag || place_bid(ledger, &place, tag, op->now)) {
            if ((place.id & BID) != 0) {
                place = place_establish(ledger, op, place, expires);
            }
            if (place.cell != NULL) {
                return place;
            }
        }
        rl_back_off(i);
    }
    return nowhere;
}
