/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of networks that the configuration has, by name. A rule may name one that a later
 * directive reads. */
#ifndef RL_NETWORKS_CATALOGUE_H
#define RL_NETWORKS_CATALOGUE_H

#include <stdbool.h>

#include <apr_pools.h>

#include "table.h"

#define RL_NETWORKS_MAX 64 /* names */

typedef struct rl_networks {
    const char *name;
    const rl_network_table_t *table; /* NULL: no directive has read it yet */
    const char *wanted_by;           /* for an error: who named it first; NULL: nobody */
    const char *path;                /* of its file */
    unsigned read_ms;                /* how long reading took */
} rl_networks_t;

/* Forgets all names, and gives their tables back. What lies in pools must still be there. */
void rl_networks_clear(void);

/* Finds a name, or adds it if `add` is set. Returns NULL if it isn't there and can't be added.
 * The name has to live until rl_networks_clear(), and isn't copied. */
rl_networks_t *rl_networks_get(const char *name, bool add);

/* Finds the table that somebody who is called `by` in an error wants. While the configuration
 * is being read (`later`), a directive may still read it, and both texts have to live until
 * rl_networks_clear(). Returns NULL and sets *networks; or returns the reason, in the pool. */
const char *rl_networks_want(apr_pool_t *pool, const char *name, const char *by, bool later,
                             const rl_networks_t **networks);

/* Returns the reason, in the pool, why there is no such table. */
const char *rl_networks_unknown(apr_pool_t *pool);

/* Returns the names one by one, from i = 0; NULL after the last. */
const rl_networks_t *rl_networks_at(unsigned i);

/* Returns the label of an address; NULL if it has none. */
const char *rl_networks_label(const rl_networks_t *networks, const rl_address_t *address);

#endif
