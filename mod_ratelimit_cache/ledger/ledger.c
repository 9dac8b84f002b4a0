/* SPDX-License-Identifier: Apache-2.0 */
/* How a counter is changed. The key's cell is found, or taken (place.c); its words are read;
 * the meter computes a step from them; the cell's life is made to cover the step; one
 * compare-and-swap applies it. If that fails, another request was faster; this one stands back
 * for a moment (system/backoff.h), and the step is computed anew. At last the cell's id is read
 * once more: if the cell was taken away meanwhile, nothing that was done there counts, and all
 * begins again. Why this is enough is told in cell.h. */
#include "ledger.h"

#include <string.h>

#include "../core/hot.h"
#include "place.h"

/* One in so many groups of the tenants' share is theirs alone, so that they find a cell also
 * when the server's keys have all others. */
#define RESERVED_SHARE 32

static const rl_place_t nowhere;

/* Rounds a number of groups down to one without a factor below GROUPS_TRIED, so that no path
 * comes to the same group twice: n × step ≡ 0 (mod groups) has no solution for 0 < n <
 * GROUPS_TRIED and 0 < step < groups. */
static uint32_t without_small_factors(uint32_t groups)
{
    while (groups > GROUPS_TRIED && (groups % 2 == 0 || groups % 3 == 0 || groups % 5 == 0 ||
                                     groups % 7 == 0 || groups % 11 == 0)) {
        groups--;
    }
    return groups;
}

static rl_region_t region_between(uint32_t first, uint32_t end)
{
    return (rl_region_t){.first = first, .groups = without_small_factors(end - first)};
}

static uint32_t groups_in(size_t size)
{
    return (uint32_t)(size / (sizeof(rl_cell_t) * GROUP_CELLS));
}

void rl_ledger_open(rl_ledger_t *ledger, void *memory, size_t size)
{
    const rl_region_t all = region_between(0, groups_in(size));
    *ledger = (rl_ledger_t){.cells = memory, .regions = {all, all}};
}

void rl_ledger_open_divided(rl_ledger_t *ledger, void *memory, size_t size, unsigned tenants)
{
    const uint32_t groups = groups_in(size);
    const uint32_t wanted = (uint32_t)((uint64_t)groups * tenants / 100);
    const uint32_t share = wanted > 2 ? wanted : 2;
    const uint32_t reserved = share >= 2 * RESERVED_SHARE ? share / RESERVED_SHARE : 1;
    *ledger = (rl_ledger_t){
        .cells = memory,
        .regions = {region_between(reserved, groups), region_between(reserved, share)},
        .reserved = reserved};
}

size_t rl_ledger_capacity(const rl_ledger_t *ledger)
{
    return (size_t)(ledger->reserved + ledger->regions[0].groups) * GROUP_CELLS;
}

size_t rl_ledger_tenants_capacity(const rl_ledger_t *ledger)
{
    return (size_t)(ledger->reserved + ledger->regions[1].groups) * GROUP_CELLS;
}

/* ---- looking ---- */

static const uint64_t no_words[RL_METER_WORDS];

void rl_ledger_prefetch(const rl_ledger_t *ledger, const rl_digest_t *ledger_key)
{
    __builtin_prefetch(path_first(ledger, ledger_key));
}

void rl_ledger_aim(const rl_ledger_t *ledger, const rl_digest_t *ledger_key, rl_sight_t *sight)
{
    sight->place.cell = path_first(ledger, ledger_key);
    __builtin_prefetch(sight->place.cell);
}

/* Finds the key's cell, with a sight that was aimed for it, and reads its words. Returns false
 * if it has none. */
static inline bool find_words(const rl_ledger_t *ledger, const rl_digest_t *key,
                              rl_sight_t *sight)
{
    const rl_place_t place = place_find_from(sight->place.cell, ledger, key);
    sight_set(sight, place, key);
    if (place.cell == NULL) {
        return false;
    }
    cell_load_words(sight);
    return true;
}

/* Does the same, and makes sure that the words are the key's. If it has no cell, they are zero
 * and the place is nowhere. */
static inline void see(const rl_ledger_t *ledger, const rl_digest_t *key, rl_sight_t *sight)
{
    if (!find_words(ledger, key, sight) || !cell_is_still(sight->place.cell, sight->place.id)) {
        sight->place = nowhere;
        memcpy(sight->words, no_words, sizeof(no_words));
    }
}

void rl_ledger_look(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step,
                    rl_sight_t *sight)
{
    see(ledger, &op->ledger_key, sight);
    rl_meter_charge(op, sight->words, step);
}

void rl_ledger_peek(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step)
{
    rl_sight_t sight;
    rl_ledger_aim(ledger, &op->ledger_key, &sight);
    rl_ledger_look(ledger, op, step, &sight);
}

uint64_t rl_ledger_held(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp)
{
    rl_sight_t sight;
    rl_ledger_aim(ledger, &op->ledger_key, &sight);
    see(ledger, &op->ledger_key, &sight);
    return rl_meter_held(&op->meter, sight.words, stamp);
}

/* ---- charging ---- */

RL_RARELY static bool prolong(rl_place_t *place, const rl_operation_t *op,
                              const rl_step_t *step)
{
    return rl_place_prolong(place, op, step) || place_cover(place, op, step);
}

/* Returns true if the cell's life covers the step. Mostly it does; if not, the first try
 * extends it and the second finds it extended. (A bucket's life grows with every charge.) */
static inline bool is_covered(rl_place_t *place, const rl_operation_t *op,
                              const rl_step_t *step)
{
    return place_is_covered(place, op, step) || prolong(place, op, step);
}

/* Returns true if the step uses the key: it changes a word, or denies, also if nothing changes.
 * A key that is denied again and again must not lose its cell. */
static bool is_use(const rl_step_t *step)
{
    return step->word >= 0 || !step->granted;
}

/* Applies the step to the words that were seen, from which it was computed. Returns false if
 * that doesn't count, or isn't all: the word has changed, or the cell was taken away. */
RL_INLINE bool apply_to_seen(const rl_operation_t *op, rl_sight_t *sight, const rl_step_t *step)
{
    return !step->again && (!is_use(step) || is_covered(&sight->place, op, step)) &&
           cell_apply_step(sight, step) && cell_is_still(sight->place.cell, sight->place.id);
}

RL_EACH_REQUEST bool rl_ledger_take(const rl_operation_t *op, rl_sight_t *sight,
                                    const rl_step_t *step)
{
    return sight->place.cell != NULL && step->granted && apply_to_seen(op, sight, step);
}

void rl_ledger_keep(const rl_operation_t *op, rl_sight_t *sight, const rl_step_t *step)
{
    if (sight->place.cell != NULL && step->word < 0) {
        is_covered(&sight->place, op, step);
    }
}

typedef enum { CHARGE, ONLY_DENY } rl_charge_kind_e;

/* What is not counted is not granted. Only a damaged cell leads here, or a tenants' share in
 * which no cell can be taken: see RL_TRIES. */
static void deny_uncounted(rl_step_t *step)
{
    step->granted = false;
    step->word = -1;
    step->retry = step->reset;
}

/* Charges the cell of a sight, at which `lost` tries were made in vain. Returns false if the
 * cell has become another key's, so that nothing that was done there counts. */
static bool charge_cell(rl_sight_t *sight, const rl_operation_t *op, rl_charge_kind_e kind,
                        unsigned lost, rl_step_t *step)
{
    rl_place_t *place = &sight->place;
    const uint64_t owner = place->id;
    for (unsigned i = lost; i < RL_TRIES; i++) {
        place->id = cell_load_id(place->cell);
        if (((place->id ^ owner) & ~GUARD) != 0) {
            return false;
        }
        cell_load_words(sight);
        rl_meter_charge(op, sight->words, step);
        if (kind == ONLY_DENY && step->granted) {
            return true;
        }
        if (is_use(step) && !place_cover(place, op, step)) {
            continue;
        }
        if (!cell_apply_step(sight, step)) {
            cell_stand_back(place->cell, i);
        }
        else if (!step->again) {
            return cell_is_still(place->cell, owner);
        }
    }
    deny_uncounted(step);
    return true;
}

/* Charges the cell of the sight; if the key has none, takes one for it. */
static void charge_or_deny(const rl_ledger_t *ledger, const rl_operation_t *op,
                           rl_charge_kind_e kind, unsigned lost, rl_sight_t *sight,
                           rl_step_t *step)
{
    for (unsigned i = 0; i < RL_TRIES; i++, lost = 0) {
        if (sight->place.cell == NULL) {
            rl_meter_charge(op, no_words, step);
            if (step->word < 0 || (kind == ONLY_DENY && step->granted)) {
                return;
            }
            sight_set(sight, rl_place_take(ledger, op, step->expires), &op->ledger_key);
        }
        if (sight->place.cell == NULL) {
            break;
        }
        if (charge_cell(sight, op, kind, lost, step)) {
            return;
        }
        rl_back_off(i); /* the key's cell was taken away */
        sight->place = nowhere;
    }
    deny_uncounted(step);
}

/* Almost always the first try is enough. */
void rl_ledger_charge(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step)
{
    rl_sight_t sight;
    rl_ledger_aim(ledger, &op->ledger_key, &sight);
    if (find_words(ledger, &op->ledger_key, &sight)) {
        rl_meter_charge(op, sight.words, step);
        if (apply_to_seen(op, &sight, step)) {
            return;
        }
    }
    rl_ledger_charge_from(ledger, op, &sight, step);
}

void rl_ledger_charge_from(const rl_ledger_t *ledger, const rl_operation_t *op,
                           rl_sight_t *sight, rl_step_t *step)
{
    charge_or_deny(ledger, op, CHARGE, sight->place.cell != NULL ? 1 : 0, sight, step);
}

void rl_ledger_deny(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step)
{
    rl_sight_t sight;
    sight_set(&sight, place_find(ledger, &op->ledger_key), &op->ledger_key);
    charge_or_deny(ledger, op, ONLY_DENY, 0, &sight, step);
}

/* ---- taking away ---- */

/* Computes a step that takes something away, from the words as they are now. */
typedef void take_away_fn(const rl_operation_t *op, const void *what,
                          const uint64_t words[RL_METER_WORDS], rl_step_t *step);

/* Applies the step that `compute` makes of `what`, once or until nothing is left to change.
 * Only for changes that take something away: the cell needs no longer life for them. */
static void take_away(const rl_ledger_t *ledger, const rl_operation_t *op,
                      take_away_fn *compute, const void *what, bool once)
{
    rl_sight_t sight;
    rl_step_t step;
    sight_set(&sight, place_find(ledger, &op->ledger_key), &op->ledger_key);
    for (unsigned i = 0; sight.place.cell != NULL && i < RL_TRIES; i++) {
        cell_load_words(&sight);
        if (!cell_is_still(sight.place.cell, sight.place.id)) {
            return;
        }
        compute(op, what, sight.words, &step);
        if (step.word < 0) {
            return;
        }
        if (!cell_apply_step(&sight, &step)) {
            cell_stand_back(sight.place.cell, i);
        }
        else if (once) {
            return;
        }
    }
}

static void compute_refund(const rl_operation_t *op, const void *what,
                           const uint64_t words[RL_METER_WORDS], rl_step_t *step)
{
    const uint64_t *stamp = what;
    rl_meter_refund(op, words, *stamp, step);
}

void rl_ledger_refund(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp)
{
    take_away(ledger, op, compute_refund, &stamp, true);
}

static void compute_lower(const rl_operation_t *op, const void *what,
                          const uint64_t words[RL_METER_WORDS], rl_step_t *step)
{
    rl_meter_lower(op, words, what, step);
}

void rl_ledger_lower(const rl_ledger_t *ledger, const rl_operation_t *op,
                     const rl_correction_t *correction)
{
    take_away(ledger, op, compute_lower, correction, true);
}

static void compute_clear(const rl_operation_t *op, const void *what,
                          const uint64_t words[RL_METER_WORDS], rl_step_t *step)
{
    (void)what;
    rl_meter_clear(op, words, step);
}

void rl_ledger_clear(const rl_ledger_t *ledger, const rl_operation_t *op)
{
    take_away(ledger, op, compute_clear, NULL, false);
}

/* ---- raising ---- */

/* Computes the step that raises the words. Its expiry is cut to the longest life of a cell: a
 * value that comes from another server may lie further ahead. */
static void raise_step(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                       const rl_correction_t *to, rl_step_t *step)
{
    const int64_t most = op->now + CELL_LIFE_MAX_US - 86400 * RL_USEC_PER_SEC;
    rl_meter_raise(op, words, to->stamp, to->to, step);
    step->granted = true; /* what it counts was granted, here or elsewhere */
    step->expires = step->expires < most ? step->expires : most;
}

void rl_ledger_raise(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp,
                     uint64_t value)
{
    const rl_correction_t to = {.stamp = stamp, .to = value};
    rl_sight_t sight;
    rl_step_t step;
    rl_place_t *place = &sight.place;
    sight_set(&sight, place_find(ledger, &op->ledger_key), &op->ledger_key);
    if (place->cell == NULL) {
        raise_step(op, no_words, &to, &step);
        sight_set(&sight, rl_place_take(ledger, op, step.expires), &op->ledger_key);
    }
    for (unsigned i = 0; place->cell != NULL && i < RL_TRIES; i++) {
        const uint64_t owner = place->id;
        cell_load_words(&sight);
        if (!cell_is_still(place->cell, owner)) {
            return;
        }
        raise_step(op, sight.words, &to, &step);
        if (step.word < 0) {
            return;
        }
        if (place_cover(place, op, &step)) {
            if (!cell_apply_step(&sight, &step)) {
                cell_stand_back(place->cell, i);
            }
            else if (!step.again) {
                return;
            }
        }
        place->id = cell_load_id(place->cell);
        if (((place->id ^ owner) & ~GUARD) != 0) {
            return;
        }
    }
}

/* ---- notes ---- */

uint64_t rl_ledger_note(const rl_ledger_t *ledger, const rl_digest_t *ledger_key, unsigned n)
{
    const rl_place_t place = place_find(ledger, ledger_key);
    uint64_t raw;
    if (place.cell == NULL) {
        return 0;
    }
    raw = atomic_load(&place.cell->note[n]);
    return cell_is_still(place.cell, place.id) ? cell_masked(ledger_key, place.id, raw) : 0;
}

bool rl_ledger_notes(const rl_ledger_t *ledger, const rl_digest_t *ledger_key,
                     uint64_t notes[RL_LEDGER_NOTES])
{
    const rl_place_t place = place_find(ledger, ledger_key);
    if (place.cell == NULL) {
        return false;
    }
    for (int i = 0; i < RL_LEDGER_NOTES; i++) {
        notes[i] = cell_masked(ledger_key, place.id, atomic_load(&place.cell->note[i]));
    }
    return cell_is_still(place.cell, place.id);
}

bool rl_ledger_swap_note(const rl_ledger_t *ledger, const rl_digest_t *ledger_key, unsigned n,
                         uint64_t from, uint64_t to)
{
    const rl_place_t place = place_find(ledger, ledger_key);
    uint64_t raw = cell_masked(ledger_key, place.id, from);
    return place.cell != NULL && cell_is_still(place.cell, place.id) &&
           atomic_compare_exchange_strong(&place.cell->note[n], &raw,
                                          cell_masked(ledger_key, place.id, to));
}

/* ---- denials ---- */

/* Notes that the key is denied, wherever that was decided. */
static void use_denied(rl_place_t place, const rl_operation_t *op, const rl_step_t *step)
{
    rl_step_t denial = *step;
    denial.word = -1;
    denial.granted = false;
    is_covered(&place, op, &denial);
}

uint32_t rl_ledger_count_denial(const rl_ledger_t *ledger, const rl_operation_t *op,
                                const rl_step_t *step, uint32_t *before)
{
    const rl_digest_t *key = &op->ledger_key;
    rl_place_t place = place_find(ledger, key);
    *before = 0;
    if (place.cell == NULL) {
        place = rl_place_take(ledger, op, step->expires);
    }
    if (place.cell != NULL) {
        use_denied(place, op, step);
    }
    for (unsigned i = 0; place.cell != NULL && i < RL_TRIES; i++) {
        uint64_t raw = atomic_load(&place.cell->denials);
        const uint64_t noted = cell_masked(key, place.id, raw);
        const uint32_t here = noted >> 32 == step->window ? (uint32_t)noted : 0;
        const uint32_t count = here == UINT32_MAX ? here : here + 1;
        if (!cell_is_still(place.cell, place.id)) {
            break;
        }
        if (atomic_compare_exchange_strong(
                &place.cell->denials, &raw,
                cell_masked(key, place.id, (uint64_t)step->window << 32 | count))) {
            *before = (uint32_t)noted;
            return count;
        }
        cell_stand_back(place.cell, i);
    }
    return 0;
}
