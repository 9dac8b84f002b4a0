/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a ledger, as one process sees it. */
#ifndef RL_LEDGER_TABLE_H
#define RL_LEDGER_TABLE_H

#include <stdint.h>

#include "../core/meter/operation.h"
#include "../system/stripe.h"

typedef struct rl_cell rl_cell_t; /* cell.h */

/* Groups of eight cells (see cell.h), one after another. */
typedef struct rl_region {
    uint32_t first;
    uint32_t groups;
} rl_region_t;

/* A view of the memory. Any process may have any number of views of the same memory. */
typedef struct rl_ledger {
    rl_cell_t *cells;
    rl_region_t regions[2]; /* where keys of the server's rules may stand, and those of tenants'
                             */
    uint32_t reserved; /* groups at the beginning, before both regions, for tenants alone */
    rl_striped_t *evictions; /* counts keys that lost a cell which was still needed; NULL:
                              * nothing does */
} rl_ledger_t;

/* A cell, and the id that it had. */
typedef struct rl_place {
    rl_cell_t *cell; /* NULL: nowhere */
    uint64_t id;
} rl_place_t;

/* Where a key was found, and what its cell holds. Private to the ledger. */
typedef struct rl_sight {
    rl_place_t place;
    uint64_t mask; /* with which the words are stored: see cell.h */
    uint64_t words[RL_METER_WORDS];
} rl_sight_t;

#define RL_LEDGER_SIZE_MIN (64u * 1024)
#define RL_LEDGER_SIZE_MAX (64ull << 30)

#define RL_LEDGER_CELL_BYTES 64u

/* The words of a cell that fleet/ and lease/ keep notes in. */
#define RL_LEDGER_NOTES 3

#endif
