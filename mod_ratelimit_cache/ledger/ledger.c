#include "ledger.h"

#include <string.h>

#include "cell.h"

#define MOVE_TRIES 8

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

/* ---- what the limiter calls ---- */

static const uint64_t no_words[RL_METER_WORDS];

/* The words of the key at this moment, none if it has no cell: then the place is nowhere. */
static rl_place_t read_words(const rl_ledger_t *ledger, const rl_digest_t *key,
                             uint64_t raw[RL_METER_WORDS], uint64_t words[RL_METER_WORDS])
{
    const rl_place_t place = find(ledger, key);
    if (place.cell != NULL) {
        load_words(place.cell, raw);
        unmask_words(key, raw, words);
        if (is_still(place.cell, place.id)) {
            return place;
        }
    }
    memcpy(words, no_words, sizeof(no_words));
    return nowhere;
}

void rl_ledger_look(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step, rl_sight_t *sight)
{
    uint64_t words[RL_METER_WORDS];
    const rl_place_t place = read_words(ledger, key, sight->raw, words);
    sight->cell = place.cell;
    sight->id = place.id;
    rl_meter_charge(meter, key, words, now, cost, step);
}

void rl_ledger_peek(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step)
{
    rl_sight_t sight;
    rl_ledger_look(ledger, key, meter, now, cost, step, &sight);
}

void rl_ledger_prefetch(const rl_ledger_t *ledger, const rl_digest_t *key)
{
    rl_path_t path;
    path_begin(&path, ledger, key);
    __builtin_prefetch(path_next(&path));
}

/* Whether the cell's life covers the step now; mostly it did, else it was made to. (A bucket's
 * life grows with every charge.) */
static bool is_covered(rl_place_t *place, const rl_meter_t *meter, const rl_step_t *step)
{
    const uint32_t quota = rl_meter_quota(meter);
    return rl_place_covers(place, step, quota) || rl_place_covers(place, step, quota);
}

/* The same as a turn of charge_cell() on the words that were seen: the swap fails if they have
 * changed, and what was swapped in a cell that was taken away meanwhile doesn't count. */
bool rl_ledger_take(const rl_digest_t *key, const rl_meter_t *meter, const rl_sight_t *sight,
                    const rl_step_t *step)
{
    rl_place_t place = {sight->cell, sight->id};
    return place.cell != NULL && step->granted && !step->again &&
           (step->word < 0 || is_covered(&place, meter, step)) &&
           apply(place.cell, key, sight->raw, step) && is_still(place.cell, sight->id);
}

uint64_t rl_ledger_held(const rl_ledger_t *ledger, const rl_digest_t *key,
                        const rl_meter_t *meter, uint64_t stamp)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    read_words(ledger, key, raw, words);
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
        if ((step->word < 0 || rl_place_covers(&place, step, rl_meter_quota(meter))) &&
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
            place = rl_place_take(ledger, key, now, step->expires);
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
        place = rl_place_take(ledger, key, now, step.expires);
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
        if (step.word < 0 || (rl_place_covers(&place, &step, rl_meter_quota(meter)) &&
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
        place = rl_place_take(ledger, key, now, step->expires);
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
