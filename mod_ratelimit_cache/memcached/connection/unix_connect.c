/* SPDX-License-Identifier: Apache-2.0 */
#include "unix_connect.h"

#define FOREIGN_MAX 64

bool rl_unix_connect_init(rl_unix_connect_t *connect, apr_pool_t *pool, const char *path,
                          unsigned connections)
{
    connect->path = path;
    connect->most = connections + FOREIGN_MAX;
    connect->before = apr_palloc(pool, connect->most * sizeof(*connect->before));
    if (connect->before == NULL || !rl_stack_init(&connect->turn)) {
        return false;
    }
    rl_stack_put(&connect->turn, &connect->token);
    return true;
}

bool rl_unix_connect_begin(rl_unix_connect_t *connect, rl_watchdog_t *watchdog,
                           int64_t deadline)
{
    uint64_t id;
    if (rl_stack_take(&connect->turn, deadline) == NULL) {
        return false;
    }
    rl_watchdog_hold(watchdog);
    connect->n = 0;
    for (int fd = rl_socket_next_unix(connect->path, 0, &id); fd >= 0;
         fd = rl_socket_next_unix(connect->path, fd + 1, &id)) {
        if (connect->n < connect->most) {
            connect->before[connect->n] = id;
        }
        connect->n++;
    }
    rl_watchdog_release(watchdog);
    return true;
}

static bool was_there(const rl_unix_connect_t *connect, uint64_t id)
{
    for (unsigned i = 0; i < connect->n; i++) {
        if (connect->before[i] == id) {
            return true;
        }
    }
    return false;
}

int rl_unix_connect_find(const rl_unix_connect_t *connect, rl_socket_ends_t *ends)
{
    int found = -1;
    uint64_t id;
    if (connect->n > connect->most) {
        return -1;
    }
    for (int fd = rl_socket_next_unix(connect->path, 0, &id); fd >= 0;
         fd = rl_socket_next_unix(connect->path, fd + 1, &id)) {
        if (!was_there(connect, id)) {
            if (found >= 0) {
                return -1; /* somebody else made one meanwhile */
            }
            found = fd;
            *ends = (rl_socket_ends_t){.id = id};
        }
    }
    return found;
}

void rl_unix_connect_end(rl_unix_connect_t *connect)
{
    rl_stack_put(&connect->turn, &connect->token);
}
