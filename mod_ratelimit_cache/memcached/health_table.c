/* SPDX-License-Identifier: Apache-2.0 */
#include "health_table.h"

#include <string.h>

#include "../core/digest.h"

rl_health_state_t *rl_health_table_find(void *table, const char *name)
{
    rl_health_slot_t *slots = table;
    const uint64_t hash = rl_digest_public(name, strlen(name)).lo | 1;
    for (unsigned i = 0; i < RL_HEALTH_SLOTS; i++) {
        rl_health_slot_t *slot = &slots[(hash / 2 + i) % RL_HEALTH_SLOTS];
        uint64_t server = 0;
        if (atomic_compare_exchange_strong(&slot->server, &server, hash) || server == hash) {
            return &slot->state;
        }
    }
    return NULL;
}
