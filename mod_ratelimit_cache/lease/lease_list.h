/* SPDX-License-Identifier: Apache-2.0 */
/* The list of the leases that this process has reserved units for. Leases themselves are in
 * shared memory (lease.h); the list tells the keeper where to look. Its size is fixed; a key
 * that finds no room on it gets no lease. */
#ifndef RL_LEASE_LEASE_LIST_H
#define RL_LEASE_LEASE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_pools.h>

#include "../core/meter/meter.h"
#include "../system/background.h"

/* An entry: where to find a lease. Once listed it belongs to the thread that tends the list. */
typedef struct rl_lease_entry {
    rl_operation_t op;    /* on the key's counter; its time and cost have no meaning */
    uint32_t window;      /* of the shared counter; 0 for a token bucket */
    unsigned incarnation; /* of the shared counter */
    uint64_t seen;        /* the lease's word at the keeper's last look */
    int64_t since; /* when the word was first seen like this, microseconds since the epoch */
} rl_lease_entry_t;

typedef struct rl_lease_list rl_lease_list_t;

/* Makes an empty list that lives as long as the pool. Returns NULL if there is no memory. */
rl_lease_list_t *rl_lease_list_create(apr_pool_t *pool);

/* Sets the thread that tends the list, which is woken when an entry is added. */
void rl_lease_list_set_thread(rl_lease_list_t *list, rl_background_t *thread);

/* Adds an entry for the lease whose cell has this ledger key, unless the list has one. Returns
 * false if there is no room. Callable from any thread; never waits. */
bool rl_lease_list_add(rl_lease_list_t *list, const rl_digest_t *ledger_key,
                       const rl_lease_entry_t *entry);

/* Returns the entry at place i, 0 to RL_LEASE_LIST_SIZE - 1; NULL if there is none, or it is
 * being written. For the tending thread only. */
#define RL_LEASE_LIST_SIZE 1024
rl_lease_entry_t *rl_lease_list_at(rl_lease_list_t *list, int i);

/* Takes the entry at place i off the list. For the tending thread only. */
void rl_lease_list_remove(rl_lease_list_t *list, int i);

/* Returns true if the list has any entry, including one that is being written. */
bool rl_lease_list_has_any(const rl_lease_list_t *list);

#endif
