/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

bool rl_endpoint_init(rl_endpoint_t *endpoint, apr_pool_t *pool, const char *address,
                      uint16_t port, unsigned connections)
{
    endpoint->address = address;
    endpoint->is_unix = port == 0;
    endpoint->peer = rl_socket_address(address, port);
    return !endpoint->is_unix ||
           rl_unix_connect_init(&endpoint->turn, pool, address, connections);
}

void rl_descriptor_init(rl_descriptor_t *descriptor, rl_endpoint_t *to)
{
    descriptor->to = to;
    atomic_init(&descriptor->fd, -1);
}

bool rl_descriptor_begin(rl_descriptor_t *descriptor, rl_watchdog_t *watchdog, int64_t deadline)
{
    if (!descriptor->to->is_unix) {
        return true;
    }
    if (!rl_unix_connect_begin(&descriptor->to->turn, watchdog, deadline)) {
        return false;
    }
    atomic_store(&descriptor->has_turn, true);
    descriptor->stamp = rl_socket_file_stamp(descriptor->to->address);
    return true;
}

static int look_for(const rl_descriptor_t *descriptor, uint16_t local_port,
                    rl_socket_ends_t *ends)
{
    if (descriptor->to->is_unix) {
        return atomic_load(&descriptor->has_turn)
                   ? rl_unix_connect_find(&descriptor->to->turn, ends)
                   : -1;
    }
    *ends = (rl_socket_ends_t){.local = local_port, .peer = descriptor->to->peer};
    return local_port != 0 ? rl_socket_find(ends) : -1;
}

void rl_descriptor_connected(rl_descriptor_t *descriptor, uint16_t local_port)
{
    const int fd = look_for(descriptor, local_port, &descriptor->ends);
    atomic_store_explicit(&descriptor->fd, fd, memory_order_release);
    rl_descriptor_end_turn(descriptor);
}

int rl_descriptor_copy(const rl_descriptor_t *descriptor, uint16_t local_port)
{
    int fd = atomic_load_explicit(&descriptor->fd, memory_order_acquire);
    rl_socket_ends_t ends = {0};
    if (fd >= 0) {
        ends = descriptor->ends;
    }
    else {
        fd = look_for(descriptor, local_port, &ends);
    }
    return fd >= 0 ? rl_socket_copy(fd, &ends) : -1;
}

void rl_descriptor_hold(const rl_descriptor_t *descriptor, bool hold)
{
    const int fd = atomic_load_explicit(&descriptor->fd, memory_order_relaxed), on = hold;
    if (fd >= 0 && !descriptor->to->is_unix) {
        setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
    }
}

bool rl_descriptor_is_good(const rl_descriptor_t *descriptor)
{
    const int fd = atomic_load_explicit(&descriptor->fd, memory_order_relaxed);
    if (descriptor->to->is_unix &&
        descriptor->stamp != rl_socket_file_stamp(descriptor->to->address)) {
        return false;
    }
    return fd < 0 || rl_socket_is_idle(fd, &descriptor->ends);
}

bool rl_descriptor_must_close(const rl_descriptor_t *descriptor)
{
    return descriptor->to->is_unix &&
           atomic_load_explicit(&descriptor->fd, memory_order_relaxed) < 0;
}

void rl_descriptor_end_turn(rl_descriptor_t *descriptor)
{
    if (atomic_exchange(&descriptor->has_turn, false)) {
        rl_unix_connect_end(&descriptor->to->turn);
    }
}
