/* SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include "cell.h"
#include "ledger.h"
#include "life.h"

#define GROUPS_MOST (1u << 17)

static void count_cell(rl_cell_t *cell, uint64_t moment, rl_ledger_usage_t *usage)
{
    const uint64_t id = atomic_load_explicit(&cell->id, memory_order_relaxed);
    if ((id & TAG) == 0) {
        return;
    }
    if (life_left(atomic_load_explicit(&cell->life, memory_order_relaxed), moment) == 0) {
        usage->expired++;
    }
    else {
        usage->used++;
    }
}

void rl_ledger_count(const rl_ledger_t *ledger, int64_t now, rl_ledger_usage_t *usage)
{
    const uint64_t groups = rl_ledger_capacity(ledger) / GROUP_CELLS;
    const uint64_t every = groups / GROUPS_MOST + 1;
    const uint64_t moment = moment_of(now);
    uint64_t looked_at = 0;
    *usage = (rl_ledger_usage_t){.cells = groups * GROUP_CELLS};
    for (uint64_t group = 0; group < groups; group += every) {
        for (int i = 0; i < GROUP_CELLS; i++) {
            count_cell(&ledger->cells[group * GROUP_CELLS + (unsigned)i], moment, usage);
        }
        looked_at += GROUP_CELLS;
    }
    if (every > 1) {
        usage->used = usage->used * usage->cells / looked_at;
        usage->expired = usage->expired * usage->cells / looked_at;
    }
}
