#include "unix_connect.h"

#define OTHERS_MAX 64

bool rl_opening_init(rl_opening_t *opening, apr_pool_t *pool, const char *path,
                     unsigned connections)
{
    opening->path = path;
    opening->most = connections + OTHERS_MAX;
    opening->before = apr_palloc(pool, opening->most * sizeof(*opening->before));
    if (opening->before == NULL || !rl_shelf_init(&opening->turn)) {
        return false;
    }
    rl_shelf_put(&opening->turn, &opening->token);
    return true;
}

bool rl_opening_begin(rl_opening_t *opening, rl_watchdog_t *watchdog, int64_t deadline)
{
    uint64_t id;
    if (rl_shelf_take(&opening->turn, deadline) == NULL) {
        return false;
    }
    rl_watchdog_hold(watchdog);
    opening->n = 0;
    for (int fd = rl_socket_next_to(opening->path, 0, &id); fd >= 0;
         fd = rl_socket_next_to(opening->path, fd + 1, &id)) {
        if (opening->n < opening->most) {
            opening->before[opening->n] = id;
        }
        opening->n++;
    }
    rl_watchdog_release(watchdog);
    return true;
}

static bool was_there(const rl_opening_t *opening, uint64_t id)
{
    for (unsigned i = 0; i < opening->n; i++) {
        if (opening->before[i] == id) {
            return true;
        }
    }
    return false;
}

int rl_opening_find(const rl_opening_t *opening, rl_socket_ends_t *ends)
{
    int found = -1;
    uint64_t id;
    if (opening->n > opening->most) {
        return -1;
    }
    for (int fd = rl_socket_next_to(opening->path, 0, &id); fd >= 0;
         fd = rl_socket_next_to(opening->path, fd + 1, &id)) {
        if (!was_there(opening, id)) {
            if (found >= 0) {
                return -1; /* somebody else made one meanwhile */
            }
            found = fd;
            *ends = (rl_socket_ends_t){.id = id};
        }
    }
    return found;
}

void rl_opening_end(rl_opening_t *opening)
{
    rl_shelf_put(&opening->turn, &opening->token);
}
