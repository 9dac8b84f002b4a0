/* SPDX-License-Identifier: Apache-2.0 */
/* The statistics of a server: one segment of shared memory, of constant size, which outlives
 * reloads.
 *
 *     +------------------------------------------------------------------+
 *     | whose slots they are: identity and generation, RL_STATS_SLOTS     |
 *     +------------------------------------------------------------------+
 *     | slot RL_STATS_ALL: requests with a rule, each counted once        |
 *     | slots of rules, one for each virtual host that has figures of its |
 *     | own (figures.h)                                                   |
 *     +------------------------------------------------------------------+
 *     | traffic with servers of shared stores (traffic.h)                 |
 *     | decisions without the store, and by leases, of each shared store  |
 *     | values of keys (values.h), what tags stand for (tags.h)           |
 *     | evictions                                                         |
 *     +------------------------------------------------------------------+
 *
 * Pages that nothing was written to take no memory. Slots are given out only in post_config, by
 * the one parent process, so a request finds its slot without a search. A slot of a rule that
 * is gone stays until another rule needs one: an administrator who takes a rule out and puts it
 * back finds its figures again. A child of an earlier generation may still count in a slot that
 * has a new owner: a few requests, for as long as it lives. */
#ifndef RL_STATS_STATS_H
#define RL_STATS_STATS_H

#include <stddef.h>

#include "../core/digest.h"
#include "figures.h"
#include "tags.h"
#include "traffic.h"
#include "values.h"

#define RL_STATS_SLOTS   2048
#define RL_STATS_SERVERS 64
#define RL_STATS_STORES  32

#define RL_STATS_ALL 0 /* the slot of all requests */

/* What one shared store's sessions counted. */
typedef struct rl_store_figures {
    _Alignas(64) _Atomic uint64_t store; /* names the store; 0: free */
    rl_striped_t local;                  /* decisions that were taken without its answer */
    rl_striped_t leased;                 /* that a lease answered, without a round trip */
} rl_store_figures_t;

typedef struct rl_slot_owner {
    rl_digest_t id;      /* of rule and virtual host; zero: free */
    uint64_t generation; /* the last in which the rule was configured */
} rl_slot_owner_t;

typedef struct rl_stats {
    uint64_t generation; /* counts readings of the configuration */
    rl_slot_owner_t owners[RL_STATS_SLOTS];
    rl_slot_t slots[RL_STATS_SLOTS];
    rl_traffic_t servers[RL_STATS_SERVERS];
    rl_store_figures_t stores[RL_STATS_STORES];
    rl_values_t values;     /* of keys, where RateLimitLog asks for them */
    rl_tags_t tags;         /* of keys whose denial was logged */
    rl_striped_t evictions; /* of keys that were still in use, from the ledger */
} rl_stats_t;

/* Begins a new generation. For the parent process; then it keeps the slots of all rules that
 * are configured, and only then takes slots, so that no rule gets another one's. */
void rl_stats_begin(rl_stats_t *stats);
void rl_stats_keep(rl_stats_t *stats, const rl_digest_t *id);

/* Returns the slot of this identity, from RL_STATS_ALL + 1 on: the one it has, a free one, or
 * one whose rule is in no configuration any more. Returns RL_STATS_ALL if there is none. For
 * the parent process. */
unsigned rl_stats_take(rl_stats_t *stats, const rl_digest_t *id);

/* Returns the traffic with a server, by its name; NULL if there are too many servers. */
rl_traffic_t *rl_stats_server(rl_stats_t *stats, const char *name);

/* Returns a shared store's figures, by what names it, not 0; NULL if there are too many. */
rl_store_figures_t *rl_stats_store(rl_stats_t *stats, uint64_t store);

#endif
