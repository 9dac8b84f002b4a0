/* SPDX-License-Identifier: Apache-2.0 */
/* The shared store in memcached, through libmemcached, which only memcached.c includes. */
#ifndef RL_MEMCACHED_MEMCACHED_H
#define RL_MEMCACHED_MEMCACHED_H

#include <apr_pools.h>

#include "../fleet/shared_store.h"
#include "breaker.h"
#include "counter_text.h"
#include "health.h"
#include "server_event.h"

typedef struct rl_memcached_server {
    const char *name;    /* as written in the directive, for logs */
    const char *host;    /* the host in the name, or the path of a unix socket */
    const char *address; /* numeric address of the host, NULL if unknown; or the path again */
    uint16_t port;       /* 0 for a unix socket */
    rl_health_state_t *health; /* that processes share; NULL: each finds it out by itself */
    rl_traffic_t *traffic;     /* counts round trips; NULL: nothing does */
} rl_memcached_server_t;

/* Which server has a counter depends on hosts and ports, not on addresses: each server of a
 * fleet may resolve the names to other addresses, or not at all. */
typedef struct rl_memcached_settings {
    const rl_memcached_server_t *servers; /* same servers, same order on the whole fleet */
    unsigned nservers;
    const char *prefix; /* of every key: printable, RL_COUNTER_TEXT_PREFIX_MAX bytes at most */
    int64_t timeout_us; /* microseconds for one session */
    unsigned connections; /* most connections at a time, per process and server */
    rl_breaker_settings_t breaker;
} rl_memcached_settings_t;

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
