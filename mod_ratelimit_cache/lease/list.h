/* The list of the leases that a process has had a part in. Leases themselves are in shared
 * memory (lease.h); this tells the keeper where to look. It has room for so many; a key that
 * finds none gets no lease. */
#ifndef RL_LEASE_LIST_H
#define RL_LEASE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_pools.h>

#include "../core/meter/meter.h"
#include "../system/background.h"

/* What an entry tells of a lease. It belongs to the thread that tends the list. */
typedef struct rl_listed {
    rl_operation_t op; /* on the key's counter; when and how much have no meaning */
    uint32_t window;
    unsigned incarnation;
    uint64_t seen; /* the lease's word at the last look, and since when it is the same */
    int64_t since;
} rl_listed_t;

typedef struct rl_lease_list rl_lease_list_t;

/* Makes an empty list that lives as long as the pool. NULL without memory. */
rl_lease_list_t *rl_lease_list_create(apr_pool_t *pool);

/* Sets the thread that tends the list, so that it is woken when there is something to tend. */
void rl_lease_list_set_thread(rl_lease_list_t *list, rl_background_t *thread);

/* Adds a lease, named by the ledger key of its cell, unless the list has it. Returns false if
 * there is no room. From any thread, without waiting. */
bool rl_lease_list_add(rl_lease_list_t *list, const rl_digest_t *ledger_key,
                       const rl_listed_t *entry);

/* For the tending thread: returns the entry at place i, 0 to RL_LEASE_LIST_SIZE - 1; NULL if
 * there is none, or it is being written. */
#define RL_LEASE_LIST_SIZE 1024
rl_listed_t *rl_lease_list_at(rl_lease_list_t *list, int i);

/* For the tending thread: takes the entry at place i off the list. */
void rl_lease_list_remove(rl_lease_list_t *list, int i);

/* Returns true if the list has any entry, also one that is being written. */
bool rl_lease_list_has_any(const rl_lease_list_t *list);

#endif
