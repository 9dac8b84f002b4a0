/* SPDX-License-Identifier: Apache-2.0 */
/* The health of servers as all processes of this host find it together: what one of them learns
 * of a server that fails, the others need not wait for. It is in shared memory:
 *
 *     table    | slot 0 | slot 1 | ... | slot RL_HEALTH_SLOTS - 1 |
 *
 *     slot     +---------------------------------------------+
 *              | server: hash of its name, 0: free      (64) |
 *              +---------------------------------------------+
 *              | state: rl_health_state_t, health.h          |
 *              +---------------------------------------------+
 *
 * A process that is killed leaves nothing half-written: each member is changed by itself. */
#ifndef RL_MEMCACHED_HEALTH_TABLE_H
#define RL_MEMCACHED_HEALTH_TABLE_H

#include <stddef.h>

#include "health.h"

#define RL_HEALTH_SLOTS 128

typedef struct rl_health_slot {
    _Atomic uint64_t server;
    rl_health_state_t state;
} rl_health_slot_t;

#define RL_HEALTH_TABLE_SIZE (RL_HEALTH_SLOTS * sizeof(rl_health_slot_t))

/* Returns the state of a server in a table of RL_HEALTH_TABLE_SIZE bytes, which must have been
 * zeroed once; NULL if the table is full. Stores that ask one server in different ways (another
 * time-out) may give it different names. */
rl_health_state_t *rl_health_table_find(void *table, const char *name);

#endif
