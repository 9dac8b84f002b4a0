/* The ledger's memory: what a cell holds, and where a key may stand. Private to ledger.c and
 * ledger_place.c. */
#ifndef RL_LEDGER_CELL_H
#define RL_LEDGER_CELL_H

#include <stdatomic.h>

#include "ledger.h"

/* The memory is an array of cells, a cache line each, and nothing else:
 *
 *      0        8        16       24       32       40                    64
 *     +--------+--------+--------+--------+--------+----------------------+
 *     | id     | word 0 | word 1 | life   | denials| note 0 to 2          |
 *     +--------+--------+--------+--------+--------+----------------------+
 *     id       tag (46 bits) | generation (10) | guard (7) | claimed (1)
 *     word 0-1 the meter's words, masked
 *     life     expires (32, seconds) | unused (14) | generation (10) | guard (7) | full (1)
 *     denials  stamp of a window (32 bits) | denials in it (32 bits), masked
 *     note 0-2 what the supplier of units remembers of the key, masked
 *
 * The tag is the top of the key's low half, 0 for no key; the generation counts the cell's
 * owners. An id of 0 is a cell that was never used; a cell that was used never becomes so
 * again.
 *
 * Where a key may stand. The key's high half names GROUPS_TRIED different groups of
 * GROUP_CELLS cells, and a cell of each group to start with; the cells are tried in this
 * order, the key's path. A key takes the best cell up to the first that was never used, so a
 * search may stop there.
 *
 * Masks. The words of a cell are stored XORed with the key's high half (zero stands for
 * itself: nothing counted yet). A word that a former owner's request writes a moment too late
 * is noise to the new owner, a window that is not now. Path, tag and mask together are the
 * identity.
 *
 * One cell per key (after Purcell and Harris, "Non-blocking hashtables with open addressing",
 * 2005). A cell is taken in two steps. First the id is swapped for the new key's with
 * "claimed" set: nothing is counted in such a cell. Then the claimant walks its whole path.
 * Where it meets the key's own cell it gives its claim up; of several claims the first on the
 * path stands and the others are wiped out. Having met nothing else it swaps "claimed" away.
 * Of two claims the later one's walk sees the earlier, so both can't come through. A claim
 * is anybody's to carry on, so one whose process was killed blocks nobody; a new generation
 * for each claim makes sure that nobody carries on a claim with the walk of another.
 *
 * Eviction against charging. Who evicts reads id, then life, and swaps the id. Before a charge
 * that a cell's life doesn't cover yet (the first in a window, and the one that reaches the
 * limit), life is written with the next guard, then the id's guard follows, then the units are
 * charged. So life never changes under an id without the id changing before anything is
 * charged on the strength of it: an eviction that was decided upon an older life fails.
 * Who charged looks at the id once more: if the cell was taken away, it charges again.
 */

#define GROUP_CELLS  8
#define GROUPS_TRIED 12

#define ID_UNUSED 0u
#define CLAIMED   UINT64_C(1)
#define GUARD_ONE (UINT64_C(1) << 1)
#define GUARD     (UINT64_C(0x7f) << 1)
#define GEN_ONE   (UINT64_C(1) << 8)
#define GEN       (UINT64_C(0x3ff) << 8)
#define TAG_ONE   (UINT64_C(1) << 18)
#define TAG       (~(TAG_ONE - 1))

#define LIFE_FULL  UINT64_C(1)
#define LIFE_STATE (GEN | GUARD)

/* No cell lives this long: its expiry comes from a clock that was set back since. */
#define LIFE_MAX_SEC (UINT64_C(400) * 86400)

struct rl_cell {
    _Atomic uint64_t id;
    _Atomic uint64_t word[RL_METER_WORDS];
    _Atomic uint64_t life;
    _Atomic uint64_t denials;
    _Atomic uint64_t note[RL_LEDGER_NOTES];
};

_Static_assert(sizeof(rl_cell_t) == 64, "a cell is a cache line");

/* A key's path, cell by cell. */
typedef struct rl_path {
    rl_cell_t *cells;
    uint32_t groups;
    uint32_t group;
    uint32_t step;
    unsigned first; /* cell of a group */
    unsigned next;  /* cell of the path */
} rl_path_t;

static inline uint32_t scaled(uint32_t random, uint32_t bound)
{
    return (uint32_t)((uint64_t)random * bound >> 32);
}

static inline void path_begin(rl_path_t *path, const rl_ledger_t *ledger,
                              const rl_digest_t *key)
{
    const uint64_t mixed = key->hi * UINT64_C(0xd6e8feb86659fd93);
    path->cells = ledger->cells;
    path->groups = ledger->groups;
    path->group = scaled((uint32_t)(mixed >> 32), ledger->groups);
    path->step =
        ledger->groups > GROUPS_TRIED ? 1 + scaled((uint32_t)mixed, ledger->groups - 1) : 1;
    path->first = (unsigned)key->hi % GROUP_CELLS;
    path->next = 0;
}

static inline void next_group(rl_path_t *path)
{
    const uint32_t left = path->groups - path->group;
    path->group = path->step < left ? path->group + path->step : path->step - left;
}

/* The next cell of the path, NULL after the last. */
static inline rl_cell_t *path_next(rl_path_t *path)
{
    const unsigned n = path->next++;
    if (n > 0 && n % GROUP_CELLS == 0) {
        next_group(path);
        if (n / GROUP_CELLS == GROUPS_TRIED || n / GROUP_CELLS == path->groups) {
            return NULL;
        }
    }
    return path->cells + (size_t)path->group * GROUP_CELLS + (path->first + n) % GROUP_CELLS;
}

/* ---- places ---- */

/* Other requests may win a compare-and-swap this often in a row before we give up; each time
 * means that another one made progress. */
#define CAS_TRIES 1000

/* A cell, and the id that was in it. */
typedef struct rl_place {
    rl_cell_t *cell; /* NULL: none */
    uint64_t id;
} rl_place_t;

static inline uint64_t tag_of(const rl_digest_t *key)
{
    const uint64_t tag = key->lo & TAG;
    return tag != 0 ? tag : TAG_ONE;
}

static inline uint64_t load_id(rl_cell_t *cell)
{
    return atomic_load_explicit(&cell->id, memory_order_seq_cst);
}

/* Whether the cell is still in the hands of who had it; its guard may have moved. */
static inline bool is_still(rl_cell_t *cell, uint64_t id)
{
    return ((load_id(cell) ^ id) & ~GUARD) == 0;
}

static inline rl_place_t find(const rl_ledger_t *ledger, const rl_digest_t *key)
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
    return (rl_place_t){NULL, 0};
}

/* Takes a cell for a key that had none a moment ago; it is the key's from now on, until
 * `expires` at least unless others need it more. Nowhere only when others were faster many
 * times in a row. */
rl_place_t rl_place_take(const rl_ledger_t *ledger, const rl_digest_t *key, int64_t now,
                         int64_t expires);

/* Sees to it that the cell's life covers what a step is about to do; see "Eviction against
 * charging". False when something had to be changed first: look at the cell again. */
bool rl_place_covers(rl_place_t *place, const rl_step_t *step, uint32_t limit);

/* ---- words ---- */

static inline uint64_t masked(const rl_digest_t *key, uint64_t word)
{
    return word == 0 ? 0 : word ^ key->hi;
}

/* Word 0 before word 1: sliding windows rely on it. */
static inline void load_words(rl_cell_t *cell, uint64_t raw[RL_METER_WORDS])
{
    for (int i = 0; i < RL_METER_WORDS; i++) {
        raw[i] = atomic_load_explicit(&cell->word[i], memory_order_acquire);
    }
}

static inline void unmask_words(const rl_digest_t *key, const uint64_t raw[RL_METER_WORDS],
                                uint64_t words[RL_METER_WORDS])
{
    for (int i = 0; i < RL_METER_WORDS; i++) {
        words[i] = masked(key, raw[i]);
    }
}

/* Applies a step to the words it was computed from; false when another request was faster. */
static inline bool apply_step(rl_cell_t *cell, const rl_digest_t *key,
                              const uint64_t raw[RL_METER_WORDS], const rl_step_t *step)
{
    uint64_t expected;
    if (step->word < 0) {
        return true;
    }
    expected = raw[step->word];
    return atomic_compare_exchange_strong(&cell->word[step->word], &expected,
                                          masked(key, step->value));
}

#endif
