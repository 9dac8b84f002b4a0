/* SPDX-License-Identifier: Apache-2.0 */
/* What the store in memcached is told of its servers. */
#ifndef RL_MEMCACHED_SETTINGS_H
#define RL_MEMCACHED_SETTINGS_H

#include <stdint.h>

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

#endif
