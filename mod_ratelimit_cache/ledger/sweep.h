/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at every cell of a table that comes from elsewhere: from a file that an earlier server
 * has left, perhaps after a power cut. */
#ifndef RL_LEDGER_SWEEP_H
#define RL_LEDGER_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "table.h"

/* What a sweep has found: numbers of cells. */
typedef struct rl_sweep {
    uint64_t kept;    /* that a key goes on counting in */
    uint64_t expired; /* freed: their windows, buckets and penalties are over */
    uint64_t damaged; /* freed: no server leaves such a cell */
} rl_sweep_t;

/* Frees every cell that has expired at `now`, microseconds since the epoch, or is damaged.
 * With now 0 nothing counts as expired: for when the clock can't be relied on. sweep.c tells
 * what is found and what can't be. Nobody else may use the table meanwhile. */
void rl_ledger_sweep(const rl_ledger_t *ledger, int64_t now, rl_sweep_t *found);

/* Returns the number of this layout of the table: where a key's cells are, and where in a cell
 * its members and their bits. A table of another number can't be read. */
uint64_t rl_ledger_layout(void);

#endif
