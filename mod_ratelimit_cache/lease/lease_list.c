/* SPDX-License-Identifier: Apache-2.0 */
#include "lease_list.h"

#include <stdatomic.h>
#include <stdlib.h>

#define WAYS 8
#define SETS (RL_LEASE_LIST_SIZE / WAYS)

/* Marks of a place that has no lease; any other mark is a lease's. */
#define VACANT  0u
#define WRITING 1u

/* A place belongs to whoever set its mark to WRITING, and afterwards to the thread that tends
 * the list. */
typedef struct rl_list_place {
    _Atomic uint64_t mark;
    rl_lease_entry_t entry;
} rl_list_place_t;

struct rl_lease_list {
    rl_background_t *thread;
    rl_list_place_t places[SETS][WAYS];
};

static apr_status_t free_list(void *data)
{
    free(data);
    return APR_SUCCESS;
}

/* Allocates outside the pool, with calloc(): pages that are never used are never touched. */
rl_lease_list_t *rl_lease_list_create(apr_pool_t *pool)
{
    rl_lease_list_t *list = calloc(1, sizeof(*list));
    if (list != NULL) {
        apr_pool_cleanup_register(pool, list, free_list, apr_pool_cleanup_null);
    }
    return list;
}

void rl_lease_list_set_thread(rl_lease_list_t *list, rl_background_t *thread)
{
    list->thread = thread;
}

static uint64_t list_mark(const rl_digest_t *ledger_key)
{
    return ledger_key->lo > WRITING ? ledger_key->lo : ledger_key->lo + WRITING + 1;
}

static bool set_has(const rl_list_place_t *set, uint64_t mark)
{
    for (int i = 0; i < WAYS; i++) {
        if (atomic_load(&set[i].mark) == mark) {
            return true;
        }
    }
    return false;
}

/* Two threads that add the same lease at once may list it twice. This does no harm: only one of
 * the entries can take what is left of the lease. */
bool rl_lease_list_add(rl_lease_list_t *list, const rl_digest_t *ledger_key,
                       const rl_lease_entry_t *entry)
{
    rl_list_place_t *set = list->places[ledger_key->hi % SETS];
    const uint64_t mark = list_mark(ledger_key);
    if (set_has(set, mark)) {
        return true;
    }
    for (int i = 0; i < WAYS; i++) {
        uint64_t vacant = VACANT;
        if (atomic_compare_exchange_strong(&set[i].mark, &vacant, WRITING)) {
            set[i].entry = *entry;
            atomic_store(&set[i].mark, mark);
            rl_background_wake(list->thread);
            return true;
        }
    }
    return false;
}

rl_lease_entry_t *rl_lease_list_at(rl_lease_list_t *list, int i)
{
    rl_list_place_t *place = &list->places[i / WAYS][i % WAYS];
    return atomic_load(&place->mark) > WRITING ? &place->entry : NULL;
}

void rl_lease_list_remove(rl_lease_list_t *list, int i)
{
    atomic_store(&list->places[i / WAYS][i % WAYS].mark, VACANT);
}

bool rl_lease_list_has_any(const rl_lease_list_t *list)
{
    bool any = false;
    for (int i = 0; i < RL_LEASE_LIST_SIZE; i++) {
        any |= atomic_load(&list->places[i / WAYS][i % WAYS].mark) != VACANT;
    }
    return any;
}
