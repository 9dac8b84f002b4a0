/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the connections that a library has made and keeps to itself among the descriptors of
 * this process: TCP connections by their ends, both of them, because connections to two servers
 * may share a local port; connections to a unix socket by the path.
 *
 * Another thread can't rely on a descriptor: it may be closed at any moment, and mean something
 * else then. So the ends are checked each time.
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
    uint16_t local; /* the local port; 0: no connection */
    rl_socket_address_t peer;
    uint64_t id; /* identity of the socket; if not 0, only this is compared, not the ends */
} rl_socket_ends_t;

/* Parses a numeric address, and ignores a scope ("%eth0"). Returns an address with port 0 for
 * anything else, or NULL. */
rl_socket_address_t rl_socket_address(const char *ip, uint16_t port);

/* Returns the descriptor of the connection between these ends, -1 if there is none. Looks at
 * all descriptors of the process. */
int rl_socket_find(const rl_socket_ends_t *ends);

/* Returns true if the descriptor is the connection between these ends, open at both ends, with
 * nothing received on it. The descriptor must be the calling thread's own. Doesn't wait. */
bool rl_socket_is_idle(int fd, const rl_socket_ends_t *ends);

/* Returns a copy of the descriptor, which stays open whoever closes the original; -1 if it
 * isn't the connection between these ends. The caller closes the copy. */
int rl_socket_copy(int fd, const rl_socket_ends_t *ends);

/* Returns the first descriptor, from fd on, that is connected to this unix socket, and sets *id
 * to the identity of its socket, which no other socket has while this one is open. -1 if there
 * is none. */
int rl_socket_next_unix(const char *path, int fd, uint64_t *id);

/* Returns a number that names a file as it is now, and differs once the file has been made
 * anew; 0 if there is no file. */
uint64_t rl_socket_file_stamp(const char *path);

#endif
