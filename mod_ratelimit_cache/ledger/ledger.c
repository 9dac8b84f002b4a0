/* SPDX-License-Identifier: Apache-2.0 */
/* How a counter is changed. The key's cell is found, or taken (place.c); its words are read;
 * the meter computes a step from them; the cell's life is made to cover the step; one
 * compare-and-swap applies it. If that fails, another request was faster; this one stands back
 * for a moment (system/backoff.h), and the step is computed anew. At last the cell's id is read
 * once more: if the cell was taken away meanwhile, nothing that was done there counts, and all
 * begins again. Why this is enough is told in cell.h. */
#include "ledger.h"

#include <string.h>

#include "cell.h"
#include "life.h"
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

/* ---- charging ---- */

static const uint64_t no_words[RL_METER_WORDS];

/* Reads the words of the key. If it has no cell, they are zero and the place is nowhere. */
static rl_place_t read_words(const rl_ledger_t *ledger, const rl_digest_t *key,
                             uint64_t raw[RL_METER_WORDS], uint64_t words[RL_METER_WORDS])
{
    const rl_place_t place = place_find(ledger, key);
    if (place.cell != NULL) {
        cell_load_words(place.cell, raw);
        cell_unmask_words(key, place.id, raw, words);
        if (cell_is_still(place.cell, place.id)) {
            return place;
        }
    }
    memcpy(words, no_words, sizeof(no_words));
    return nowhere;
}

void rl_ledger_look(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step,
                    rl_sight_t *sight)
{
    uint64_t words[RL_METER_WORDS];
    const rl_place_t place = read_words(ledger, &op->ledger_key, sight->raw, words);
    sight->cell = place.cell;
    sight->id = place.id;
    rl_meter_charge(op, words, step);
}

void rl_ledger_peek(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step)
{
    rl_sight_t sight;
    rl_ledger_look(ledger, op, step, &sight);
}

void rl_ledger_prefetch(const rl_ledger_t *ledger, const rl_digest_t *ledger_key)
{
    rl_path_t path;
    path_begin(&path, ledger, ledger_key);
    __builtin_prefetch(path_next(&path));
}

/* Returns true if the cell's life covers the step. Mostly it does; if not, the first try
 * extends it and the second finds it extended. (A bucket's life grows with every charge.) */
static bool is_covered(rl_place_t *place, const rl_operation_t *op, const rl_step_t *step)
{
    return rl_place_cover(place, op, step) || rl_place_cover(place, op, step);
}

/* Makes one pass of charge_cell() with the words that were seen. The swap fails if the word has
 * changed; a swap in a cell that was taken away meanwhile does not count. */
bool rl_ledger_take(const rl_operation_t *op, const rl_sight_t *sight, const rl_step_t *step)
{
    rl_place_t place = {sight->cell, sight->id};
    return place.cell != NULL && step->granted && !step->again &&
           (step->word < 0 || is_covered(&place, op, step)) &&
           cell_apply_step(&place, &op->ledger_key, sight->raw, step) &&
           cell_is_still(place.cell, sight->id);
}

uint64_t rl_ledger_held(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    read_words(ledger, &op->ledger_key, raw, words);
    return rl_meter_held(&op->meter, words, stamp);
}

typedef enum { CHARGE, ONLY_DENY } rl_charge_kind_e;

/* Returns true if the step uses the key: it changes a word, or denies, also if nothing changes.
 * A key that is denied again and again must not lose its cell. */
static bool is_use(const rl_step_t *step)
{
    return step->word >= 0 || !step->granted;
}

/* What is not counted is not granted. Only a damaged cell leads here, or a tenants' share in
 * which no cell can be taken: see RL_TRIES. */
static void deny_uncounted(rl_step_t *step)
{
    step->granted = false;
    step->word = -1;
    step->retry = step->reset;
}

/* Charges one cell. Returns false if the cell has become another key's, so that nothing that
 * was done there counts. */
static bool charge_cell(rl_place_t place, const rl_operation_t *op, rl_charge_kind_e kind,
                        rl_step_t *step)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    const uint64_t owner = place.id;
    for (unsigned i = 0; i < RL_TRIES; i++) {
        cell_load_words(place.cell, raw);
        if (((place.id ^ owner) & ~GUARD) != 0) {
            return false;
        }
        cell_unmask_words(&op->ledger_key, place.id, raw, words);
        rl_meter_charge(op, words, step);
        if (kind == ONLY_DENY && step->granted) {
            return true;
        }
        if (!is_use(step) || rl_place_cover(&place, op, step)) {
            if (!cell_apply_step(&place, &op->ledger_key, raw, step)) {
                cell_stand_back(place.cell, i);
            }
            else if (!step->again) {
                return cell_is_still(place.cell, owner);
            }
        }
        place.id = cell_load_id(place.cell);
    }
    deny_uncounted(step);
    return true;
}

static void charge_or_deny(const rl_ledger_t *ledger, const rl_operation_t *op,
                           rl_charge_kind_e kind, rl_step_t *step)
{
    rl_place_t place = place_find(ledger, &op->ledger_key);
    for (unsigned i = 0; i < RL_TRIES; i++) {
        if (place.cell == NULL) {
            rl_meter_charge(op, no_words, step);
            if (step->word < 0 || (kind == ONLY_DENY && step->granted)) {
                return;
            }
            place = rl_place_take(ledger, op, step->expires);
        }
        if (place.cell == NULL) {
            break;
        }
        if (charge_cell(place, op, kind, step)) {
            return;
        }
        rl_back_off(i); /* the key's cell was taken away */
        place = nowhere;
    }
    deny_uncounted(step);
}

void rl_ledger_charge(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step)
{
    charge_or_deny(ledger, op, CHARGE, step);
}

void rl_ledger_deny(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step)
{
    charge_or_deny(ledger, op, ONLY_DENY, step);
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
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    rl_step_t step;
    const rl_place_t place = place_find(ledger, &op->ledger_key);
    for (unsigned i = 0; place.cell != NULL && i < RL_TRIES; i++) {
        cell_load_words(place.cell, raw);
        if (!cell_is_still(place.cell, place.id)) {
            return;
        }
        cell_unmask_words(&op->ledger_key, place.id, raw, words);
        compute(op, what, words, &step);
        if (step.word < 0) {
            return;
        }
        if (!cell_apply_step(&place, &op->ledger_key, raw, &step)) {
            cell_stand_back(place.cell, i);
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
    const int64_t most = op->now + (int64_t)(CELL_LIFE_MAX_SEC - 86400) * RL_USEC_PER_SEC;
    rl_meter_raise(op, words, to->stamp, to->to, step);
    step->granted = true; /* what it counts was granted, here or elsewhere */
    step->expires = step->expires < most ? step->expires : most;
}

void rl_ledger_raise(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp,
                     uint64_t value)
{
    const rl_correction_t to = {.stamp = stamp, .to = value};
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    rl_step_t step;
    rl_place_t place = place_find(ledger, &op->ledger_key);
    if (place.cell == NULL) {
        raise_step(op, no_words, &to, &step);
        place = rl_place_take(ledger, op, step.expires);
    }
    for (unsigned i = 0; place.cell != NULL && i < RL_TRIES; i++) {
        const uint64_t owner = place.id;
        cell_load_words(place.cell, raw);
        if (!cell_is_still(place.cell, owner)) {
            return;
        }
        cell_unmask_words(&op->ledger_key, place.id, raw, words);
        raise_step(op, words, &to, &step);
        if (step.word < 0) {
            return;
        }
        if (rl_place_cover(&place, op, &step)) {
            if (!cell_apply_step(&place, &op->ledger_key, raw, &step)) {
                cell_stand_back(place.cell, i);
            }
            else if (!step.again) {
                return;
            }
        }
        place.id = cell_load_id(place.cell);
        if (((place.id ^ owner) & ~GUARD) != 0) {
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
