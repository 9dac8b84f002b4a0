/* A shared store in memcached, through libmemcached. The only file that includes it is
 * memcached.c. */
#ifndef RL_STORE_MEMCACHED_H
#define RL_STORE_MEMCACHED_H

#include <apr_pools.h>

#include "breaker.h"
#include "upstream.h"

#define RL_MEMCACHED_PREFIX_MAX 64

typedef struct rl_memcached_server {
    const char *name;    /* as it was written, for logs */
    const char *address; /* a numeric address, or the path of a unix socket */
    uint16_t port;       /* 0 for a unix socket */
} rl_memcached_server_t;

typedef struct rl_memcached_settings {
    const rl_memcached_server_t *servers; /* the same, in the same order, on all of a fleet */
    unsigned nservers;
    const char *prefix;   /* of every key, at most RL_MEMCACHED_PREFIX_MAX bytes, printable */
    int64_t timeout_us;   /* for one session */
    unsigned connections; /* most at a time per process and server */
    rl_breaker_settings_t breaker;
} rl_memcached_settings_t;

/* Told once per change of a server's state, from any thread. */
typedef void rl_memcached_notify_fn(void *context, bool works, const char *server,
                                    const char *reason);

/* Makes the store for one process; to be called after the fork, for a connection that two
 * processes share mixes up their answers. Settings must outlive it. NULL without memory. */
rl_upstream_t *rl_memcached_create(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                                   rl_memcached_notify_fn *notify, void *context);

/* Asks one server for an answer, within the timeout; NULL when it gave one, else the reason, in
 * the pool. Keeps no connection. */
const char *rl_memcached_probe(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                               unsigned server);

#endif
