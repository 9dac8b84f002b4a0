#include "ledger.h"

#include <string.h>

#include "ledger_cell.h"

/* A cell counts as expired this long after its window's end: a request that read the clock
 * before may still be under way. */
#define GRACE_SEC 1

/* No cell lives this long: its expiry comes from a clock that was set back since. */
#define LIFE_MAX_SEC (UINT64_C(400) * 86400)

/* Other requests may win a compare-and-swap this often in a row before we give up; each time
 * means that another one made progress. */
#define CAS_TRIES   1000
#define CLAIM_TRIES 64
#define MOVE_TRIES  8

/* A cell, and the id that was in it. */
typedef struct rl_place {
    rl_cell_t *cell; /* NULL: none */
    uint64_t id;
} rl_place_t;

static const rl_place_t nowhere;

/* Rounds the number of groups down to one without a factor below GROUPS_TRIED, so that no path
 * comes to the same group twice: n × step ≡ 0 (mod groups) has no solution for 0 < n <
 * GROUPS_TRIED and 0 < step < groups. */
void rl_ledger_open(rl_ledger_t *ledger, void *memory, size_t size)
{
    uint32_t groups = (uint32_t)(size / (sizeof(rl_cell_t) * GROUP_CELLS));
    while (groups > GROUPS_TRIED && (groups % 2 == 0 || groups % 3 == 0 || groups % 5 == 0 ||
                                     groups % 7 == 0 || groups % 11 == 0)) {
        groups--;
    }
    ledger->cells = memory;
    ledger->groups = groups;
}

size_t rl_ledger_capacity(const rl_ledger_t *ledger)
{
    return (size_t)ledger->groups * GROUP_CELLS;
}

/* ---- ids ---- */

static uint64_t tag_of(const rl_digest_t *key)
{
    const uint64_t tag = key->lo & TAG;
    return tag != 0 ? tag : TAG_ONE;
}

static uint64_t load_id(rl_cell_t *cell)
{
    return atomic_load_explicit(&cell->id, memory_order_seq_cst);
}

/* Whether the cell is still in the hands of who had it; its guard may have moved. */
static bool is_still(rl_cell_t *cell, uint64_t id)
{
    return ((load_id(cell) ^ id) & ~GUARD) == 0;
}

/* The id that hands a cell over: to a key's claim, or to nobody by tag 0. */
static uint64_t handed_over(uint64_t id, uint64_t tag)
{
    return tag | ((id + GEN_ONE) & GEN) | CLAIMED;
}

static uint64_t guarded(uint64_t id)
{
    return (id & ~GUARD) | ((id + GUARD_ONE) & GUARD);
}

/* Swaps the id of a place; where another request was faster nothing happens. */
static bool swap_id(rl_place_t *place, uint64_t id)
{
    uint64_t expected = place->id;
    if (!atomic_compare_exchange_strong(&place->cell->id, &expected, id)) {
        return false;
    }
    place->id = id;
    return true;
}

static rl_place_t find(const rl_ledger_t *ledger, const rl_digest_t *key)
{
    const uint64_t wanted = tag_of(key);
    rl_path_t path;
    rl_cell_t *cell;
    path_begin(&path, ledger, key);
    while ((cell = path_next(&path)) != NULL) {
        const uint64_t id = load_id(cell);
        if ((id & (TAG | CLAIMED)) == wanted) {
            return (rl_place_t){cell, id};
        }
        if (id == ID_UNUSED) {
            break;
        }
    }
    return nowhere;
}

/* ---- words ---- */

static uint64_t masked(const rl_digest_t *key, uint64_t word)
{
    return word == 0 ? 0 : word ^ key->hi;
}

/* Word 0 before word 1: sliding windows rely on it. */
static void load_words(rl_cell_t *cell, uint64_t raw[RL_METER_WORDS])
{
    for (int i = 0; i < RL_METER_WORDS; i++) {
        raw[i] = atomic_load_explicit(&cell->word[i], memory_order_acquire);
    }
}

static void unmask_words(const rl_digest_t *key, const uint64_t raw[RL_METER_WORDS],
                         uint64_t words[RL_METER_WORDS])
{
    for (int i = 0; i < RL_METER_WORDS; i++) {
        words[i] = masked(key, raw[i]);
    }
}

/* Applies a step to the words it was computed from; false when another request was faster. */
static bool apply(rl_cell_t *cell, const rl_digest_t *key, const uint64_t raw[RL_METER_WORDS],
                  const rl_step_t *step)
{
    uint64_t expected;
    if (step->word < 0) {
        return true;
    }
    expected = raw[step->word];
    return atomic_compare_exchange_strong(&cell->word[step->word], &expected,
                                          masked(key, step->value));
}

/* ---- life and eviction ---- */

static uint64_t make_life(int64_t expires, bool full)
{
    const uint64_t seconds = (uint64_t)((expires + RL_USEC_PER_SEC - 1) / RL_USEC_PER_SEC);
    return (seconds + GRACE_SEC) << 32 | (full ? LIFE_FULL : 0);
}

/* Of two lives of a cell the one that protects it longer; never less than either. */
static uint64_t longer_life(uint64_t a, uint64_t b)
{
    if (a >> 32 == b >> 32) {
        return a | (b & LIFE_FULL);
    }
    return a > b ? a : b;
}

/* Sees to it that the cell's life covers what a step is about to do; see "Eviction against
 * charging". False when something had to be changed first: look at the cell again. */
static bool covers(rl_place_t *place, const rl_step_t *step, uint32_t limit)
{
    uint64_t life = atomic_load_explicit(&place->cell->life, memory_order_acquire);
    const uint64_t next = guarded(place->id);
    const uint64_t due =
        longer_life(life & ~LIFE_STATE, make_life(step->expires, step->used >= limit));
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
    swap_id(place, next);
    return false;
}

/* Gives a claimed cell its first life, unless somebody did; false when the claim has gone. */
static bool enliven(const rl_place_t *claim, int64_t expires)
{
    const uint64_t first = make_life(expires, false) | (claim->id & LIFE_STATE);
    for (int i = 0; i < CAS_TRIES; i++) {
        uint64_t life = atomic_load(&claim->cell->life);
        if (load_id(claim->cell) != claim->id) {
            break;
        }
        if (((life ^ claim->id) & GEN) == 0 ||
            atomic_compare_exchange_strong(&claim->cell->life, &life, first)) {
            return true;
        }
    }
    return false;
}

/* Orders cells by how well we can do without them; 0 is best: vacant or expired. Cells at
 * their limit come after all others, each kind by the time of its expiry. */
static uint64_t worth_of(rl_cell_t *cell, uint64_t id, int64_t now)
{
    const uint64_t seconds = (uint64_t)now / (uint64_t)RL_USEC_PER_SEC;
    uint64_t life, expires;
    if ((id & TAG) == 0) {
        return 0;
    }
    life = atomic_load_explicit(&cell->life, memory_order_acquire);
    expires = life >> 32;
    if (expires <= seconds || expires > seconds + LIFE_MAX_SEC) {
        return 0;
    }
    return (life & LIFE_FULL) << 32 | expires;
}

/* Where a key that has no cell should go on: a cell that is the key's already, also one that
 * is only claimed; else the cell to take. */
static rl_place_t choose(const rl_ledger_t *ledger, const rl_digest_t *key, int64_t now)
{
    rl_place_t best = nowhere;
    uint64_t least = UINT64_MAX;
    rl_path_t path;
    rl_cell_t *cell;
    path_begin(&path, ledger, key);
    while ((cell = path_next(&path)) != NULL) {
        const uint64_t id = load_id(cell);
        const uint64_t worth = worth_of(cell, id, now);
        if ((id & TAG) == tag_of(key)) {
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

/* Walks the path of a claim and clears it of later claims. Returns the claim's own place when
 * it may stand; another that the key has; or nowhere when the claim must be thought over. */
static rl_place_t walk(const rl_ledger_t *ledger, const rl_digest_t *key,
                       const rl_place_t *claim)
{
    bool passed = false;
    rl_path_t path;
    rl_place_t other;
    path_begin(&path, ledger, key);
    while ((other.cell = path_next(&path)) != NULL) {
        other.id = load_id(other.cell);
        if (other.id == ID_UNUSED) {
            break;
        }
        if (other.cell == claim->cell) {
            passed = true;
        }
        else if ((other.id & TAG) != tag_of(key)) {
            continue;
        }
        else if (!passed || (other.id & CLAIMED) == 0) {
            return other;
        }
        else if (!swap_id(&other, handed_over(other.id, 0))) {
            return nowhere;
        }
    }
    return *claim;
}

/* Wipes what a former owner left. What stands there while nothing but a claim has the cell is
 * not the key's; when the claim has turned into the key's cell meanwhile, the swap fails. */
static void wipe(const rl_place_t *claim, _Atomic uint64_t *word)
{
    uint64_t left = atomic_load(word);
    if (left != 0 && load_id(claim->cell) == claim->id) {
        atomic_compare_exchange_strong(word, &left, 0);
    }
}

/* Turns a claim into the key's cell, or gives it up for one that the key has; nowhere when it
 * was lost or must be tried again. */
static rl_place_t settle(const rl_ledger_t *ledger, const rl_digest_t *key, rl_place_t claim,
                         int64_t expires)
{
    rl_place_t place = walk(ledger, key, &claim);
    if (place.cell == NULL) {
        return nowhere;
    }
    if (place.cell != claim.cell) {
        swap_id(&claim, handed_over(claim.id, 0));
        return (place.id & CLAIMED) == 0 ? place : nowhere;
    }
    for (int i = 0; i < RL_METER_WORDS; i++) {
        wipe(&claim, &claim.cell->word[i]);
    }
    wipe(&claim, &claim.cell->denials);
    for (int i = 0; i < RL_LEDGER_NOTES; i++) {
        wipe(&claim, &claim.cell->note[i]);
    }
    return enliven(&claim, expires) && swap_id(&claim, claim.id & ~CLAIMED) ? claim : nowhere;
}

/* The key's cell; a new one is taken for a key that has none. Nowhere only when others were
 * faster CLAIM_TRIES times in a row. */
static rl_place_t claim(const rl_ledger_t *ledger, const rl_digest_t *key, int64_t now,
                        int64_t expires)
{
    for (int i = 0; i < CLAIM_TRIES; i++) {
        rl_place_t place = choose(ledger, key, now);
        if ((place.id & TAG) != tag_of(key) &&
            !swap_id(&place, handed_over(place.id, tag_of(key)))) {
            continue;
        }
        if ((place.id & CLAIMED) != 0) {
            place = settle(ledger, key, place, expires);
        }
        if (place.cell != NULL) {
            return place;
        }
    }
    return nowhere;
}

/* ---- what the limiter calls ---- */

static const uint64_t no_words[RL_METER_WORDS];

/* The words of the key at this moment, none if it has no cell. */
static void read_words(const rl_ledger_t *ledger, const rl_digest_t *key,
                       uint64_t words[RL_METER_WORDS])
{
    uint64_t raw[RL_METER_WORDS];
    const rl_place_t place = find(ledger, key);
    if (place.cell != NULL) {
        load_words(place.cell, raw);
        unmask_words(key, raw, words);
    }
    if (place.cell == NULL || !is_still(place.cell, place.id)) {
        memcpy(words, no_words, sizeof(no_words));
    }
}

void rl_ledger_peek(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step)
{
    uint64_t words[RL_METER_WORDS];
    read_words(ledger, key, words);
    rl_meter_charge(meter, key, words, now, cost, step);
}

uint64_t rl_ledger_held(const rl_ledger_t *ledger, const rl_digest_t *key,
                        const rl_meter_t *meter, uint64_t stamp)
{
    uint64_t words[RL_METER_WORDS];
    read_words(ledger, key, words);
    return rl_meter_held(meter, words, stamp);
}

typedef enum { CHARGE, ONLY_DENY } rl_charge_kind_e;

/* Charges one cell. False when it turned out to be another key's by now, so that nothing that
 * was done there counts. */
static bool charge_cell(rl_place_t place, const rl_digest_t *key, const rl_meter_t *meter,
                        int64_t now, uint32_t cost, rl_charge_kind_e kind, rl_step_t *step)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    const uint64_t owner = place.id;
    for (int i = 0; i < CAS_TRIES; i++) {
        load_words(place.cell, raw);
        if (((place.id ^ owner) & ~GUARD) != 0) {
            return false;
        }
        unmask_words(key, raw, words);
        rl_meter_charge(meter, key, words, now, cost, step);
        if (kind == ONLY_DENY && step->granted) {
            return true;
        }
        if ((step->word < 0 || covers(&place, step, rl_meter_quota(meter))) &&
            apply(place.cell, key, raw, step) && !step->again) {
            return is_still(place.cell, owner);
        }
        place.id = load_id(place.cell);
    }
    step->granted = false;
    return true;
}

static void charge_or_deny(const rl_ledger_t *ledger, const rl_digest_t *key,
                           const rl_meter_t *meter, int64_t now, uint32_t cost,
                           rl_charge_kind_e kind, rl_step_t *step)
{
    rl_place_t place = find(ledger, key);
    for (int i = 0; i < MOVE_TRIES; i++) {
        if (place.cell == NULL) {
            rl_meter_charge(meter, key, no_words, now, cost, step);
            if (step->word < 0 || (kind == ONLY_DENY && step->granted)) {
                return;
            }
            place = claim(ledger, key, now, step->expires);
        }
        if (place.cell != NULL && charge_cell(place, key, meter, now, cost, kind, step)) {
            return;
        }
        place = nowhere;
    }
    /* Others took the key's cell away each time. What isn't counted isn't granted. */
    step->granted = false;
    step->word = -1;
    step->retry = step->reset;
}

void rl_ledger_charge(const rl_ledger_t *ledger, const rl_digest_t *key,
                      const rl_meter_t *meter, int64_t now, uint32_t cost, rl_step_t *step)
{
    charge_or_deny(ledger, key, meter, now, cost, CHARGE, step);
}

void rl_ledger_deny(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step)
{
    charge_or_deny(ledger, key, meter, now, cost, ONLY_DENY, step);
}

/* Applies what `compute` says, over and over until nothing is left to change; for changes that
 * only take away, which need no longer life. */
typedef void take_away_fn(const void *context, const uint64_t words[RL_METER_WORDS],
                          rl_step_t *step);

static void take_away(const rl_ledger_t *ledger, const rl_digest_t *key, bool once,
                      take_away_fn *compute, const void *context)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    rl_step_t step;
    const rl_place_t place = find(ledger, key);
    for (int i = 0; place.cell != NULL && i < CAS_TRIES; i++) {
        load_words(place.cell, raw);
        if (!is_still(place.cell, place.id)) {
            return;
        }
        unmask_words(key, raw, words);
        compute(context, words, &step);
        if (step.word < 0 || (apply(place.cell, key, raw, &step) && once)) {
            return;
        }
    }
}

typedef struct rl_refund {
    const rl_meter_t *meter;
    uint64_t stamp;
    uint32_t units;
    int64_t now;
} rl_refund_t;

static void compute_refund(const void *context, const uint64_t words[RL_METER_WORDS],
                           rl_step_t *step)
{
    const rl_refund_t *refund = context;
    rl_meter_refund(refund->meter, words, refund->stamp, refund->units, refund->now, step);
}

void rl_ledger_refund(const rl_ledger_t *ledger, const rl_digest_t *key,
                      const rl_meter_t *meter, uint64_t stamp, uint32_t units, int64_t now)
{
    const rl_refund_t refund = {meter, stamp, units, now};
    take_away(ledger, key, true, compute_refund, &refund);
}

typedef struct rl_lower {
    const rl_meter_t *meter;
    uint64_t stamp, from, to;
} rl_lower_t;

static void compute_lower(const void *context, const uint64_t words[RL_METER_WORDS],
                          rl_step_t *step)
{
    const rl_lower_t *lower = context;
    rl_meter_lower(lower->meter, words, lower->stamp, lower->from, lower->to, step);
}

void rl_ledger_lower(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                     uint64_t stamp, uint64_t from, uint64_t to)
{
    const rl_lower_t lower = {meter, stamp, from, to};
    take_away(ledger, key, true, compute_lower, &lower);
}

typedef struct rl_clear {
    const rl_meter_t *meter;
    const rl_digest_t *key;
    int64_t now;
} rl_clear_t;

static void compute_clear(const void *context, const uint64_t words[RL_METER_WORDS],
                          rl_step_t *step)
{
    const rl_clear_t *clear = context;
    rl_meter_clear(clear->meter, clear->key, words, clear->now, step);
}

void rl_ledger_clear(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                     int64_t now)
{
    const rl_clear_t clear = {meter, key, now};
    take_away(ledger, key, false, compute_clear, &clear);
}

/* A value that somebody else has come up with may lie further ahead than a cell lives. */
static void limit_life(rl_step_t *step, int64_t now)
{
    const int64_t most = now + (int64_t)(LIFE_MAX_SEC - 86400) * RL_USEC_PER_SEC;
    step->expires = step->expires < most ? step->expires : most;
}

void rl_ledger_raise(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                     int64_t now, uint64_t stamp, uint64_t value)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    rl_step_t step;
    rl_place_t place = find(ledger, key);
    if (place.cell == NULL) {
        rl_meter_raise(meter, key, no_words, stamp, value, &step);
        limit_life(&step, now);
        place = claim(ledger, key, now, step.expires);
    }
    for (int i = 0; place.cell != NULL && i < CAS_TRIES; i++) {
        const uint64_t owner = place.id;
        load_words(place.cell, raw);
        if (!is_still(place.cell, owner)) {
            return;
        }
        unmask_words(key, raw, words);
        rl_meter_raise(meter, key, words, stamp, value, &step);
        limit_life(&step, now);
        if (step.word < 0 || (covers(&place, &step, rl_meter_quota(meter)) &&
                              apply(place.cell, key, raw, &step) && !step.again)) {
            return;
        }
        place.id = load_id(place.cell);
        if (((place.id ^ owner) & ~GUARD) != 0) {
            return;
        }
    }
}

uint64_t rl_ledger_note(const rl_ledger_t *ledger, const rl_digest_t *key, unsigned n)
{
    const rl_place_t place = find(ledger, key);
    uint64_t raw;
    if (place.cell == NULL) {
        return 0;
    }
    raw = atomic_load(&place.cell->note[n]);
    return is_still(place.cell, place.id) ? masked(key, raw) : 0;
}

bool rl_ledger_notes(const rl_ledger_t *ledger, const rl_digest_t *key,
                     uint64_t notes[RL_LEDGER_NOTES])
{
    const rl_place_t place = find(ledger, key);
    if (place.cell == NULL) {
        return false;
    }
    for (int i = 0; i < RL_LEDGER_NOTES; i++) {
        notes[i] = masked(key, atomic_load(&place.cell->note[i]));
    }
    return is_still(place.cell, place.id);
}

bool rl_ledger_swap_note(const rl_ledger_t *ledger, const rl_digest_t *key, unsigned n,
                         uint64_t from, uint64_t to)
{
    const rl_place_t place = find(ledger, key);
    uint64_t raw = masked(key, from);
    return place.cell != NULL && is_still(place.cell, place.id) &&
           atomic_compare_exchange_strong(&place.cell->note[n], &raw, masked(key, to));
}

uint32_t rl_ledger_note_denial(const rl_ledger_t *ledger, const rl_digest_t *key,
                               const rl_step_t *step, int64_t now, uint32_t *repeats)
{
    rl_place_t place = find(ledger, key);
    *repeats = 0;
    if (place.cell == NULL) {
        place = claim(ledger, key, now, step->expires);
    }
    for (int i = 0; place.cell != NULL && i < CAS_TRIES; i++) {
        uint64_t raw = atomic_load(&place.cell->denials);
        const uint64_t noted = masked(key, raw);
        const uint32_t before = noted >> 32 == step->window ? (uint32_t)noted : 0;
        const uint32_t count = before == UINT32_MAX ? before : before + 1;
        if (!is_still(place.cell, place.id)) {
            break;
        }
        if (atomic_compare_exchange_strong(&place.cell->denials, &raw,
                                           masked(key, (uint64_t)step->window << 32 | count))) {
            *repeats = before == 0 && (uint32_t)noted > 1 ? (uint32_t)noted - 1 : 0;
            return count;
        }
    }
    return 0;
}
