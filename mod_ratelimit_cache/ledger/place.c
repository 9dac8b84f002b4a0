/* SPDX-License-Identifier: Apache-2.0 */
/* Takes cells for keys, keeps them, and takes them away again. The reasons for the steps are in
 * cell.h. */
#include "place.h"

/* Seconds from the end of its window after which a cell counts as expired: a request that read
 * the clock before the end may still be under way. */
#define GRACE_SEC 1

#define TAKE_TRIES 64

static const rl_place_t nowhere;

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

static uint64_t make_life(int64_t expires, bool full)
{
    const uint64_t seconds = (uint64_t)((expires + RL_USEC_PER_SEC - 1) / RL_USEC_PER_SEC);
    return (seconds + GRACE_SEC) << 32 | (full ? LIFE_FULL : 0);
}

/* Returns the one of a cell's two lives that protects it longer; never less than either. */
static uint64_t longer_life(uint64_t a, uint64_t b)
{
    if (a >> 32 == b >> 32) {
        return a | (b & LIFE_FULL);
    }
    return a > b ? a : b;
}

bool rl_place_cover(rl_place_t *place, const rl_step_t *step, uint32_t quota)
{
    uint64_t life = atomic_load_explicit(&place->cell->life, memory_order_acquire);
    const uint64_t next = guarded(place->id);
    const uint64_t due =
        longer_life(life & ~LIFE_STATE, make_life(step->expires, step->used >= quota));
    if ((life & LIFE_STATE) == (place->id & LIFE_STATE)) {
        if (due == (life & ~LIFE_STATE)) {
            return true;
        }
        if (!atomic_compare_exchange_strong(&place->cell->life, &life,
                                            due | (next & LIFE_STATE))) {
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
static bool place_enliven(const rl_place_t *bid, int64_t expires)
{
    const uint64_t first = make_life(expires, false) | (bid->id & LIFE_STATE);
    for (int i = 0; i < CAS_TRIES; i++) {
        uint64_t life = atomic_load(&bid->cell->life);
        if (cell_load_id(bid->cell) != bid->id) {
            break;
        }
        if (((life ^ bid->id) & GEN) == 0 ||
            atomic_compare_exchange_strong(&bid->cell->life, &life, first)) {
            return true;
        }
    }
    return false;
}

/* Returns what a cell is worth: 0, the best to take, if it is vacant or expired. Other cells
 * come in the order of their expiry, those at their limit after all others. */
static uint64_t cell_worth(rl_cell_t *cell, uint64_t id, int64_t now)
{
    const uint64_t seconds = (uint64_t)now / (uint64_t)RL_USEC_PER_SEC;
    uint64_t life, expires;
    if ((id & TAG) == 0) {
        return 0;
    }
    life = atomic_load_explicit(&cell->life, memory_order_acquire);
    expires = life >> 32;
    if (expires <= seconds || expires > seconds + CELL_LIFE_MAX_SEC) {
        return 0;
    }
    return (life & LIFE_FULL) << 32 | expires;
}

/* Chooses where a key without a cell goes on: in a cell that has become the key's since, even
 * if there is only a bid for it; or else in the best cell to take. */
static rl_place_t place_choose(const rl_ledger_t *ledger, const rl_digest_t *key, int64_t now)
{
    rl_place_t best = nowhere;
    uint64_t least = UINT64_MAX;
    rl_path_t path;
    rl_cell_t *cell;
    path_begin(&path, ledger, key);
    while ((cell = path_next(&path)) != NULL) {
        const uint64_t id = cell_load_id(cell);
        const uint64_t worth = cell_worth(cell, id, now);
        if ((id & TAG) == key_tag(key)) {
            return (rl_place_t){cell, id};
        }
        if (worth < least) {
            best = (rl_place_t){cell, id};
            least = worth;
        }
        if (id == ID_UNUSED) {
            break;
        }
    }
    return best;
}

/* ---- one cell per key ---- */

/* Walks the path of a bid and removes bids further along it. Returns the bid's own place if the
 * bid stands; another place that the key has; or nowhere if the walk must be done again. */
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
static rl_place_t place_establish(const rl_ledger_t *ledger, const rl_digest_t *key,
                                  rl_place_t bid, int64_t expires)
{
    rl_place_t place = place_walk(ledger, key, &bid);
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
    return place_enliven(&bid, expires) && place_swap_id(&bid, bid.id & ~BID) ? bid : nowhere;
}

rl_place_t rl_place_take(const rl_ledger_t *ledger, const rl_digest_t *key, int64_t now,
                         int64_t expires)
{
    for (int i = 0; i < TAKE_TRIES; i++) {
        rl_place_t place = place_choose(ledger, key, now);
        if ((place.id & TAG) != key_tag(key) &&
            !place_swap_id(&place, handed_over(place.id, key_tag(key)))) {
            continue;
        }
        if ((place.id & BID) != 0) {
            place = place_establish(ledger, key, place, expires);
        }
        if (place.cell != NULL) {
            return place;
        }
    }
    return nowhere;
}
