/* What is known of a connection that a library has made and keeps to itself: its descriptor. */
#ifndef RL_MEMCACHED_CONNECTION_DESCRIPTOR_H
#define RL_MEMCACHED_CONNECTION_DESCRIPTOR_H

#include <stdatomic.h>

#include "unix_connect.h"

/* Where connections go. */
typedef struct rl_endpoint {
    const char *address; /* numeric, or the path of a unix socket */
    bool is_unix;
    rl_socket_address_t peer; /* TCP */
    rl_unix_connect_t turn;   /* unix socket */
} rl_endpoint_t;

typedef struct rl_descriptor {
    rl_endpoint_t *to;
    uint64_t stamp;        /* unix socket: of its file */
    _Atomic bool has_turn; /* unix socket: to open its connection */
    rl_socket_ends_t ends; /* when fd is known */
    _Atomic int fd;        /* -1: not known */
} rl_descriptor_t;

/* The address may be NULL; port 0 is a unix socket. False without memory. */
bool rl_endpoint_init(rl_endpoint_t *endpoint, apr_pool_t *pool, const char *address,
                      uint16_t port, unsigned connections);

void rl_descriptor_init(rl_descriptor_t *descriptor, rl_endpoint_t *to);

/* A connection is going to be made; false when it has to wait for others beyond the deadline.
 */
bool rl_descriptor_begin(rl_descriptor_t *descriptor, rl_watchdog_t *watchdog,
                         int64_t deadline);

/* It has been made, and is looked for. The local port is that of a TCP connection. */
void rl_descriptor_remember(rl_descriptor_t *descriptor, uint16_t local_port);

/* A copy of its descriptor, known or looked for; -1: can't be found. For the watchdog's thread.
 */
int rl_descriptor_copy(const rl_descriptor_t *descriptor, uint16_t local_port);

/* Whether it still can be relied on after it was idle, as far as can be told. */
bool rl_descriptor_is_good(const rl_descriptor_t *descriptor);

/* One that isn't known can't be watched, nor, on a unix socket, be told from others that are
 * made: whether it has to be closed. */
bool rl_descriptor_is_lost(const rl_descriptor_t *descriptor);

/* It isn't being made any more. */
void rl_descriptor_done(rl_descriptor_t *descriptor);

#endif
