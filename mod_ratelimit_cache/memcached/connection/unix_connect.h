/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the connection that a library has just made to a unix socket. Connections to the same
 * socket look alike. So they are made one at a time, and the new one is whichever wasn't there
 * before. */
#ifndef RL_MEMCACHED_CONNECTION_UNIX_CONNECT_H
#define RL_MEMCACHED_CONNECTION_UNIX_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_pools.h>

#include "socket.h"
#include "stack.h"
#include "watchdog.h"

typedef struct rl_unix_connect {
    const char *path; /* of the unix socket */
    rl_stack_t turn;  /* holds the token while nobody connects */
    rl_stacked_t token;
    unsigned most, n; /* room in `before`, and connections found; n > most: too many to tell */
    uint64_t *before; /* identities of the connections that were there before */
} rl_unix_connect_t;

/* Prepares for a path to which this process has up to `connections` connections of its own, and
 * maybe some that other code made. Returns false if there is no memory. */
bool rl_unix_connect_init(rl_unix_connect_t *connect, apr_pool_t *pool, const char *path,
                          unsigned connections);

/* Waits for the turn to connect, until deadline, microseconds of the monotonic clock, and lists
 * the connections that are there. Returns false if the turn doesn't come. The list is made
 * while the watchdog looks at nothing, because the watchdog's thread reads it. */
bool rl_unix_connect_begin(rl_unix_connect_t *connect, rl_watchdog_t *watchdog,
                           int64_t deadline);

/* Returns the descriptor of the connection that was made in this turn, and sets ends to its
 * identity; -1 if there is none, or it can't be told which one it is. Callable from the
 * watchdog's thread. */
int rl_unix_connect_find(const rl_unix_connect_t *connect, rl_socket_ends_t *ends);

/* Ends the turn. */
void rl_unix_connect_end(rl_unix_connect_t *connect);

#endif
