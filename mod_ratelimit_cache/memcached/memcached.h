/* A shared store in memcached, through libmemcached. The only file that includes it is
 * memcached.c. */
#ifndef RL_MEMCACHED_MEMCACHED_H
#define RL_MEMCACHED_MEMCACHED_H

#include <apr_pools.h>

#include "../fleet/shared_store.h"
#include "breaker.h"
#include "counter_text.h"
#include "server_event.h"

typedef struct rl_memcached_server {
    const char *name;    /* as it was written, for logs */
    const char *host;    /* of that the host, or the path of a unix socket */
    const char *address; /* numeric address of the host, NULL: unknown; or the path again */
    uint16_t port;       /* 0 for a unix socket */
} rl_memcached_server_t;

/* Which server has a counter depends on the hosts and ports, not on the addresses: names may be
 * resolved differently, or not at all, on each member of a fleet. */
typedef struct rl_memcached_settings {
    const rl_memcached_server_t *servers; /* the same, in the same order, on all of a fleet */
    unsigned nservers;
    const char *prefix; /* of every key, at most RL_COUNTER_TEXT_PREFIX_MAX bytes, printable */
    int64_t timeout_us; /* for one session */
    unsigned connections; /* most at a time per process and server */
    rl_breaker_settings_t breaker;
} rl_memcached_settings_t;

/* Makes the store for one process; to be called after the fork, for a connection that two
 * processes share mixes up their answers. Settings must outlive it. NULL without memory. */
rl_store_t *rl_memcached_create(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                                rl_server_notify_fn *notify, void *context);

/* Asks one server for an answer, within the timeout; NULL when it gave one, else what it does
 * instead and why, as "does not answer (A TIMEOUT OCCURRED)", in the pool. Keeps no connection.
 */
const char *rl_memcached_probe(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                               unsigned server);

#endif
