/* SPDX-License-Identifier: Apache-2.0 */
/* Handles: the connections of this process to the servers of a store, through libmemcached,
 * which only this file includes. Private to the files of memcached/ that talk to servers.
 *
 * What libmemcached demands of its callers, all of it measured:
 * - A memcached_st belongs to one thread at a time and must not cross a fork. So each process
 *   keeps a stack of them for each server. A session may hold several at a time, but nobody
 *   waits for one while holding another.
 * - A memcached_st that knows several servers would connect to all of them, throw all
 *   connections away together, and hash the servers' addresses. So each one here connects to a
 *   single server. One more, the ring, knows all servers by their names, never connects, and
 *   tells which server has a key.
 * - Its binary protocol aborts the process when the server is out of memory. So this uses the
 *   text protocol.
 * - A server that hangs costs the poll timeout each time. So the timeout is set to what the
 *   session has left, and the breaker stops the asking.
 * - The timeout restarts with each byte: a server that drips its answer can take any time. A
 *   watchdog cuts such a connection off.
 * - After an error the handle is thrown away with its connection. So an answer that comes late
 *   can't be taken for the next one, and no timer of the library's own keeps this process away
 *   from a server that has come back.
 * - It notices that a connection was closed only after it has sent into it. So idle connections
 *   are looked at before they are used.
 */
#ifndef RL_MEMCACHED_HANDLE_H
#define RL_MEMCACHED_HANDLE_H

#include <stdatomic.h>
#include <sys/types.h>

#include <libmemcached/memcached.h>

#include "connection/descriptor.h"
#include "connection/stack.h"
#include "connection/watchdog.h"
#include "../fleet/shared_store.h"
#include "settings.h"

/* A handle: one of this process's connections to a server. */
typedef struct rl_handle {
    rl_stacked_t stacked;
    struct rl_server *server;
    memcached_st *memc; /* NULL: not open */
    unsigned era;       /* the server's era in which it was opened */
    bool has_answered;  /* its connection has brought a good answer */
    int64_t idle_since; /* microseconds of the monotonic clock */
    rl_descriptor_t descriptor;
} rl_handle_t;

typedef struct rl_server {
    const rl_memcached_server_t *config;
    rl_health_t health;
    rl_endpoint_t endpoint;
    rl_stack_t idle;
    _Atomic unsigned era; /* grows with failures; connections of an earlier era may be dead */
    _Atomic bool answers_all; /* commands that want no answer as well: see exchange.c */
    _Atomic int64_t
        alone_until; /* a proxy that lacks a memcached: until then it is asked for one
                      * counter after the other; microseconds of the monotonic clock */
} rl_server_t;

typedef struct rl_memcached {
    rl_store_t base;
    const rl_memcached_settings_t *settings;
    memcached_st *ring;
    rl_server_t *servers;
    rl_handle_t *handles; /* of all servers; the index is the handle's slot at the watchdog */
    rl_watchdog_t *watchdog;
    pid_t process; /* of one that is forked off the connections must not be closed, either */
} rl_memcached_t;

/* Adds a server to those that a memcached_st knows; port 0 means a unix socket. Returns false
 * if there is no memory. */
bool rl_handle_add_server(memcached_st *memc, const char *host, uint16_t port);

/* Returns the handle that the session goes on with: the one it holds if that is to this server,
 * else one borrowed in exchange. NULL if none is returned to the stack in time. */
rl_handle_t *rl_handle_for(rl_store_session_t *session, rl_server_t *server);

/* Borrows one more handle, for use until deadline (microseconds of the monotonic clock), if one
 * is free at once; else returns NULL. Whoever holds another one must not wait. */
rl_handle_t *rl_handle_one_more(rl_memcached_t *store, rl_server_t *server, int64_t deadline);

/* Gives the time until which the handle may be waited on anew. */
void rl_handle_watch(rl_memcached_t *store, const rl_handle_t *handle, int64_t deadline);

/* Gives a handle back to its server's stack. */
void rl_handle_give_back(rl_memcached_t *store, rl_handle_t *handle);

/* Closes the handle's connection. */
void rl_handle_close(rl_memcached_t *store, rl_handle_t *handle);

/* Returns the local port of the handle's connection; 0 if there is none, or it isn't TCP. The
 * watchdog calls it too, from its own thread. */
uint16_t rl_handle_local_port(const rl_handle_t *handle);

/* Returns, for the watchdog, a copy of the descriptor that the handle's user waits on. */
int rl_handle_find_socket(void *store, unsigned slot);

#endif
