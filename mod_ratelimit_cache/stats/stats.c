/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <stdbool.h>
#include <string.h>

void rl_stats_begin(rl_stats_t *stats)
{
    stats->generation++;
}

static bool is_owner(const rl_figures_owner_t *owner, const rl_digest_t *id)
{
    return owner->id.hi == id->hi && owner->id.lo == id->lo;
}

void rl_stats_keep(rl_stats_t *stats, const rl_digest_t *id)
{
    for (unsigned i = RL_STATS_ALL + 1; i < RL_STATS_FIGURES; i++) {
        if (is_owner(&stats->owners[i], id)) {
            stats->owners[i].generation = stats->generation;
            return;
        }
    }
}

/* Returns the number of the figures that the identity may have: its own, else free ones, else
 * those whose rule is gone for the longest time. */
static unsigned choose_figures(const rl_stats_t *stats, const rl_digest_t *id)
{
    uint64_t oldest = stats->generation;
    unsigned best = RL_STATS_ALL;
    for (unsigned i = RL_STATS_ALL + 1; i < RL_STATS_FIGURES; i++) {
        const rl_figures_owner_t *owner = &stats->owners[i];
        if (is_owner(owner, id)) {
            return i;
        }
        if (owner->generation < oldest) { /* that of a free one is 0 */
            oldest = owner->generation;
            best = i;
        }
    }
    return best;
}

unsigned rl_stats_take(rl_stats_t *stats, const rl_digest_t *id)
{
    const unsigned i = choose_figures(stats, id);
    rl_figures_owner_t *owner = &stats->owners[i];
    if (i == RL_STATS_ALL) {
        return i;
    }
    if (!is_owner(owner, id) && owner->generation > 0) {
        rl_figures_wipe(&stats->figures[i]);
    }
    owner->id = *id;
    owner->generation = stats->generation;
    return i;
}

/* Returns true if the word is the name's: it has the name already, or was free. */
static bool claim_name(_Atomic uint64_t *word, uint64_t name)
{
    uint64_t there = 0;
    return atomic_compare_exchange_strong(word, &there, name) || there == name;
}

rl_traffic_t *rl_stats_server(rl_stats_t *stats, const char *name)
{
    const uint64_t hash = rl_digest_public(name, strlen(name)).lo | 1;
    for (unsigned i = 0; i < RL_STATS_SERVERS; i++) {
        if (claim_name(&stats->servers[i].server, hash)) {
            return &stats->servers[i];
        }
    }
    return NULL;
}

rl_store_figures_t *rl_stats_store(rl_stats_t *stats, uint64_t store)
{
    for (unsigned i = 0; i < RL_STATS_STORES; i++) {
        if (claim_name(&stats->stores[i].store, store)) {
            return &stats->stores[i];
        }
    }
    return NULL;
}
