/* TCP connections that a library has made and keeps to itself: they are found among this
 * process's descriptors by the ports at their ends.
 *
 * Whoever looks on from another thread can't rely on a descriptor: it may be closed at any
 * moment, and mean something else then. So the ports are looked at again each time.
 */
#ifndef RL_STORE_SOCKET_H
#define RL_STORE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rl_socket_ends {
    uint16_t local, peer; /* ports */
} rl_socket_ends_t;

/* The descriptor of the connection between these ports, -1 when there is none. Looks at all
 * descriptors of the process. */
int rl_socket_find(const rl_socket_ends_t *ends);

/* Whether the descriptor, of the caller's own thread, is the connection between these ports,
 * still open at both ends, and nothing has been received on it. Doesn't wait. */
bool rl_socket_is_idle(int fd, const rl_socket_ends_t *ends);

/* A copy of the descriptor that is the connection between these ports, whoever closes the
 * original; -1 when it is something else. The caller closes it. */
int rl_socket_copy(int fd, const rl_socket_ends_t *ends);

/* Names a file as it is now: another value when it has been made anew since. 0: no file. */
uint64_t rl_socket_file_stamp(const char *path);

#endif
