/* SPDX-License-Identifier: Apache-2.0 */
/* What a file may hold that no server has left there: blocks of the disk that were not written
 * before the power went, older ones beside newer ones, bytes that a failing disk made up.
 *
 * A cell is within one sector, so it is whole, or noise. Its id and its life have generation
 * and guard in common (17 bits), and its life tells when it expires and whose share of the
 * table it is in. Noise passes this test once in some 100,000 cells. Such a cell is nobody's:
 * its tag and its place on a path would have to be a key's. It is lost to others until its
 * life ends, at most CELL_LIFE_MAX later.
 *
 * A bid was left by a process that was killed. Any request could carry it on, but nothing
 * counts in it, so it is freed.
 *
 * What can't be checked, because the words are masked with keys that nobody knows here:
 *
 *   - Words and notes. They are read like the noise that a former owner may leave at any time
 *     (cell.h): as units of some other window, as a bucket that nobody has used.
 *   - Cells that are older than they should be, by the half minute for which a system keeps
 *     what it hasn't written yet. What was counted since is lost.
 *   - Two cells of one key, one of which is old: the key had moved, and only one of the two
 *     blocks was written. The first on the path counts. The other isn't found, and ends with
 *     its window, unless the key loses the first before: then what the other has counts.
 *     Neither has units that the key didn't use.
 *   - A gap: a cell that was in use and reads as if it never had been. Searches end there, so
 *     a key whose cell comes after it on the path isn't found, and reads as one that used
 *     nothing. What becomes of it:
 *
 *       it takes the gap itself  the walk of its bid now leads past the gap, to the cell that
 *                                the key has already: it goes on there
 *       another key takes it     it is found again, and goes on
 *       it takes a cell before   it starts anew; what it had is in the later of two cells
 *
 *     So it is granted what it had left, or its limit anew, and not less. One race is left:
 *     a bid takes the gap just when the walk of another, before it, has ended there. Until
 *     that one becomes the key's cell, the key is charged where it was. It is granted some of
 *     what it had left, and then its limit anew, as if the power had failed a moment later.
 *
 * While servers run, and whichever process is killed, there are neither gaps nor two cells: no
 * cell becomes unused again. */
#include "sweep.h"

#include <string.h>

#include "cell.h"
#include "ledger.h"
#include "life.h"

/* Raise it when the meaning of any bit of a cell changes that the constants below don't tell:
 * in cell.h, life.h, core/meter, fleet/ and lease/. t/unit/ledger_sweep.c notices most. */
#ifndef FORMAT /* t/142-upgrade.t is another version */
#define FORMAT 2u
#endif

uint64_t rl_ledger_layout(void)
{
    static const uint64_t constants[] = {
        FORMAT,       RL_LEDGER_CELL_BYTES, GROUP_CELLS,   GROUPS_TRIED, RL_METER_WORDS,
        RL_RULE_BITS, RL_LEDGER_NOTES,      CELL_LIFE_MAX, TAG,          GEN,
        GUARD,        LIFE_EXPIRES_AT,      LIFE_RULE_AT,  TICK_MOMENTS, MOMENT_BITS,
    };
    uint64_t number = 0;
    for (unsigned i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        number = (number ^ constants[i]) * UINT64_C(0x9e3779b97f4a7c15);
        number ^= number >> 29;
    }
    return number;
}

typedef struct rl_sweep_at {
    const rl_ledger_t *ledger;
    uint64_t moment; /* 0: nothing expires */
} rl_sweep_at_t;

static bool is_in_region(const rl_region_t *region, uint64_t group)
{
    return group >= region->first && group - region->first < region->groups;
}

/* Returns true if a key of the life's rule may stand in this group. */
static bool is_in_its_share(const rl_ledger_t *ledger, uint64_t group, uint64_t life)
{
    const bool tenant = (life_rule(life) & RL_RULE_TENANT) != 0;
    return is_in_region(&ledger->regions[tenant], group) ||
           (tenant && group < ledger->reserved);
}

/* Returns true if life and id were written together, or the life for the next guard, by a
 * process that was killed before it could move the id's. */
static bool are_of_one(uint64_t id, uint64_t life)
{
    const uint64_t ahead = (life - id) & GUARD;
    return ((life ^ id) & GEN) == 0 && (ahead == 0 || ahead == GUARD_ONE);
}

static bool is_sound(const rl_ledger_t *ledger, uint64_t group, uint64_t id, uint64_t life)
{
    return (id & BID) == 0 && are_of_one(id, life) && is_in_its_share(ledger, group, life);
}

/* Makes a cell nobody's, but not unused: searches go on past it. Its life is of the generation
 * that ends, so that no bid takes it for its own. The id comes first: if this process is
 * killed, the cell isn't left as unused. */
static void cell_free(rl_cell_t *cell, uint64_t id)
{
    const uint64_t freed = ((id + GEN_ONE) & GEN) | BID;
    cell->id = freed;
    memset((unsigned char *)cell + sizeof(cell->id), 0, sizeof(*cell) - sizeof(cell->id));
    cell->life = freed & LIFE_STATE;
}

/* Looks at a cell that has an id. */
static void sweep_used(const rl_sweep_at_t *at, uint64_t group, rl_cell_t *cell,
                       rl_sweep_t *found)
{
    const uint64_t id = cell->id, life = cell->life;
    if ((id & TAG) == 0) {
        cell_free(cell, id);
    }
    else if (!is_sound(at->ledger, group, id, life)) {
        cell_free(cell, id);
        found->damaged++;
    }
    else if (at->moment != 0 && life_left(life, at->moment) == 0) {
        cell_free(cell, id);
        found->expired++;
    }
    else {
        found->kept++;
    }
}

/* Returns true if nothing stands in the cell but perhaps an id. */
static bool holds_nothing(const rl_cell_t *cell)
{
    uint64_t all = cell->life | cell->denials;
    for (int i = 0; i < RL_METER_WORDS; i++) {
        all |= cell->word[i];
    }
    for (int i = 0; i < RL_LEDGER_NOTES; i++) {
        all |= cell->note[i];
    }
    return all == 0;
}

/* Looks at a cell that was never used: nothing may stand there. */
static void sweep_unused(rl_cell_t *cell, rl_sweep_t *found)
{
    if (!holds_nothing(cell)) {
        memset(cell, 0, sizeof(*cell));
        found->damaged++;
    }
}

void rl_ledger_sweep(const rl_ledger_t *ledger, int64_t now, rl_sweep_t *found)
{
    const rl_sweep_at_t at = {.ledger = ledger, .moment = moment_of(now)};
    const uint64_t cells = rl_ledger_capacity(ledger);
    *found = (rl_sweep_t){.kept = 0};
    for (uint64_t i = 0; i < cells; i++) {
        rl_cell_t *cell = &ledger->cells[i];
        if (cell->id == ID_UNUSED) {
            sweep_unused(cell, found);
        }
        else {
            sweep_used(&at, i / GROUP_CELLS, cell, found);
        }
    }
}
