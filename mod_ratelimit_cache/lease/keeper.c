/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include "lease.h"
#include "lease_list.h"

static bool is_over(const rl_lease_t *lease)
{
    rl_step_t step;
    if (!rl_meter_is_window(&lease->op->meter)) {
        return false;
    }
    rl_ledger_peek(lease->source->ledger, lease->op, &step);
    return step.window != lease->window;
}

static bool is_idle(rl_lease_entry_t *entry, const rl_lease_t *lease)
{
    const int64_t now = lease->op->now;
    const uint64_t word = rl_lease_word(lease);
    if (word != entry->seen || entry->since > now) {
        entry->seen = word;
        entry->since = now;
    }
    return now - entry->since >= RL_KEEPER_IDLE_US;
}

/* Whoever adds units to a lease checks afterwards that the lease is still listed
 * (rl_lease_add()). So the keeper takes the lease off the list first, and its units second. */
static void keeper_drop(rl_lease_list_t *list, int i, const rl_lease_t *lease)
{
    const rl_operation_t op = *lease->op;
    rl_lease_t copy = *lease;
    copy.op = &op;
    rl_lease_list_remove(list, i);
    rl_lease_return(&copy);
}

/* Returns the connection after each lease, so that no request waits for it longer than needed.
 */
static void keeper_look(const rl_source_t *source, int i, rl_lease_entry_t *entry, bool last)
{
    const rl_lease_t lease = rl_lease_at(source, &entry->op, entry->window, entry->incarnation);
    const bool unused = is_idle(entry, &lease) || rl_lease_is_old(&lease);
    if (last || is_over(&lease) || (unused && rl_lease_prepare_return(&lease))) {
        keeper_drop(source->leases, i, &lease);
    }
    source->session->store->ops->end(source->session);
}

bool rl_keeper_tend(const rl_source_t *source, int64_t now, bool last)
{
    for (int i = 0; i < RL_LEASE_LIST_SIZE; i++) {
        rl_lease_entry_t *entry = rl_lease_list_at(source->leases, i);
        if (entry != NULL) {
            entry->op.now = now;
            keeper_look(source, i, entry, last);
        }
    }
    return rl_lease_list_has_any(source->leases);
}
