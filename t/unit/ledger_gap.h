/* SPDX-License-Identifier: Apache-2.0 */
/* A story of a table that a power cut has left with gaps (ledger/sweep.c): as in
 * ledger_stage.h. */
#ifndef T_UNIT_LEDGER_GAP_H
#define T_UNIT_LEDGER_GAP_H

#include "ledger_stage.h"

/* Moves a key's cell to a later one of its path, and has one to three before it read as never
 * used. Returns where it is. */
static rl_cell_t *hide_after_gaps(int key)
{
    unsigned char moved[sizeof(rl_cell_t)];
    rl_cell_t *path[16], *own = place_find(&ledger, &keys[key]).cell;
    const uint64_t n = any_below(15) + 1;
    rl_path_t walk;
    path_begin(&walk, &ledger, &keys[key]);
    for (int i = 0; i < 16; i++) {
        path[i] = path_next(&walk);
    }
    memcpy(moved, own, sizeof(moved));
    memcpy(own, path[n], sizeof(moved));
    memcpy(path[n], moved, sizeof(moved));
    for (uint64_t i = any_below(3) + 1; i > 0; i--) {
        memset(path[any_below(n)], 0, sizeof(moved));
    }
    return path[n];
}

/* Returns the units of key 0 in a cell of its own. */
static unsigned units_in(rl_cell_t *cell)
{
    rl_sight_t sight;
    sight_set(&sight, (rl_place_t){cell, cell_load_id(cell)}, &keys[0]);
    cell_load_words(&sight);
    return (unsigned)rl_meter_held(&meters[0], sight.words, tallies[0].stamp[0]);
}

/* Key 0 had so many units in a cell, and was charged until it was denied. */
static void check_after_gap(unsigned had, rl_cell_t *left)
{
    const bool went_on = place_find(&ledger, &keys[0]).cell == left;
    const unsigned later = units_in(left) - had; /* counted there since */
    const unsigned due = went_on ? LIMIT - had : later + LIMIT;
    if (tallies[0].all - had != due) {
        COMPLAIN("key 0, which had %u, was granted %u of %u due", had, tallies[0].all - had,
                 due);
    }
}

/* Key 0 has used some units, and its cell comes after some that read as never used, as after a
 * power cut. A killed process may not have noted what it was granted. */
static inline void key_after_a_gap(uint64_t seed)
{
    const bool kill = seed % 2 == 0;
    unsigned had;
    rl_cell_t *left;
    open_stage(seed, 2);
    furnish(4, 4 + (int)any_below(5));
    meters[0].aligned = meters[1].aligned = meters[2].aligned = true;
    had = 1 + (unsigned)any_below(LIMIT);
    for (unsigned i = 0; i < had; i++) {
        charge_key(0, EDGE);
    }
    left = hide_after_gaps(0);
    write_scripts(4, 4, 0, 3);
    weak_chances.kill_one_in = kill ? 20 : 0;
    weak_run(4, charge_all);
    for (int i = 0; i < LIMIT + 1; i++) {
        charge_key(0, EDGE + 2 * SECOND);
    }
    if (!kill) {
        check_after_gap(had, left);
        check_exact(1, 2);
    }
    if (tallies[0].all > 2 * LIMIT) {
        COMPLAIN("key 0, which had %u, has %u in all", had, tallies[0].all);
    }
    check_usable(0, 3);
}

#endif
