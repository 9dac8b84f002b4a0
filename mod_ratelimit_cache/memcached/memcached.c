/* SPDX-License-Identifier: Apache-2.0 */
#include "memcached.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <libmemcached/memcached.h>

#include "../system/clock.h"
#include "connection/descriptor.h"
#include "connection/stack.h"
#include "connection/watchdog.h"
#include "counter_text.h"
#include "error_text.h"
#include "health.h"

/* What libmemcached demands of its callers, all of it measured:
 * - A memcached_st belongs to one thread at a time and must not cross a fork. So each process
 *   keeps a stack of them for each server. A session borrows one at a time, so that nobody
 *   waits for one while holding another.
 * - A memcached_st that knows several servers would connect to all of them, throw all
 *   connections away together, and hash the servers' addresses. So each one here connects to a
 *   single server. One more, the ring, knows all servers by their names, never connects, and
 *   tells which server has a key.
 * - Its binary protocol aborts the process when the server is out of memory. So this uses the
 *   text protocol.
 * - A server that hangs costs the poll timeout each time. So the timeout is set to what the
 *   session has left, and the breaker stops the asking.
 * - The timeout restarts with each byte: a server that drips its answer can take any time. A
 *   watchdog cuts such a connection off.
 * - After an error the handle is thrown away with its connection. So an answer that comes late
 *   can't be taken for the next one, and no timer of the library's own keeps this process away
 *   from a server that has come back.
 * - It notices that a connection was closed only after it has sent into it. So idle connections
 *   are looked at before they are used.
 */

/* Microseconds after its deadline at which a wait is cut off, so that it can end by itself. */
#define WATCHDOG_SLACK 2000

/* Microseconds a connection may be idle: firewalls forget idle ones and tell neither end. */
#define IDLE_MAX (60 * INT64_C(1000000))

/* A handle: one of this process's connections to a server. */
typedef struct rl_handle {
    rl_stacked_t stacked;
    struct rl_server *server;
    memcached_st *memc; /* NULL: not open */
    unsigned era;       /* the server's era in which it was opened */
    bool has_answered;  /* its connection has brought a good answer */
    int64_t idle_since; /* microseconds of the monotonic clock */
    rl_descriptor_t descriptor;
} rl_handle_t;

typedef struct rl_server {
    const rl_memcached_server_t *config;
    rl_health_t health;
    rl_endpoint_t endpoint;
    rl_stack_t idle;
    _Atomic unsigned era; /* grows with failures; connections of an earlier era may be dead */
} rl_server_t;

typedef struct rl_memcached {
    rl_store_t base;
    const rl_memcached_settings_t *settings;
    memcached_st *ring;
    rl_server_t *servers;
    rl_handle_t *handles; /* of all servers; the index is the handle's slot at the watchdog */
    rl_watchdog_t *watchdog;
    pid_t process; /* of one that is forked off the connections must not be closed, either */
} rl_memcached_t;

/* ---- handles ---- */

static bool add_server(memcached_st *memc, const char *host, uint16_t port)
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
    if (!add_server(memc, server->address, server->port)) {
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
static void close_handle(rl_memcached_t *store, rl_handle_t *handle)
{
    rl_watchdog_end(store->watchdog, slot_of(store, handle));
    rl_watchdog_hold(store->watchdog);
    memcached_free(handle->memc);
    handle->memc = NULL;
    atomic_store(&handle->descriptor.fd, -1);
    rl_watchdog_release(store->watchdog);
}

static void give_back_handle(rl_memcached_t *store, rl_handle_t *handle)
{
    rl_watchdog_end(store->watchdog, slot_of(store, handle));
    if (handle->memc != NULL && rl_descriptor_must_close(&handle->descriptor)) {
        close_handle(store, handle);
    }
    rl_descriptor_end_turn(&handle->descriptor);
    handle->idle_since = rl_clock_now();
    rl_stack_put(&handle->server->idle, &handle->stacked);
}

/* Returns the local port of the handle's connection; 0 if there is none, or it isn't TCP. The
 * watchdog calls it too, from its own thread. */
static uint16_t local_port_of(const rl_handle_t *handle)
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

static rl_handle_t *borrow_handle(rl_memcached_t *store, rl_server_t *server, int64_t deadline)
{
    rl_handle_t *handle = (rl_handle_t *)rl_stack_take(&server->idle, deadline);
    if (handle != NULL && handle->memc != NULL && !is_still_good(handle)) {
        close_handle(store, handle);
    }
    if (handle == NULL || (handle->memc == NULL && !open_handle(store, handle, deadline))) {
        if (handle != NULL) {
            give_back_handle(store, handle);
        }
        return NULL;
    }
    rl_watchdog_begin(store->watchdog, slot_of(store, handle), deadline + WATCHDOG_SLACK);
    return handle;
}

/* Returns, for the watchdog, a copy of the descriptor that the handle's user waits on. */
static int find_socket(void *context, unsigned slot)
{
    const rl_handle_t *handle = &((const rl_memcached_t *)context)->handles[slot];
    return rl_descriptor_copy(&handle->descriptor, local_port_of(handle));
}

/* Returns the handle that the session goes on with: the one it holds if that is to this server,
 * else one borrowed in exchange. NULL if none is returned to the stack in time. */
static rl_handle_t *handle_for(rl_store_session_t *session, rl_server_t *server)
{
    rl_memcached_t *store = (rl_memcached_t *)session->store;
    rl_handle_t *handle = session->connection;
    if (handle != NULL && handle->server == server) {
        return handle;
    }
    if (handle != NULL) {
        give_back_handle(store, handle);
    }
    session->connection = borrow_handle(store, server, session->deadline);
    return session->connection;
}

/* ---- one command ---- */

typedef struct rl_command {
    rl_memcached_t *store;
    rl_store_session_t *session;
    rl_server_t *server;
    rl_handle_t *handle;
    memcached_st *memc;
    const rl_shared_counter_t *counter;
    int64_t asked; /* microseconds of the monotonic clock */
    bool writes;   /* it writes a value, rather than changes or reads one */
    char key[RL_COUNTER_TEXT_NAME_MAX + 1];
    size_t key_len;
} rl_command_t;

static void set_timeouts(memcached_st *memc, int64_t left_us)
{
    const uint64_t ms = (uint64_t)(left_us + 999) / 1000;
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, ms);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, ms);
}

/* Returns the server that has the key; NULL if the server's address is unknown. */
static rl_server_t *server_of(const rl_command_t *command)
{
    const unsigned n =
        memcached_generate_hash(command->store->ring, command->key, command->key_len);
    return n < command->store->settings->nservers &&
                   command->store->servers[n].config->address != NULL
               ? &command->store->servers[n]
               : NULL;
}

/* Prepares to send. Returns false without time or a connection, or if the breaker is open. */
static bool command_begin(rl_command_t *command, rl_store_session_t *session,
                          const rl_shared_counter_t *counter)
{
    int64_t now = rl_clock_now();
    command->store = (rl_memcached_t *)session->store;
    command->session = session;
    command->counter = counter;
    command->writes = false;
    command->key_len =
        rl_counter_text_name(command->store->settings->prefix, counter, command->key);
    command->server = server_of(command);
    if (command->server == NULL || now >= session->deadline ||
        rl_breaker_is_waiting(&command->server->health.state->breaker, now)) {
        return false; /* don't wait for a connection to a server that isn't asked */
    }
    command->handle = handle_for(session, command->server);
    now = rl_clock_now(); /* borrowing may have waited */
    if (command->handle == NULL || now >= session->deadline ||
        !rl_breaker_allows(&command->server->health.state->breaker,
                           &command->store->settings->breaker, now)) {
        return false;
    }
    command->memc = command->handle->memc;
    command->asked = now;
    set_timeouts(command->memc, session->deadline - now);
    return true;
}

static rl_store_status_e answered(rl_command_t *command, rl_store_status_e status)
{
    const bool first = !command->handle->has_answered;
    command->handle->has_answered = true;
    if (first) {
        rl_descriptor_connected(&command->handle->descriptor, local_port_of(command->handle));
    }
    rl_health_good(&command->server->health, first, command->asked);
    return status;
}

static const char *reason_of(const rl_command_t *command, memcached_return_t rc,
                             char text[RL_ERROR_TEXT_MAX + 1])
{
    return rl_error_text(memcached_last_error_message(command->memc),
                         memcached_strerror(command->memc, rc), text);
}

/* The server is there, but has no room, or won't store for another reason. If it refused to
 * store a new value, that says nothing about the counters that it has, so it is still asked for
 * those. If it refuses anything else, too many error answers in a row are a failure. */
static rl_store_status_e refused(rl_command_t *command, memcached_return_t rc)
{
    char text[RL_ERROR_TEXT_MAX + 1];
    const char *reason = reason_of(command, rc, text);
    const rl_server_event_e event =
        rc == MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE || rl_error_text_says_no_memory(reason)
            ? RL_SERVER_IS_FULL
            : RL_SERVER_ANSWERS_ERROR;
    if (command->writes) {
        rl_health_refused(&command->server->health, event, reason);
    }
    else {
        rl_health_error_answer(&command->server->health, event, reason);
    }
    return RL_STORE_REFUSED;
}

static void drop_handle(rl_command_t *command)
{
    close_handle(command->store, command->handle);
    give_back_handle(command->store, command->handle);
    command->session->connection = NULL;
}

/* The server takes this command for a mistake, and may misread what was sent after it. */
static rl_store_status_e rejected(rl_command_t *command, memcached_return_t rc)
{
    char text[RL_ERROR_TEXT_MAX + 1];
    rl_health_error_answer(&command->server->health, RL_SERVER_ANSWERS_ERROR,
                           reason_of(command, rc, text));
    drop_handle(command);
    return RL_STORE_ERROR;
}

static bool was_never_sent(memcached_return_t rc)
{
    return rc == MEMCACHED_CONNECTION_FAILURE || rc == MEMCACHED_HOST_LOOKUP_FAILURE ||
           rc == MEMCACHED_SERVER_MARKED_DEAD || rc == MEMCACHED_SERVER_TEMPORARILY_DISABLED;
}

/* Reports what the server said, if that is no answer of a memcached. */
static void tell_what_it_is(const rl_command_t *command, memcached_return_t rc)
{
    char text[RL_ERROR_TEXT_MAX + 1];
    const char *said = reason_of(command, rc, text);
    if (rc == MEMCACHED_ERROR || (rc == MEMCACHED_UNKNOWN_READ_FAILURE && said == text)) {
        rl_health_tell(&command->server->health, RL_SERVER_ANSWERS_ERROR, said);
    }
}

static rl_store_status_e failed(rl_command_t *command, memcached_return_t rc)
{
    unsigned era = command->handle->era;
    tell_what_it_is(command, rc);
    rl_health_failed(&command->server->health, memcached_strerror(command->memc, rc));
    atomic_compare_exchange_strong(&command->server->era, &era, era + 1);
    drop_handle(command);
    return was_never_sent(rc) ? RL_STORE_REFUSED : RL_STORE_ERROR;
}

/* For a server that can't be reached the library may return the same code as for a key that the
 * server doesn't have. */
static bool is_answer(const rl_command_t *command, memcached_return_t rc,
                      memcached_return_t expected)
{
    const memcached_return_t last = memcached_last_error(command->memc);
    return rc == expected && (last == MEMCACHED_SUCCESS || last == expected);
}

static rl_store_status_e no_result(rl_command_t *command, memcached_return_t rc)
{
    switch (rc) {
    case MEMCACHED_SERVER_ERROR:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        return refused(command, rc);
    case MEMCACHED_CLIENT_ERROR:
    case MEMCACHED_E2BIG:
        return rejected(command, rc);
    default:
        return failed(command, rc);
    }
}

/* ---- the interface ---- */

static rl_store_status_e conclude(rl_command_t *command, memcached_return_t rc)
{
    if (rc == MEMCACHED_SUCCESS) {
        return answered(command, RL_STORE_OK);
    }
    if (is_answer(command, rc, MEMCACHED_NOTFOUND)) {
        return answered(command, RL_STORE_MISSING);
    }
    return no_result(command,
                     rc == MEMCACHED_NOTFOUND ? memcached_last_error(command->memc) : rc);
}

typedef enum { CREATE, REPLACE, PUT } rl_write_e;
static memcached_return_t send_write(const rl_command_t *command, rl_write_e kind,
                                     uint64_t value)
{
    const time_t ttl = (time_t)command->counter->ttl;
    char text[RL_COUNTER_TEXT_DIGITS_MAX + 1];
    const size_t len = rl_counter_text_print(value, text);
    switch (kind) {
    case CREATE:
        return memcached_add(command->memc, command->key, command->key_len, text, len, ttl, 0);
    case REPLACE:
        return memcached_cas(command->memc, command->key, command->key_len, text, len, ttl, 0,
                             command->session->version);
    default:
        return memcached_set(command->memc, command->key, command->key_len, text, len, ttl, 0);
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
    if (!command_begin(&command, session, counter)) {
        return RL_STORE_REFUSED;
    }
    command.writes = true;
    rc = send_write(&command, kind, value);
    if (rc == MEMCACHED_SUCCESS) {
        return answered(&command, RL_STORE_OK);
    }
    if (is_answer(&command, rc, kind == CREATE ? MEMCACHED_NOTSTORED : MEMCACHED_DATA_EXISTS)) {
        return answered(&command, RL_STORE_EXISTS);
    }
    return rc == MEMCACHED_NOTFOUND && kind != REPLACE ? failed(&command, rc)
                                                       : conclude(&command, rc);
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
    return conclude(command, rc == MEMCACHED_SUCCESS && value == UINT64_MAX
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
    if (!command_begin(&command, session, counter)) {
        return RL_STORE_REFUSED;
    }
    *value = 0;
    rc = send(command.memc, command.key, command.key_len, command.key, command.key_len, units,
              value);
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
    if (!command_begin(&command, session, counter)) {
        return RL_STORE_REFUSED;
    }
    text = memcached_get(command.memc, command.key, command.key_len, &len, &flags, &rc);
    if (rc != MEMCACHED_SUCCESS || text == NULL) {
        free(text);
        return rc == MEMCACHED_SUCCESS ? failed(&command, MEMCACHED_UNKNOWN_READ_FAILURE)
                                       : conclude(&command, rc);
    }
    valid = rl_counter_text_parse(text, len, value);
    session->version = memcached_result_cas(&command.memc->result);
    free(text);
    return answered(&command, valid ? RL_STORE_OK : RL_STORE_ERROR);
}

static void store_end(rl_store_session_t *session)
{
    if (session->connection != NULL) {
        give_back_handle((rl_memcached_t *)session->store, session->connection);
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
        ok = add_server(ring, settings->servers[i].host, settings->servers[i].port);
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
    store->base.ops = &memcached_ops;
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
    store->watchdog = rl_watchdog_create(
        pool, nhandles, rl_watchdog_interval(settings->timeout_us), find_socket, store);
    return &store->base;
}
