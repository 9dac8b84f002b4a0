/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor of a connection that a library has made and keeps to itself: how it is found,
 * and how it is checked. */
#ifndef RL_MEMCACHED_CONNECTION_DESCRIPTOR_H
#define RL_MEMCACHED_CONNECTION_DESCRIPTOR_H

#include <stdatomic.h>

#include "unix_connect.h"

/* A server to which connections are made. */
typedef struct rl_endpoint {
    const char *address; /* numeric, or the path of a unix socket */
    bool is_unix;
    rl_socket_address_t peer; /* TCP */
    rl_unix_connect_t turn;   /* unix socket */
} rl_endpoint_t;

typedef struct rl_descriptor {
    rl_endpoint_t *to;     /* the server */
    uint64_t stamp;        /* unix socket: names the file to which it was made */
    _Atomic bool has_turn; /* unix socket: it is this one's turn to connect */
    rl_socket_ends_t ends; /* its ends, once fd is known */
    _Atomic int fd;        /* -1: not known */
} rl_descriptor_t;

/* Prepares an endpoint for up to so many connections of this process. address may be NULL; port
 * 0 means a unix socket. Returns false if there is no memory. */
bool rl_endpoint_init(rl_endpoint_t *endpoint, apr_pool_t *pool, const char *address,
                      uint16_t port, unsigned connections);

/* Initializes *descriptor for a connection to this endpoint; its fd isn't known yet. */
void rl_descriptor_init(rl_descriptor_t *descriptor, rl_endpoint_t *to);

/* Prepares for a connection that is about to be made. On a unix socket waits for its turn,
 * because connections to one are made one at a time, until deadline, microseconds of the
 * monotonic clock. Returns false if the turn doesn't come. */
bool rl_descriptor_begin(rl_descriptor_t *descriptor, rl_watchdog_t *watchdog,
                         int64_t deadline);

/* Looks for the descriptor of the connection that has just been made, and ends its turn.
 * local_port is that of a TCP connection; it is ignored for a unix socket. */
void rl_descriptor_connected(rl_descriptor_t *descriptor, uint16_t local_port);

/* Returns a copy of the descriptor, which is looked for if it isn't known; -1 if it can't be
 * found. The caller closes the copy. For the watchdog's thread. */
int rl_descriptor_copy(const rl_descriptor_t *descriptor, uint16_t local_port);

/* With `hold`, what the connection's user sends from now on waits until the call without, to
 * leave in as few packets as can be. Does nothing for a unix socket, which has no packets, or
 * if the descriptor isn't known. For the connection's user only. */
void rl_descriptor_hold(const rl_descriptor_t *descriptor, bool hold);

/* Returns true if the connection can be relied on after it was idle, as far as this end can
 * tell. */
bool rl_descriptor_is_good(const rl_descriptor_t *descriptor);

/* Returns true if the connection must be closed because its descriptor isn't known: on a unix
 * socket it could neither be watched nor be told from those that are made later. */
bool rl_descriptor_must_close(const rl_descriptor_t *descriptor);

/* Ends the turn to connect, if this descriptor has it. */
void rl_descriptor_end_turn(rl_descriptor_t *descriptor);

#endif
