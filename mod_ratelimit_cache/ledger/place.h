/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a key's cell, taking one for it, and keeping it. For ledger.c only. */
#ifndef RL_LEDGER_PLACE_H
#define RL_LEDGER_PLACE_H

#include "cell.h"
#include "life.h"

/* Returns the key's cell, or nowhere; for a key that doesn't have the first cell of its
 * path. */
rl_place_t rl_place_find_further(const rl_ledger_t *ledger, const rl_digest_t *key);

/* Returns the key's cell, or nowhere. `first` is the first cell of its path. */
static inline rl_place_t place_find_from(rl_cell_t *first, const rl_ledger_t *ledger,
                                         const rl_digest_t *key)
{
    const uint64_t id = cell_load_id(first);
    if (id_is_of(id, key)) {
        return (rl_place_t){first, id};
    }
    return id == ID_UNUSED ? (rl_place_t){NULL, 0} : rl_place_find_further(ledger, key);
}

static inline rl_place_t place_find(const rl_ledger_t *ledger, const rl_digest_t *key)
{
    return place_find_from(path_first(ledger, key), ledger, key);
}

/* Takes a cell for the operation's key, which had none a moment ago. Returns the key's cell,
 * which it keeps until `expires` (microseconds since the epoch) unless other keys need it more.
 * Returns nowhere only if the key is a tenant's and nothing of the tenants' share can be taken,
 * or if the memory is damaged. */
rl_place_t rl_place_take(const rl_ledger_t *ledger, const rl_operation_t *op, int64_t expires);

/* Changes the cell's life, if need be, for what the step of the operation is about to do; see
 * "Eviction against charging". Returns true if life covers the step already; false if something
 * had to be changed first, or another request was faster: look at the cell again. */
bool rl_place_prolong(rl_place_t *place, const rl_operation_t *op, const rl_step_t *step);

static inline bool place_is_covered(const rl_place_t *place, const rl_operation_t *op,
                                    const rl_step_t *step)
{
    const uint64_t life = atomic_load_explicit(&place->cell->life, memory_order_relaxed);
    return life_covers(life, place->id, op, step);
}

/* Does the same. Mostly the life covers the step. */
static inline bool place_cover(rl_place_t *place, const rl_operation_t *op,
                               const rl_step_t *step)
{
    return place_is_covered(place, op, step) || rl_place_prolong(place, op, step);
}

#endif
