/* Finding the connection that a library has just made to a unix socket: all of them look alike,
 * so they are made one at a time, and the one that wasn't there before is it. */
#ifndef RL_MEMCACHED_CONNECTION_UNIX_CONNECT_H
#define RL_MEMCACHED_CONNECTION_UNIX_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_pools.h>

#include "socket.h"
#include "stack.h"
#include "watchdog.h"

typedef struct rl_unix_connect {
    const char *path;
    rl_stack_t turn;
    rl_stacked_t token;
    unsigned most, n; /* n > most: too many to tell */
    uint64_t *before; /* identities of the connections that were there */
} rl_unix_connect_t;

/* For a path to which this process has up to `connections` connections of its own, and maybe
 * some of others. False without memory. */
bool rl_unix_connect_init(rl_unix_connect_t *connect, apr_pool_t *pool, const char *path,
                          unsigned connections);

/* Waits for its turn until deadline, of the monotonic clock; false when it doesn't come. What
 * the watchdog's thread may find is settled while it looks for nothing. */
bool rl_unix_connect_begin(rl_unix_connect_t *connect, rl_watchdog_t *watchdog,
                           int64_t deadline);

/* The descriptor of the connection that was made in this turn, and its identity; -1 when there
 * is none, or it can't be told which it is. Also for the watchdog's thread. */
int rl_unix_connect_find(const rl_unix_connect_t *connect, rl_socket_ends_t *ends);

void rl_unix_connect_end(rl_unix_connect_t *connect);

#endif
