/* TCP connections that a library has made and keeps to itself: they are found among this
 * process's descriptors by their ends: connections to two servers may share a local port.
 *
 * Whoever looks on from another thread can't rely on a descriptor: it may be closed at any
 * moment, and mean something else then. So the ends are looked at again each time.
 */
#ifndef RL_MEMCACHED_CONNECTION_SOCKET_H
#define RL_MEMCACHED_CONNECTION_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rl_socket_address {
    uint16_t port;           /* 0: none */
    unsigned char bytes[16]; /* an IPv4 address in the first four, the rest 0 */
} rl_socket_address_t;

typedef struct rl_socket_ends {
    uint16_t local; /* its port; 0: no connection */
    rl_socket_address_t peer;
    uint64_t id; /* not 0: it is the socket with this identity, whatever its ends */
} rl_socket_ends_t;

/* The address that is written like this, in numbers; none for anything else, or NULL. */
rl_socket_address_t rl_socket_address(const char *ip, uint16_t port);

/* The descriptor of the connection between these ends, -1 when there is none. Looks at all
 * descriptors of the process. */
int rl_socket_find(const rl_socket_ends_t *ends);

/* Whether the descriptor, of the caller's own thread, is the connection between these ends,
 * still open at both ends, and nothing has been received on it. Doesn't wait. */
bool rl_socket_is_idle(int fd, const rl_socket_ends_t *ends);

/* A copy of the descriptor that is the connection between these ends, whoever closes the
 * original; -1 when it is something else. The caller closes it. */
int rl_socket_copy(int fd, const rl_socket_ends_t *ends);

/* The first descriptor, from this one on, of a connection to a unix socket, and the identity of
 * its socket, which no other one has while it is open; -1: no more. */
int rl_socket_next_to(const char *path, int fd, uint64_t *id);

/* Names a file as it is now: another value when it has been made anew since. 0: no file. */
uint64_t rl_socket_file_stamp(const char *path);

#endif
