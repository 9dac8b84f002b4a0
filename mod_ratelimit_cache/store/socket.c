#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FD_MAX 65536

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *len);

/* The port at one end of a socket, 0 for what is no TCP socket. */
static uint16_t port_of(int fd, name_fn *name)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(address);
    if (name(fd, (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    if (address.ss_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)&address)->sin_port);
    }
    return address.ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)&address)->sin6_port)
               : 0;
}

static bool is_between(int fd, const rl_socket_ends_t *ends)
{
    return port_of(fd, getsockname) == ends->local && port_of(fd, getpeername) == ends->peer;
}

int rl_socket_find(const rl_socket_ends_t *ends)
{
    struct rlimit limit = {.rlim_cur = 1024};
    int most;
    getrlimit(RLIMIT_NOFILE, &limit);
    most = limit.rlim_cur < FD_MAX ? (int)limit.rlim_cur : FD_MAX;
    for (int fd = 0; fd < most; fd++) {
        if (is_between(fd, ends)) {
            return fd;
        }
    }
    return -1;
}

bool rl_socket_is_idle(int fd, const rl_socket_ends_t *ends)
{
    char byte;
    return is_between(fd, ends) && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

int rl_socket_copy(int fd, const rl_socket_ends_t *ends)
{
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0 && !is_between(copy, ends)) {
        close(copy);
        return -1;
    }
    return copy;
}

uint64_t rl_socket_file_stamp(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0) {
        return 0;
    }
    /* A file system may give the inode's number of the old file to the new one at once. */
    return ((uint64_t)file.st_ctim.tv_sec * UINT64_C(1000000000) +
            (uint64_t)file.st_ctim.tv_nsec) ^
           (uint64_t)file.st_ino << 32 ^ 1;
}
