/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FD_MAX 65536
#define FD_GAP 1024 /* after so many unused descriptors in a row there are no more */

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *len);

/* Returns the address at one end of a socket, without a scope; all zero if it is no TCP
 * socket. */
static rl_socket_address_t socket_end(int fd, name_fn *name)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(address);
    rl_socket_address_t end = {0};
    if (name(fd, (struct sockaddr *)&address, &len) != 0) {
        return end;
    }
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
        end.port = ntohs(in->sin_port);
        memcpy(end.bytes, &in->sin_addr, sizeof(in->sin_addr));
    }
    else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;
        end.port = ntohs(in6->sin6_port);
        memcpy(end.bytes, &in6->sin6_addr, sizeof(in6->sin6_addr));
    }
    return end;
}

rl_socket_address_t rl_socket_address(const char *ip, uint16_t port)
{
    rl_socket_address_t address = {.port = port};
    char plain[INET6_ADDRSTRLEN] = "";
    const size_t len = ip != NULL ? strcspn(ip, "%") : 0;
    if (ip != NULL && len < sizeof(plain)) {
        memcpy(plain, ip, len);
    }
    if (inet_pton(AF_INET, plain, address.bytes) != 1 &&
        inet_pton(AF_INET6, plain, address.bytes) != 1) {
        address.port = 0;
    }
    return address;
}

/* Returns the identity of a socket, 0 for anything else. */
static uint64_t socket_id(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode) ? (uint64_t)file.st_ino : 0;
}

static bool socket_is_between(int fd, const rl_socket_ends_t *ends)
{
    rl_socket_address_t peer;
    if (ends->id != 0) {
        return socket_id(fd) == ends->id;
    }
    peer = socket_end(fd, getpeername);
    return peer.port == ends->peer.port && ends->peer.port != 0 &&
           memcmp(peer.bytes, ends->peer.bytes, sizeof(peer.bytes)) == 0 &&
           socket_end(fd, getsockname).port == ends->local;
}

static int fd_limit(void)
{
    struct rlimit limit = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur < FD_MAX ? (int)limit.rlim_cur : FD_MAX;
}

int rl_socket_find(const rl_socket_ends_t *ends)
{
    const int most = fd_limit();
    for (int fd = 0; fd < most; fd++) {
        if (socket_is_between(fd, ends)) {
            return fd;
        }
    }
    return -1;
}

bool rl_socket_is_idle(int fd, const rl_socket_ends_t *ends)
{
    char byte;
    return socket_is_between(fd, ends) && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

int rl_socket_copy(int fd, const rl_socket_ends_t *ends)
{
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0 && !socket_is_between(copy, ends)) {
        close(copy);
        return -1;
    }
    return copy;
}

int rl_socket_next_unix(const char *path, int fd, uint64_t *id)
{
    const int most = fd_limit();
    int unused = 0;
    for (; fd < most && unused < FD_GAP; fd++) {
        struct sockaddr_un address = {.sun_family = AF_UNSPEC};
        socklen_t len = sizeof(address);
        const bool connected = getpeername(fd, (struct sockaddr *)&address, &len) == 0;
        unused = connected || errno != EBADF ? 0 : unused + 1;
        if (connected && address.sun_family == AF_UNIX &&
            strncmp(address.sun_path, path, sizeof(address.sun_path)) == 0) {
            *id = socket_id(fd);
            return fd;
        }
    }
    return -1;
}

uint64_t rl_socket_file_stamp(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0) {
        return 0;
    }
    /* The time is needed because a file system may give the old file's inode number to the new
     * file at once. */
    return ((uint64_t)file.st_ctim.tv_sec * UINT64_C(1000000000) +
            (uint64_t)file.st_ctim.tv_nsec) ^
           (uint64_t)file.st_ino << 32 ^ 1;
}
