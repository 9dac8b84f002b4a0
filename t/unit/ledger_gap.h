/* SPDX-License-Identifier: Apache-2.0 */
/* A story of a table that a power cut has left with gaps (ledger/sweep.c): as in
 * ledger_stage.h. */
#ifndef T_UNIT_LEDGER_GAP_H
#define T_UNIT_LEDGER_GAP_H

#include "ledger_stage.h"

/* Moves a key's cell to a later one of its path, and has one to three before it read as never
 * used. */
static void hide_after_gaps(int key)
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
}

/* Key 0 has used some units, and its cell comes after some that read as never used, as after a
 * power cut (sweep.c). It goes on or begins anew: in all it has its limit, or at most twice
 * that; a killed process may not have noted what it was granted. */
static inline void key_after_a_gap(uint64_t seed)
{
    const bool kill = seed % 2 == 0;
    unsigned had;
    open_stage(seed, 2);
    furnish(4, 4 + (int)any_below(5));
    meters[0].aligned = meters[1].aligned = meters[2].aligned = true;
    had = 1 + (unsigned)any_below(LIMIT);
    for (unsigned i = 0; i < had; i++) {
        charge_key(0, EDGE);
    }
    hide_after_gaps(0);
    write_scripts(4, 4, 0, 3);
    weak_chances.kill_one_in = kill ? 20 : 0;
    weak_run(4, charge_all);
    for (int i = 0; i < LIMIT + 1; i++) {
        charge_key(0, EDGE + 2 * SECOND);
    }
    if ((!kill && tallies[0].all < LIMIT) || tallies[0].all > 2 * LIMIT) {
        COMPLAIN("key 0 had %u, and was granted %u in all", had, tallies[0].all);
    }
    if (!kill) {
        check_exact(1, 2);
    }
    check_usable(0, 3);
}

#endif
