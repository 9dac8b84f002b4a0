/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a cell for a key, and keeping it. For ledger.c only. */
#ifndef RL_LEDGER_PLACE_H
#define RL_LEDGER_PLACE_H

#include "cell.h"

/* Takes a cell for the operation's key, which had none a moment ago. Returns the key's cell,
 * which it keeps until `expires` (microseconds since the epoch) unless other keys need it more.
 * Returns nowhere only if the key is a tenant's and nothing of the tenants' share can be taken,
 * or if the memory is damaged. */
rl_place_t rl_place_take(const rl_ledger_t *ledger, const rl_operation_t *op, int64_t expires);

/* Makes the cell's life cover what the step of the operation is about to do; see "Eviction
 * against charging". Returns true if life covers the step already; false if something had to be
 * changed first, or another request was faster: look at the cell again. */
bool rl_place_cover(rl_place_t *place, const rl_operation_t *op, const rl_step_t *step);

#endif
