/* SPDX-License-Identifier: Apache-2.0 */
#include "memcached.h"

#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "exchange.h"

typedef enum { CREATE, REPLACE, PUT } rl_write_e;
static memcached_return_t send_write(const rl_command_t *command, rl_write_e kind,
                                     uint64_t value)
{
    const time_t ttl = (time_t)command->counter->ttl;
    char text[RL_COUNTER_TEXT_DIGITS_MAX + 1];
    const size_t len = rl_counter_text_print(value, text);
    switch (kind) {
    case CREATE:
        return memcached_add(command->memc, command->name.text, command->name.len, text, len,
                             ttl, 0);
    case REPLACE:
        return memcached_cas(command->memc, command->name.text, command->name.len, text, len,
                             ttl, 0, command->session->version);
    default:
        return memcached_set(command->memc, command->name.text, command->name.len, text, len,
                             ttl, 0);
    }
}

/* A code that doesn't fit the command is the answer to some other command; it closes the
 * connection. */
static rl_store_status_e write_value(rl_store_session_t *session,
                                     const rl_shared_counter_t *counter, rl_write_e kind,
                                     uint64_t value)
{
    rl_command_t command;
    memcached_return_t rc;
    if (!rl_command_begin(&command, session, counter)) {
        return RL_STORE_REFUSED;
    }
    command.writes = true;
    rc = send_write(&command, kind, value);
    if (rc == MEMCACHED_SUCCESS) {
        return rl_command_answered(&command, RL_STORE_OK);
    }
    if (rl_command_is_answer(&command, rc,
                             kind == CREATE ? MEMCACHED_NOTSTORED : MEMCACHED_DATA_EXISTS)) {
        return rl_command_answered(&command, RL_STORE_EXISTS);
    }
    return rc == MEMCACHED_NOTFOUND && kind != REPLACE ? rl_command_failed(&command, rc)
                                                       : rl_command_conclude(&command, rc);
}

static rl_store_status_e store_create(rl_store_session_t *session,
                                      const rl_shared_counter_t *counter, uint64_t value)
{
    return write_value(session, counter, CREATE, value);
}

static rl_store_status_e store_replace(rl_store_session_t *session,
                                       const rl_shared_counter_t *counter, uint64_t value)
{
    return write_value(session, counter, REPLACE, value);
}

static rl_store_status_e store_put(rl_store_session_t *session,
                                   const rl_shared_counter_t *counter, uint64_t value)
{
    return write_value(session, counter, PUT, value);
}

/* Concludes a command whose answer is a sum. If the answer is of another kind, the library
 * takes it for a sum of UINT64_MAX, and leaves the rest of it for the next command to read. */
static rl_store_status_e conclude_sum(rl_command_t *command, memcached_return_t rc,
                                      uint64_t value)
{
    return rl_command_conclude(command, rc == MEMCACHED_SUCCESS && value == UINT64_MAX
                                            ? MEMCACHED_UNKNOWN_READ_FAILURE
                                            : rc);
}

typedef memcached_return_t change_fn(memcached_st *, const char *, size_t, const char *, size_t,
                                     uint64_t, uint64_t *);

static rl_store_status_e store_change(rl_store_session_t *session,
                                      const rl_shared_counter_t *counter, change_fn *send,
                                      uint64_t units, uint64_t *value)
{
    rl_command_t command;
    memcached_return_t rc;
    if (!rl_command_begin(&command, session, counter)) {
        return RL_STORE_REFUSED;
    }
    *value = 0;
    rc = send(command.memc, command.name.text, command.name.len, command.name.text,
              command.name.len, units, value);
    return conclude_sum(&command, rc, *value);
}

static rl_store_status_e store_add(rl_store_session_t *session,
                                   const rl_shared_counter_t *counter, uint64_t units,
                                   uint64_t *value)
{
    return store_change(session, counter, memcached_increment_by_key, units, value);
}

static rl_store_status_e store_subtract(rl_store_session_t *session,
                                        const rl_shared_counter_t *counter, uint64_t units,
                                        uint64_t *value)
{
    return store_change(session, counter, memcached_decrement_by_key, units, value);
}

static rl_store_status_e store_read(rl_store_session_t *session,
                                    const rl_shared_counter_t *counter, uint64_t *value)
{
    rl_command_t command;
    memcached_return_t rc = MEMCACHED_SUCCESS;
    uint32_t flags;
    size_t len;
    char *text;
    bool valid;
    if (!rl_command_begin(&command, session, counter)) {
        return RL_STORE_REFUSED;
    }
    text = memcached_get(command.memc, command.name.text, command.name.len, &len, &flags, &rc);
    if (rc != MEMCACHED_SUCCESS || text == NULL) {
        free(text);
        return rc == MEMCACHED_SUCCESS
                   ? rl_command_failed(&command, MEMCACHED_UNKNOWN_READ_FAILURE)
                   : rl_command_conclude(&command, rc);
    }
    valid = rl_counter_text_parse(text, len, value);
    session->version = memcached_result_cas(&command.memc->result);
    free(text);
    return rl_command_answered(&command, valid ? RL_STORE_OK : RL_STORE_ERROR);
}

static void store_end(rl_store_session_t *session)
{
    if (session->connection != NULL) {
        rl_handle_give_back((rl_memcached_t *)session->store, session->connection);
    }
    session->connection = NULL;
}

static const rl_store_ops_t memcached_ops = {
    .create = store_create,
    .add = store_add,
    .subtract = store_subtract,
    .read = store_read,
    .replace = store_replace,
    .put = store_put,
    .exchange = rl_memcached_exchange,
    .end = store_end,
};

static void close_idle(rl_server_t *server)
{
    for (rl_stacked_t *thing = server->idle.top; thing != NULL; thing = thing->next) {
        rl_handle_t *handle = (rl_handle_t *)thing;
        memcached_free(handle->memc);
        handle->memc = NULL;
    }
}

static apr_status_t close_all(void *data)
{
    rl_memcached_t *store = data;
    for (unsigned i = 0; store->process == getpid() && i < store->settings->nservers; i++) {
        close_idle(&store->servers[i]);
    }
    if (store->ring != NULL) {
        memcached_free(store->ring);
    }
    return APR_SUCCESS;
}

/* Makes the ring. All servers of a fleet must make the same one. */
static memcached_st *make_ring(const rl_memcached_settings_t *settings)
{
    memcached_st *ring = memcached_create(NULL);
    bool ok =
        ring != NULL &&
        memcached_success(memcached_behavior_set(ring, MEMCACHED_BEHAVIOR_DISTRIBUTION,
                                                 MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA));
    for (unsigned i = 0; ok && i < settings->nservers; i++) {
        ok = rl_handle_add_server(ring, settings->servers[i].host, settings->servers[i].port);
    }
    if (ring != NULL && !ok) {
        memcached_free(ring);
        return NULL;
    }
    return ring;
}

/* Makes a server, with its handles on its stack; none of them is open yet. */
static bool make_server(apr_pool_t *pool, rl_memcached_t *store, unsigned n,
                        rl_server_notify_fn *notify, void *context)
{
    rl_server_t *server = &store->servers[n];
    rl_handle_t *handles = &store->handles[n * store->settings->connections];
    server->config = &store->settings->servers[n];
    rl_health_init(&server->health, server->config->health, server->config->traffic,
                   &store->settings->breaker, notify, context, n);
    if (!rl_stack_init(&server->idle)) {
        return false;
    }
    for (unsigned i = store->settings->connections; i-- > 0;) {
        handles[i].server = server;
        rl_descriptor_init(&handles[i].descriptor, &server->endpoint);
        rl_stack_put(&server->idle, &handles[i].stacked);
    }
    return rl_endpoint_init(&server->endpoint, pool, server->config->address,
                            server->config->port, store->settings->connections);
}

rl_store_t *rl_memcached_create(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                                rl_server_notify_fn *notify, void *context)
{
    rl_memcached_t *store = apr_pcalloc(pool, sizeof(*store));
    const unsigned nhandles = settings->nservers * settings->connections;
    bool ok;
    store->base = (rl_store_t){.ops = &memcached_ops, .nservers = settings->nservers};
    store->process = getpid();
    store->settings = settings;
    store->servers = apr_pcalloc(pool, settings->nservers * sizeof(*store->servers));
    store->handles = apr_pcalloc(pool, nhandles * sizeof(*store->handles));
    store->ring = make_ring(settings);
    ok = store->ring != NULL;
    apr_pool_cleanup_register(pool, store, close_all, apr_pool_cleanup_null);
    for (unsigned i = 0; ok && i < settings->nservers; i++) {
        ok = make_server(pool, store, i, notify, context);
    }
    if (!ok) {
        return NULL;
    }
    store->watchdog =
        rl_watchdog_create(pool, nhandles, rl_watchdog_interval(settings->timeout_us),
                           rl_handle_find_socket, store);
    return &store->base;
}
