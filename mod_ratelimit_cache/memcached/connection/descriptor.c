#include "descriptor.h"

bool rl_endpoint_init(rl_endpoint_t *endpoint, apr_pool_t *pool, const char *address,
                      uint16_t port, unsigned connections)
{
    endpoint->address = address;
    endpoint->is_unix = port == 0;
    endpoint->peer = rl_socket_address(address, port);
    return !endpoint->is_unix ||
           rl_opening_init(&endpoint->opening, pool, address, connections);
}

void rl_link_init(rl_link_t *link, rl_endpoint_t *to)
{
    link->to = to;
    atomic_init(&link->fd, -1);
}

bool rl_link_begin(rl_link_t *link, rl_watchdog_t *watchdog, int64_t deadline)
{
    if (!link->to->is_unix) {
        return true;
    }
    if (!rl_opening_begin(&link->to->opening, watchdog, deadline)) {
        return false;
    }
    atomic_store(&link->has_turn, true);
    link->stamp = rl_socket_file_stamp(link->to->address);
    return true;
}

static int look_for(const rl_link_t *link, uint16_t local_port, rl_socket_ends_t *ends)
{
    if (link->to->is_unix) {
        return atomic_load(&link->has_turn) ? rl_opening_find(&link->to->opening, ends) : -1;
    }
    *ends = (rl_socket_ends_t){.local = local_port, .peer = link->to->peer};
    return local_port != 0 ? rl_socket_find(ends) : -1;
}

void rl_link_remember(rl_link_t *link, uint16_t local_port)
{
    const int fd = look_for(link, local_port, &link->ends);
    atomic_store_explicit(&link->fd, fd, memory_order_release);
    rl_link_settle(link);
}

int rl_link_copy(const rl_link_t *link, uint16_t local_port)
{
    int fd = atomic_load_explicit(&link->fd, memory_order_acquire);
    rl_socket_ends_t ends = {0};
    if (fd >= 0) {
        ends = link->ends;
    }
    else {
        fd = look_for(link, local_port, &ends);
    }
    return fd >= 0 ? rl_socket_copy(fd, &ends) : -1;
}

bool rl_link_is_good(const rl_link_t *link)
{
    const int fd = atomic_load_explicit(&link->fd, memory_order_relaxed);
    if (link->to->is_unix && link->stamp != rl_socket_file_stamp(link->to->address)) {
        return false;
    }
    return fd < 0 || rl_socket_is_idle(fd, &link->ends);
}

bool rl_link_is_lost(const rl_link_t *link)
{
    return link->to->is_unix && atomic_load_explicit(&link->fd, memory_order_relaxed) < 0;
}

void rl_link_settle(rl_link_t *link)
{
    if (atomic_exchange(&link->has_turn, false)) {
        rl_opening_end(&link->to->opening);
    }
}
