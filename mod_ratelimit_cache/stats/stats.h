/* SPDX-License-Identifier: Apache-2.0 */
/* The statistics of a server: one segment of shared memory, of constant size, which outlives
 * reloads.
 *
 *     +------------------------------------------------------------------+
 *     | figures RL_STATS_ALL: of requests with a rule, each counted once |
 *     | figures of rules, and of each virtual host that has its own      |
 *     | (figures.h); RL_STATS_FIGURES in all                             |
 *     +------------------------------------------------------------------+
 *     | whose figures they are: identity and generation                  |
 *     +------------------------------------------------------------------+
 *     | traffic with servers of shared stores (traffic.h)                |
 *     | decisions without the store, and by leases, of each shared store |
 *     | values of keys (values.h), what tags stand for (tags.h)          |
 *     | evictions                                                        |
 *     +------------------------------------------------------------------+
 *
 * Pages that nothing was written to take no memory. Figures are given out only in post_config,
 * by the one parent process, so a request finds its own without a search. Those of a rule that
 * is gone stay until another rule needs them: an administrator who takes a rule out and puts it
 * back finds them again. A child of an earlier generation may still count in figures that have
 * a new owner: a few requests, for as long as it lives. */
#ifndef RL_STATS_STATS_H
#define RL_STATS_STATS_H

#include <stddef.h>

#include "../core/digest.h"
#include "figures.h"
#include "tags.h"
#include "traffic.h"
#include "values.h"

#define RL_STATS_FIGURES 2048
#define RL_STATS_SERVERS 64
#define RL_STATS_STORES  32

#define RL_STATS_ALL 0 /* the number of those of all requests */

/* What one shared store's sessions counted. */
typedef struct rl_store_figures {
    _Alignas(64) _Atomic uint64_t store; /* names the store; 0: free */
    rl_striped_t local;                  /* decisions that were taken without its answer */
    rl_striped_t leased;                 /* that a lease answered, without a round trip */
} rl_store_figures_t;

typedef struct rl_figures_owner {
    rl_digest_t id;      /* of rule and virtual host; zero: free */
    uint64_t generation; /* the last in which the rule was configured */
} rl_figures_owner_t;

typedef struct rl_stats {
    rl_figures_t figures[RL_STATS_FIGURES]; /* first, and so each at the beginning of a page */
    uint64_t generation;                    /* counts readings of the configuration */
    rl_figures_owner_t owners[RL_STATS_FIGURES];
    rl_traffic_t servers[RL_STATS_SERVERS];
    rl_store_figures_t stores[RL_STATS_STORES];
    rl_values_t values;     /* of keys, where RateLimitLog asks for them */
    rl_tags_t tags;         /* of keys whose denial was logged */
    rl_striped_t evictions; /* of keys that were still in use, from the ledger */
} rl_stats_t;

/* Begins a new generation. For the parent process; then it keeps the figures of all rules
 * that are configured, and only then takes some, so that no rule gets another one's. */
void rl_stats_begin(rl_stats_t *stats);
void rl_stats_keep(rl_stats_t *stats, const rl_digest_t *id);

/* Returns the number of this identity's figures, from RL_STATS_ALL + 1 on: those it has, free
 * ones, or those of a rule that is in no configuration any more. Returns RL_STATS_ALL if there
 * are none. For the parent process. */
unsigned rl_stats_take(rl_stats_t *stats, const rl_digest_t *id);

/* Returns the traffic with a server, by its name; NULL if there are too many servers. */
rl_traffic_t *rl_stats_server(rl_stats_t *stats, const char *name);

/* Returns a shared store's figures, by what names it, not 0; NULL if there are too many. */
rl_store_figures_t *rl_stats_store(rl_stats_t *stats, uint64_t store);

#endif
