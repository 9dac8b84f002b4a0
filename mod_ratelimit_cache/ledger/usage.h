/* SPDX-License-Identifier: Apache-2.0 */
/* How full the ledger is. */
#ifndef RL_LEDGER_USAGE_H
#define RL_LEDGER_USAGE_H

#include <stdint.h>

#include "table.h"

typedef struct rl_ledger_usage {
    uint64_t cells;   /* that there are */
    uint64_t used;    /* that a key has whose window, bucket or penalty isn't over */
    uint64_t expired; /* that a key has had */
} rl_ledger_usage_t;

/* Counts the cells at now, microseconds since the epoch. Looks at each of a table of up to 64M,
 * which takes some milliseconds; of a larger one at some, and estimates. */
void rl_ledger_count(const rl_ledger_t *ledger, int64_t now, rl_ledger_usage_t *usage);

#endif
