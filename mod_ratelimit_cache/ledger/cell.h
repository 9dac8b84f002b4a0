/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of the ledger: what a cell holds, and which cells a key may have. For ledger.c and
 * place.c only. */
#ifndef RL_LEDGER_CELL_H
#define RL_LEDGER_CELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/meter/operation.h"
#include "../system/backoff.h"
#include "table.h"

/* The memory is an array of cells, a cache line each, and nothing else:
 *
 *      0        8        16       24       32       40                    64
 *     +--------+--------+--------+--------+--------+----------------------+
 *     | id     | word 0 | word 1 | life   | denials| note 0 to 2          |
 *     +--------+--------+--------+--------+--------+----------------------+
 *     id       tag (46 bits) | generation (10) | guard (7) | bid (1)
 *     word 0-1 the meter's words, masked
 *     life     how long the cell is worth keeping, and for whom: see life.h
 *     denials  window of a step (32 bits) | denials in it (32 bits), masked
 *     note 0-2 what fleet/ and lease/ keep with the key, masked
 *
 * The tag is the top of the key's low half; 0 is no key. The generation counts the cell's
 * owners. An id of 0 means that the cell was never used; a cell that was used never has this id
 * again.
 *
 * Path. The key's high half names GROUPS_TRIED different groups of GROUP_CELLS cells, and the
 * cell of each group to start with. The cells in this order are the key's path. A key takes the
 * cell that is the least loss (evict.c) among those up to the first that was never used, that
 * one included, so a search may stop there.
 *
 * Tenants. The lowest bits of a ledger key are the number of its rule (ledger.h). The path of a
 * tenant's key lies in the first groups of the table, its last group among the very first,
 * where the server's keys have none:
 *
 *     |  reserved  |  both  ...  |  the server's alone  ...                       |
 *     <------ tenants' share ---->
 *                  <----------- the server's ------------------------------------->
 *
 * Masks. The words of a cell are stored XORed with the key's high half and a number of the
 * generation; zero stands for itself (nothing counted yet). A word that a former owner's
 * request writes a moment too late is noise to the new owner: it reads, say, as units of some
 * other window, which count as none. Path, tag and mask together identify the key. The
 * generation is for a key that gets its own former cell again: what its former time there has
 * left must not look like what it counts now, or a bidder that still wipes the one would wipe
 * the other.
 *
 * One cell per key (after Purcell and Harris, "Non-blocking hashtables with open addressing",
 * 2005). A cell is taken in two steps. First the id is swapped for the new key's with `bid`
 * set: nothing is counted in such a cell. Then the bidder walks the key's whole path. Where
 * it meets a cell that the key has already, it gives its own bid up. Of several bids for
 * the key, the first on the path stands and those further along are removed. If the walk has
 * met nothing else, the bidder clears the bit `bid`. Of two bids, the one made later sees the
 * earlier on its walk, so both can't come through. Walks end at a cell that was never used, so
 * this relies on that none becomes unused again; only a power cut can do that to a table in a
 * file, and sweep.c tells what a key may have then. Any request for the key may carry on a bid,
 * so that one whose process was killed blocks nobody; each bid has a new generation, so that
 * nobody carries on a bid with the walk of another.
 *
 * Eviction against charging. An eviction reads id, then life, and then swaps the id. A
 * charge that the cell's life doesn't cover yet (the first in a window or in a tick of life.h,
 * and the one that reaches the limit) takes three steps: life is written, with the next guard;
 * the guard in the id is moved to the same; the units are charged. So if life changes under an
 * id, the id changes, too, before anything is charged on the strength of the new life: an
 * eviction that was decided upon the older life fails. A request that has charged looks at the
 * id once more, and charges again if the cell was taken away. Whoever reads an id with acquire
 * reads a life that isn't older than it; so a life's own orders may be relaxed. */

#define GROUP_CELLS  8
#define GROUPS_TRIED 12
#define PATH_CELLS   (GROUP_CELLS * GROUPS_TRIED)

#define ID_UNUSED 0u
#define BID       UINT64_C(1)
#define GUARD_ONE (UINT64_C(1) << 1)
#define GUARD     (UINT64_C(0x7f) << 1)
#define GEN_ONE   (UINT64_C(1) << 8)
#define GEN       (UINT64_C(0x3ff) << 8)
#define TAG_ONE   (UINT64_C(1) << 18)
#define TAG       (~(TAG_ONE - 1))

/* The bits of an id that stand in a life, too, in the same place. */
#define LIFE_STATE (GEN | GUARD)

struct rl_cell {
    _Atomic uint64_t id;
    _Atomic uint64_t word[RL_METER_WORDS];
    _Atomic uint64_t life;
    _Atomic uint64_t denials;
    _Atomic uint64_t note[RL_LEDGER_NOTES];
};

_Static_assert(sizeof(rl_cell_t) == RL_LEDGER_CELL_BYTES, "a cell is a cache line");

/* The lowest bits of a ledger key's low half. */
#define RULE_NUMBER ((1u << RL_RULE_BITS) - 1)

static inline unsigned key_rule(const rl_digest_t *key)
{
    return (unsigned)key->lo & RULE_NUMBER;
}

static inline bool key_is_tenants(const rl_digest_t *key)
{
    return (key->lo & RL_RULE_TENANT) != 0;
}

/* A walk over a key's path, cell by cell. */
typedef struct rl_path {
    rl_cell_t *cells;   /* of the region */
    rl_cell_t *at;      /* the current group */
    rl_cell_t *reserve; /* the last group of a tenant's path; NULL: none, or it was passed */
    uint32_t groups;    /* of the region */
    uint32_t group;     /* the current one */
    uint32_t step;      /* from one group of the path to the next */
    unsigned first;     /* the cell of each group to start with */
    unsigned next;      /* the next cell of the path, from 0 */
    unsigned end;       /* where the path leaves the region */
} rl_path_t;

static inline uint32_t scaled(uint32_t random, uint32_t bound)
{
    return (uint32_t)((uint64_t)random * bound >> 32);
}

static inline rl_cell_t *group_at(rl_cell_t *cells, uint32_t group)
{
    return cells + (size_t)group * GROUP_CELLS;
}

/* Returns the bits that name the groups of a key's path: the first in the upper half, the way
 * to the others in the lower. */
static inline uint64_t key_mixed(const rl_digest_t *key)
{
    return key->hi * UINT64_C(0xd6e8feb86659fd93);
}

/* Returns the first cell of a key's path. */
static inline rl_cell_t *path_first(const rl_ledger_t *ledger, const rl_digest_t *key)
{
    const rl_region_t *region = &ledger->regions[key_is_tenants(key)];
    const uint32_t group = scaled((uint32_t)(key_mixed(key) >> 32), region->groups);
    return group_at(ledger->cells, region->first + group) + key->hi % GROUP_CELLS;
}

static inline void path_begin(rl_path_t *path, const rl_ledger_t *ledger,
                              const rl_digest_t *key)
{
    const uint64_t mixed = key_mixed(key);
    const bool reserved = key_is_tenants(key) && ledger->reserved > 0;
    const rl_region_t *region = &ledger->regions[key_is_tenants(key)];
    const unsigned tried = reserved ? GROUPS_TRIED - 1 : GROUPS_TRIED;
    path->cells = group_at(ledger->cells, region->first);
    path->reserve =
        reserved ? group_at(ledger->cells, scaled((uint32_t)mixed, ledger->reserved)) : NULL;
    path->groups = region->groups;
    path->group = scaled((uint32_t)(mixed >> 32), region->groups);
    path->step =
        region->groups > GROUPS_TRIED ? 1 + scaled((uint32_t)mixed, region->groups - 1) : 1;
    path->at = group_at(path->cells, path->group);
    path->first = (unsigned)key->hi % GROUP_CELLS;
    path->next = 0;
    path->end = GROUP_CELLS * (region->groups < tried ? region->groups : tried);
}

/* Goes on to the next group of the path. Returns false after the last. */
static inline bool path_next_group(rl_path_t *path)
{
    if (path->next - 1 >= path->end) {
        path->at = path->reserve;
        path->reserve = NULL;
        return path->at != NULL;
    }
    const uint32_t left = path->groups - path->group;
    path->group = path->step < left ? path->group + path->step : path->step - left;
    path->at = group_at(path->cells, path->group);
    return true;
}

/* Returns the next cell of the path, NULL after the last. */
static inline rl_cell_t *path_next(rl_path_t *path)
{
    const unsigned n = path->next++;
    if (n > 0 && n % GROUP_CELLS == 0 && !path_next_group(path)) {
        return NULL;
    }
    return path->at + (path->first + n) % GROUP_CELLS;
}

/* ---- places ---- */

static inline uint64_t key_tag(const rl_digest_t *key)
{
    const uint64_t tag = key->lo & TAG;
    return tag != 0 ? tag : TAG_ONE;
}

static inline uint64_t cell_load_id(rl_cell_t *cell)
{
    return atomic_load_explicit(&cell->id, memory_order_seq_cst);
}

/* Returns true if the cell still has the owner of that id; only its guard may have moved. */
static inline bool cell_is_still(rl_cell_t *cell, uint64_t id)
{
    return ((cell_load_id(cell) ^ id) & ~GUARD) == 0;
}

/* Returns true if a cell with this id is the key's. One that is only bid for isn't yet. */
static inline bool id_is_of(uint64_t id, const rl_digest_t *key)
{
    return (id & (TAG | BID)) == key_tag(key);
}

/* ---- words ---- */

/* Returns the mask of the words of the key's cell, which has this id. */
static inline uint64_t cell_mask(const rl_digest_t *key, uint64_t id)
{
    return key->hi ^ (id & GEN) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Masks or unmasks a word. */
static inline uint64_t word_masked(uint64_t mask, uint64_t word)
{
    return word == 0 ? 0 : word ^ mask;
}

/* Masks or unmasks a word of the key's cell, which has this id. */
static inline uint64_t cell_masked(const rl_digest_t *key, uint64_t id, uint64_t word)
{
    return word_masked(cell_mask(key, id), word);
}

/* Turns the sight to a place of the key's. Its words are yet to be loaded. */
static inline void sight_set(rl_sight_t *sight, rl_place_t place, const rl_digest_t *key)
{
    sight->place = place;
    sight->mask = cell_mask(key, place.id);
}

/* Word 0 is loaded before word 1: sliding windows rely on this order. */
static inline void cell_load_words(rl_sight_t *sight)
{
    _Atomic uint64_t *const word = sight->place.cell->word;
    const uint64_t mask = sight->mask;
    for (int i = 0; i < RL_METER_WORDS; i++) {
        const uint64_t raw = atomic_load_explicit(&word[i], memory_order_acquire);
        sight->words[i] = word_masked(mask, raw);
    }
}

/* Applies a step to the words it was computed from. Returns false if another request was
 * faster. */
static inline bool cell_apply_step(const rl_sight_t *sight, const rl_step_t *step)
{
    uint64_t expected;
    if (step->word < 0) {
        return true;
    }
    expected = word_masked(sight->mask, sight->words[step->word]);
    return atomic_compare_exchange_strong(&sight->place.cell->word[step->word], &expected,
                                          word_masked(sight->mask, step->value));
}

/* Stands back from a cell in which other requests won `lost` swaps and one more; then fetches
 * it for the next try. */
static inline void cell_stand_back(const rl_cell_t *cell, unsigned lost)
{
    rl_back_off(lost);
    rl_prefetch_to_swap(cell);
}

#endif
