/* Finding the connection that a library has just made to a unix socket: all of them look alike,
 * so they are made one at a time, and the one that wasn't there before is it. */
#ifndef RL_MEMCACHED_CONNECTION_UNIX_CONNECT_H
#define RL_MEMCACHED_CONNECTION_UNIX_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_pools.h>

#include "stack.h"
#include "socket.h"
#include "watchdog.h"

typedef struct rl_opening {
    const char *path;
    rl_shelf_t turn;
    rl_shelved_t token;
    unsigned most, n; /* n > most: too many to tell */
    uint64_t *before; /* identities of the connections that were there */
} rl_opening_t;

/* For a path to which this process has up to `connections` connections of its own, and maybe
 * some of others. False without memory. */
bool rl_opening_init(rl_opening_t *opening, apr_pool_t *pool, const char *path,
                     unsigned connections);

/* Waits for its turn until deadline, of the monotonic clock; false when it doesn't come. What
 * the watchdog's thread may find is settled while it looks for nothing. */
bool rl_opening_begin(rl_opening_t *opening, rl_watchdog_t *watchdog, int64_t deadline);

/* The descriptor of the connection that was made in this turn, and its identity; -1 when there
 * is none, or it can't be told which it is. Also for the watchdog's thread. */
int rl_opening_find(const rl_opening_t *opening, rl_socket_ends_t *ends);

void rl_opening_end(rl_opening_t *opening);

#endif
