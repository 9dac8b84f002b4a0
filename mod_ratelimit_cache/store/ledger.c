#include "ledger.h"

#include <stdatomic.h>

/* The memory is an array of cells, a cache line each, and nothing else:
 *
 *      0        8        16       24       32       40       48        64
 *     +--------+--------+--------+--------+--------+--------+---------+
 *     | id     | word 0 | word 1 | life   | denials| reserved         |
 *     +--------+--------+--------+--------+--------+------------------+
 *     id       0 never used, 1 vacant, else the low half of the key
 *     word 0-1 the meter's words, masked
 *     life     expires (32 bits, seconds since the epoch) | flags (32 bits)
 *     denials  stamp of a window (32 bits) | denials in it (32 bits), masked
 *
 * Where a key may stand. The key's high half names GROUPS_TRIED groups of GROUP_CELLS cells,
 * and a cell of each group to start with; the cells are tried in this order, the key's path.
 * A cell that was used never becomes "never used" again, so a search may stop at the first
 * such cell.
 *
 * Masks. The words of a cell are stored XORed with the key's high half (zero stands for
 * itself: nothing counted yet). So one compare-and-swap of the id hands a cell over to another
 * key: a word that a former owner left, or that one of its requests writes a moment too late,
 * is noise to the new owner, a window that is not now. The low half, the path and the mask
 * make the identity 128 bits.
 *
 * One cell per key. Two requests that bring the same new key at the same moment may take two
 * cells, when one of them finds a cell to reuse that the other passed. Whoever has taken a
 * cell therefore walks its path again: the first cell on the path stays, the others are
 * vacated and what was charged there is added to the first. Of two that take cells, the later
 * sees the earlier, whatever the order. A request that charged a cell looks at its id once
 * more; if the cell was taken away meanwhile, it charges again. That may count a unit twice,
 * never grant one twice.
 */

#define GROUP_CELLS  8
#define GROUPS_TRIED 8
#define PATH_CELLS   (GROUP_CELLS * GROUPS_TRIED)

#define ID_UNUSED 0u
#define ID_VACANT 1u

#define LIFE_FULL 1u

/* Other requests may win a compare-and-swap this often in a row before we give up; each time
 * means that another one made progress. */
#define CAS_TRIES   1000
#define CLAIM_TRIES 64
#define MOVE_TRIES  8

struct rl_cell {
    _Atomic uint64_t id;
    _Atomic uint64_t word[RL_METER_WORDS];
    _Atomic uint64_t life;
    _Atomic uint64_t denials;
    uint64_t reserved[3];
};

_Static_assert(sizeof(rl_cell_t) == 64, "a cell is a cache line");

void rl_ledger_open(rl_ledger_t *ledger, void *memory, size_t size)
{
    ledger->cells = memory;
    ledger->groups = (uint32_t)(size / (sizeof(rl_cell_t) * GROUP_CELLS));
}

size_t rl_ledger_capacity(const rl_ledger_t *ledger)
{
    return (size_t)ledger->groups * GROUP_CELLS;
}

/* ---- paths ---- */

static uint64_t id_of(const rl_digest_t *key)
{
    return key->lo > ID_VACANT ? key->lo : key->lo + 2;
}

/* The nth group of a path: a multiplicative hash of the high half and n, scaled to the number
 * of groups by taking the top of a product. */
static rl_cell_t *group_on_path(const rl_ledger_t *ledger, const rl_digest_t *key, unsigned n)
{
    const uint64_t mixed = (key->hi + n * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);
    return ledger->cells + (mixed >> 32) * ledger->groups / (UINT64_C(1) << 32) * GROUP_CELLS;
}

static rl_cell_t *cell_in_group(rl_cell_t *group, const rl_digest_t *key, unsigned n)
{
    return group + ((unsigned)key->hi + n) % GROUP_CELLS;
}

static rl_cell_t *cell_on_path(const rl_ledger_t *ledger, const rl_digest_t *key, unsigned n)
{
    return cell_in_group(group_on_path(ledger, key, n / GROUP_CELLS), key, n % GROUP_CELLS);
}

static rl_cell_t *find(const rl_ledger_t *ledger, const rl_digest_t *key)
{
    const uint64_t wanted = id_of(key);
    for (unsigned g = 0; g < GROUPS_TRIED; g++) {
        rl_cell_t *group = group_on_path(ledger, key, g);
        for (unsigned n = 0; n < GROUP_CELLS; n++) {
            rl_cell_t *cell = cell_in_group(group, key, n);
            const uint64_t id = atomic_load_explicit(&cell->id, memory_order_acquire);
            if (id == wanted) {
                return cell;
            }
            if (id == ID_UNUSED) {
                return NULL;
            }
        }
    }
    return NULL;
}

/* ---- words ---- */

static uint64_t masked(const rl_digest_t *key, uint64_t word)
{
    return word == 0 ? 0 : word ^ key->hi;
}

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

static bool is_of(rl_cell_t *cell, const rl_digest_t *key)
{
    return atomic_load_explicit(&cell->id, memory_order_seq_cst) == id_of(key);
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

static uint32_t seconds_up(int64_t time_us)
{
    return (uint32_t)((time_us + RL_USEC_PER_SEC - 1) / RL_USEC_PER_SEC);
}

static void set_life(rl_cell_t *cell, int64_t expires, bool full)
{
    const uint64_t life = (uint64_t)seconds_up(expires) << 32 | (full ? LIFE_FULL : 0);
    if (atomic_load_explicit(&cell->life, memory_order_relaxed) != life) {
        atomic_store_explicit(&cell->life, life, memory_order_relaxed);
    }
}

/* Orders cells by how well we can do without them; 0 is best: expired. Cells at their limit
 * come after all others, each kind by the time of its expiry. */
static uint64_t worth_of(uint64_t life, int64_t now)
{
    const uint64_t expires = life >> 32;
    if (expires * (uint64_t)RL_USEC_PER_SEC <= (uint64_t)now) {
        return 0;
    }
    return (life & LIFE_FULL) << 32 | expires;
}

typedef struct rl_choice {
    rl_cell_t *cell; /* the key's own cell, or the one to take */
    uint64_t id;     /* what is in it */
    uint64_t worth;
} rl_choice_t;

/* Weighs one cell of the path for a key that is not seen yet; true ends the search. */
static bool consider(rl_choice_t *choice, rl_cell_t *cell, uint64_t wanted, int64_t now)
{
    const uint64_t id = atomic_load(&cell->id);
    const uint64_t worth =
        id <= ID_VACANT
            ? 0
            : worth_of(atomic_load_explicit(&cell->life, memory_order_relaxed), now);
    if (id == wanted || choice->cell == NULL || worth < choice->worth) {
        *choice = (rl_choice_t){.cell = cell, .id = id, .worth = worth};
    }
    return id == wanted || id == ID_UNUSED;
}

static rl_choice_t choose(const rl_ledger_t *ledger, const rl_digest_t *key, int64_t now)
{
    rl_choice_t choice = {.cell = NULL};
    for (unsigned n = 0; n < PATH_CELLS; n++) {
        if (consider(&choice, cell_on_path(ledger, key, n), id_of(key), now)) {
            break;
        }
    }
    return choice;
}

/* ---- taking a cell ---- */

/* Adds what is left in a vacated cell of the key to the cell that stays. */
static void merge(rl_cell_t *into, rl_cell_t *from, const rl_digest_t *key,
                  const rl_meter_t *meter)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS], others[RL_METER_WORDS];
    rl_step_t step;
    load_words(from, raw);
    unmask_words(key, raw, others);
    for (int i = 0; i < CAS_TRIES; i++) {
        load_words(into, raw);
        if (!is_of(into, key)) {
            return;
        }
        unmask_words(key, raw, words);
        rl_meter_merge(meter, words, others, &step);
        if (apply(into, key, raw, &step)) {
            return;
        }
    }
}

/* Leaves one cell of the key on its path, the first, and returns it; NULL when the key has
 * lost even that one to another key. */
static rl_cell_t *settle(const rl_ledger_t *ledger, const rl_digest_t *key,
                         const rl_meter_t *meter)
{
    rl_cell_t *first = NULL;
    for (unsigned n = 0; n < PATH_CELLS; n++) {
        rl_cell_t *cell = cell_on_path(ledger, key, n);
        uint64_t id = atomic_load(&cell->id);
        if (id == ID_UNUSED) {
            break;
        }
        if (id != id_of(key)) {
            continue;
        }
        if (first == NULL) {
            first = cell;
        }
        else if (atomic_compare_exchange_strong(&cell->id, &id, ID_VACANT)) {
            merge(first, cell, key, meter);
        }
    }
    return first;
}

/* Hands the chosen cell over to the key and wipes what its former owner left; a request of the
 * former owner that is still under way can only leave noise. */
static bool take(const rl_choice_t *choice, const rl_digest_t *key)
{
    rl_cell_t *cell = choice->cell;
    uint64_t raw[RL_METER_WORDS];
    uint64_t denials = atomic_load(&cell->denials);
    uint64_t id = choice->id;
    load_words(cell, raw);
    if (!atomic_compare_exchange_strong(&cell->id, &id, id_of(key))) {
        return false;
    }
    for (int i = 0; i < RL_METER_WORDS; i++) {
        atomic_compare_exchange_strong(&cell->word[i], &raw[i], 0);
    }
    atomic_compare_exchange_strong(&cell->denials, &denials, 0);
    return true;
}

/* The key's cell; a new one is taken for a key that has none. Never NULL in practice: only
 * when other keys took CLAIM_TRIES cells away in a row, each a moment after we chose it. */
static rl_cell_t *claim(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                        int64_t now, int64_t expires)
{
    rl_cell_t *cell = find(ledger, key);
    for (int i = 0; cell == NULL && i < CLAIM_TRIES; i++) {
        const rl_choice_t choice = choose(ledger, key, now);
        if (choice.id == id_of(key)) {
            return choice.cell;
        }
        if (take(&choice, key)) {
            set_life(choice.cell, expires, false);
            cell = settle(ledger, key, meter);
        }
    }
    return cell;
}

/* ---- what the limiter calls ---- */

static const uint64_t no_words[RL_METER_WORDS];

void rl_ledger_peek(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    rl_cell_t *cell = find(ledger, key);
    if (cell == NULL) {
        rl_meter_charge(meter, key, no_words, now, cost, step);
        return;
    }
    load_words(cell, raw);
    unmask_words(key, raw, words);
    rl_meter_charge(meter, key, words, now, cost, step);
}

/* Charges one cell. False when it turned out to be another key's by now, so that nothing that
 * was done there counts. */
static bool charge_cell(rl_cell_t *cell, const rl_digest_t *key, const rl_meter_t *meter,
                        int64_t now, uint32_t cost, rl_step_t *step)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    for (int i = 0; i < CAS_TRIES; i++) {
        load_words(cell, raw);
        if (!is_of(cell, key)) {
            return false;
        }
        unmask_words(key, raw, words);
        rl_meter_charge(meter, key, words, now, cost, step);
        set_life(cell, step->expires, step->used >= meter->limit);
        if (apply(cell, key, raw, step)) {
            return is_of(cell, key);
        }
    }
    step->granted = false;
    return true;
}

void rl_ledger_charge(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                      int64_t now, uint32_t cost, rl_step_t *step)
{
    rl_cell_t *cell = find(ledger, key);
    rl_meter_charge(meter, key, no_words, now, cost, step);
    for (int i = 0; i < MOVE_TRIES; i++) {
        if (cell == NULL) {
            cell = claim(ledger, key, meter, now, step->expires);
        }
        if (cell == NULL || charge_cell(cell, key, meter, now, cost, step)) {
            return;
        }
        cell = NULL;
    }
}

void rl_ledger_refund(const rl_ledger_t *ledger, const rl_digest_t *key, const rl_meter_t *meter,
                      uint32_t stamp, uint32_t units)
{
    uint64_t raw[RL_METER_WORDS], words[RL_METER_WORDS];
    rl_step_t step;
    rl_cell_t *cell = find(ledger, key);
    for (int i = 0; cell != NULL && i < CAS_TRIES; i++) {
        load_words(cell, raw);
        if (!is_of(cell, key)) {
            return;
        }
        unmask_words(key, raw, words);
        rl_meter_refund(meter, words, stamp, units, &step);
        if (apply(cell, key, raw, &step)) {
            return;
        }
    }
}

uint32_t rl_ledger_note_denial(const rl_ledger_t *ledger, const rl_digest_t *key,
                               const rl_meter_t *meter, const rl_step_t *step, int64_t now,
                               uint32_t *repeats)
{
    rl_cell_t *cell = claim(ledger, key, meter, now, step->expires);
    *repeats = 0;
    for (int i = 0; cell != NULL && i < CAS_TRIES; i++) {
        uint64_t raw = atomic_load(&cell->denials);
        const uint64_t noted = masked(key, raw);
        const uint32_t before = noted >> 32 == step->stamp ? (uint32_t)noted : 0;
        const uint32_t count = before == UINT32_MAX ? before : before + 1;
        if (!is_of(cell, key)) {
            break;
        }
        if (atomic_compare_exchange_strong(&cell->denials, &raw,
                                           masked(key, (uint64_t)step->stamp << 32 | count))) {
            *repeats = before == 0 && (uint32_t)noted > 1 ? (uint32_t)noted - 1 : 0;
            return count;
        }
    }
    return 1;
}
