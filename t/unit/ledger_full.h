/* SPDX-License-Identifier: Apache-2.0 */
/* Stories in which the ledger is full, so that each new key takes another one's cell: as in
 * ledger_stage.h. */
#ifndef T_UNIT_LEDGER_FULL_H
#define T_UNIT_LEDGER_FULL_H

#include "ledger_stage.h"

/* Fills the table with keys 4 to 11, of one rule, whose window goes on. Key 4 was used the
 * longest ago, so that a new key takes its cell. */
static void fill_with_live_keys(void)
{
    rl_step_t step;
    for (int i = 0; i < KEYS_MAX; i++) {
        keys[i] = rl_ledger_key(&keys[i], 0);
        meters[i].aligned = true;
        meters[i].limit = 100;
    }
    for (int i = 4; i < 12; i++) {
        stage_charge(i, EDGE - (i == 4 ? 100 : 50) * SECOND, &step);
        tallies[i].stamp[0] = step.stamp;
    }
}

/* Processes 0 and 1 ask for key 4, which becomes one that is in use, and the others for new
 * keys. Whatever is charged to it stays: it may lose its cell before, but not afterwards by a
 * decision upon what its cell was before. */
static inline void key_that_is_asked_for_again(uint64_t seed)
{
    unsigned charged = 0;
    open_stage(seed, 1);
    fill_with_live_keys();
    for (int i = 0; i < 4; i++) {
        scripts[i].n = 2;
        for (int c = 0; c < 2; c++) {
            scripts[i].calls[c] = (call_t){i < 2 ? 4 : i - 2, EDGE + jitter()};
        }
    }
    weak_run(4, charge_all);
    charged = (unsigned)stage_held(4, tallies[4].stamp[0]);
    if (charged != 4 && charged != 5) {
        COMPLAIN("key 4 holds %u, not 4, or 5 with the one from before", charged);
    }
}

static void deny_or_charge_new(int name)
{
    const rl_step_t denial = {.word = -1, .window = 5, .used = 1, .expires = EDGE + SECOND};
    if (name == 0) {
        stage_note_denial(4, &denial, EDGE + jitter());
        heard_of[0] = stage_held(4, tallies[4].stamp[0]);
    }
    else {
        charge_key(name - 1, EDGE + jitter());
    }
}

/* Key 4 is denied, which changes no word. If it has its cell when that is noted, it keeps it.
 */
static inline void key_that_is_denied(uint64_t seed)
{
    open_stage(seed, 1);
    fill_with_live_keys();
    weak_run(3, deny_or_charge_new);
    if (heard_of[0] != 0 && stage_held(4, tallies[4].stamp[0]) != heard_of[0]) {
        COMPLAIN("key 4 has lost its cell after its denial was noted");
    }
}

#endif
