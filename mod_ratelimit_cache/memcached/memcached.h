/* SPDX-License-Identifier: Apache-2.0 */
/* The shared store in memcached, through libmemcached, which only handle.h includes. */
#ifndef RL_MEMCACHED_MEMCACHED_H
#define RL_MEMCACHED_MEMCACHED_H

#include <apr_pools.h>

#include "../fleet/shared_store.h"
#include "settings.h"

/* Makes the store for one process. Call it after the fork, because two processes that share a
 * connection mix up their answers. The settings must outlive the store. notify is told of
 * events, with context, from any thread. Returns NULL if there is no memory. */
rl_store_t *rl_memcached_create(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                                rl_server_notify_fn *notify, void *context);

/* Asks one server, by its place in the settings, for an answer within the timeout, without
 * libmemcached. Returns NULL if it gave one; else a text in the pool that completes "memcached
 * HOST ...", such as "does not answer (Connection refused)". Sets *unsafe if libmemcached would
 * end the process that reads such an answer: then don't let it. Keeps no connection. */
const char *rl_memcached_probe(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                               unsigned server, bool *unsafe);

#endif
