/* SPDX-License-Identifier: Apache-2.0 */
#include "handle.h"

#include "../system/clock.h"

/* Microseconds after its deadline at which a wait is cut off, so that it can end by itself. */
#define WATCHDOG_SLACK 2000

/* Microseconds a connection may be idle: firewalls forget idle ones and tell neither end. */
#define IDLE_MAX (60 * INT64_C(1000000))

bool rl_handle_add_server(memcached_st *memc, const char *host, uint16_t port)
{
    return memcached_success(port == 0 ? memcached_server_add_unix_socket(memc, host)
                                       : memcached_server_add(memc, host, port));
}

/* Returns a memcached_st that knows the server and isn't connected yet. */
static memcached_st *open_memc(const rl_memcached_server_t *server)
{
    memcached_st *memc = memcached_create(NULL);
    if (memc == NULL) {
        return NULL;
    }
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_VERIFY_KEY, 1);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
    if (!rl_handle_add_server(memc, server->address, server->port)) {
        memcached_free(memc);
        return NULL;
    }
    return memc;
}

static unsigned slot_of(const rl_memcached_t *store, const rl_handle_t *handle)
{
    return (unsigned)(handle - store->handles);
}

static bool open_handle(rl_memcached_t *store, rl_handle_t *handle, int64_t deadline)
{
    handle->era = atomic_load(&handle->server->era);
    handle->has_answered = false;
    if (!rl_descriptor_begin(&handle->descriptor, store->watchdog, deadline)) {
        return false;
    }
    handle->memc = open_memc(handle->server->config);
    return handle->memc != NULL;
}

/* Takes the handle off the watchdog, and frees it while the watchdog looks at nothing. */
void rl_handle_close(rl_memcached_t *store, rl_handle_t *handle)
{
    rl_watchdog_end(store->watchdog, slot_of(store, handle));
    rl_watchdog_hold(store->watchdog);
    memcached_free(handle->memc);
    handle->memc = NULL;
    atomic_store(&handle->descriptor.fd, -1);
    rl_watchdog_release(store->watchdog);
}

void rl_handle_give_back(rl_memcached_t *store, rl_handle_t *handle)
{
    rl_watchdog_end(store->watchdog, slot_of(store, handle));
    if (handle->memc != NULL && rl_descriptor_must_close(&handle->descriptor)) {
        rl_handle_close(store, handle);
    }
    rl_descriptor_end_turn(&handle->descriptor);
    handle->idle_since = rl_clock_now();
    rl_stack_put(&handle->server->idle, &handle->stacked);
}

uint16_t rl_handle_local_port(const rl_handle_t *handle)
{
    const memcached_instance_st *instance =
        handle->memc != NULL ? memcached_server_instance_by_position(handle->memc, 0) : NULL;
    const in_port_t port = instance != NULL ? memcached_server_srcport(instance) : 0;
    return handle->server->config->port == 0 || port == (in_port_t)-1 ? 0 : port;
}

/* Returns true if a connection that was idle can be relied on, as far as this end can tell. */
static bool is_still_good(const rl_handle_t *handle)
{
    return handle->era == atomic_load(&handle->server->era) &&
           rl_clock_now() - handle->idle_since <= IDLE_MAX &&
           rl_descriptor_is_good(&handle->descriptor);
}

/* Waits for a handle that is free, or can be opened, until `by`. */
static rl_handle_t *borrow_handle(rl_memcached_t *store, rl_server_t *server, int64_t by)
{
    rl_handle_t *handle = (rl_handle_t *)rl_stack_take(&server->idle, by);
    if (handle != NULL && handle->memc != NULL && !is_still_good(handle)) {
        rl_handle_close(store, handle);
    }
    if (handle == NULL || (handle->memc == NULL && !open_handle(store, handle, by))) {
        if (handle != NULL) {
            rl_handle_give_back(store, handle);
        }
        return NULL;
    }
    return handle;
}

void rl_handle_watch(rl_memcached_t *store, const rl_handle_t *handle, int64_t deadline)
{
    rl_watchdog_begin(store->watchdog, slot_of(store, handle), deadline + WATCHDOG_SLACK);
}

int rl_handle_find_socket(void *context, unsigned slot)
{
    const rl_handle_t *handle = &((const rl_memcached_t *)context)->handles[slot];
    return rl_descriptor_copy(&handle->descriptor, rl_handle_local_port(handle));
}

rl_handle_t *rl_handle_for(rl_store_session_t *session, rl_server_t *server)
{
    rl_memcached_t *store = (rl_memcached_t *)session->store;
    rl_handle_t *handle = session->connection;
    if (handle != NULL && handle->server == server) {
        return handle;
    }
    if (handle != NULL) {
        rl_handle_give_back(store, handle);
    }
    session->connection = handle = borrow_handle(store, server, session->deadline);
    if (handle != NULL) {
        rl_handle_watch(store, handle, session->deadline);
    }
    return handle;
}

rl_handle_t *rl_handle_one_more(rl_memcached_t *store, rl_server_t *server, int64_t deadline)
{
    rl_handle_t *handle = borrow_handle(store, server, 0);
    if (handle != NULL) {
        rl_handle_watch(store, handle, deadline);
    }
    return handle;
}
