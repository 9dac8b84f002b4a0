/* SPDX-License-Identifier: Apache-2.0 */
/* Collects prefixes with labels, and makes a table of them. */
#ifndef RL_NETWORKS_BUILDER_H
#define RL_NETWORKS_BUILDER_H

#include <apr_pools.h>

#include "../core/address.h"
#include "table.h"

#define RL_NETWORK_PREFIXES_MAX 10000000u /* in one table */
#define RL_NETWORK_LABELS_MAX   1000000u  /* different ones */

typedef struct rl_network_builder rl_network_builder_t;

/* Two lines that have the same prefix, with different labels. */
typedef struct rl_network_conflict {
    uint32_t line, earlier_line;
} rl_network_conflict_t;

/* Begins an empty table. What the builder needs meanwhile lives as long as the pool: 32 bytes a
 * prefix, later as much again, and the labels. */
rl_network_builder_t *rl_network_builder_create(apr_pool_t *pool);

/* Adds a prefix, whose bits beyond its length are zero, with the len bytes of its label; `line`
 * is where it stands. Returns NULL or the reason, a constant sentence, why it can't be added.
 */
const char *rl_network_builder_add(rl_network_builder_t *builder, const rl_address_t *prefix,
                                   const char *label, size_t len, uint32_t line);

/* Sets *table to one of all prefixes that were added, which is the caller's to free, and
 * returns NULL; nothing can be added after that. Or returns the reason, a constant sentence,
 * and sets *conflict: its line is 0 if that isn't why. */
const char *rl_network_builder_finish(rl_network_builder_t *builder,
                                      const rl_network_table_t **table,
                                      rl_network_conflict_t *conflict);

#endif
