/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a ledger, as one process sees it. */
#ifndef RL_LEDGER_TABLE_H
#define RL_LEDGER_TABLE_H

#include <stdint.h>

typedef struct rl_cell rl_cell_t; /* cell.h */

/* A view of the memory. Any process may have any number of views of the same memory. */
typedef struct rl_ledger {
    rl_cell_t *cells;
    uint32_t groups; /* of eight cells each: see cell.h */
} rl_ledger_t;

#define RL_LEDGER_SIZE_MIN (64u * 1024)
#define RL_LEDGER_SIZE_MAX (64ull << 30)

/* The words of a cell that fleet/ and lease/ keep notes in. */
#define RL_LEDGER_NOTES 3

#endif
