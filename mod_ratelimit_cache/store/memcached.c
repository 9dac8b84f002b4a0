#include "memcached.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <libmemcached/memcached.h>

#include "../core/number.h"
#include "monotonic.h"
#include "watchdog.h"

/* What libmemcached asks of its callers, all of it measured:
 *
 * - A memcached_st belongs to one thread at a time, and must not cross a fork. Each process
 *   keeps a stack of them; a session borrows one.
 * - Its binary protocol aborts the process when the server is out of memory, so: text.
 * - A server that hangs costs the poll timeout each time, so it is set from what the session
 *   has left, and the breaker stops asking.
 * - That time-out is per byte, as it were: a server that drips its answer can take any time. A
 *   watchdog cuts such a connection off (TCP only).
 * - After an error the handle is thrown away with its connections: an answer that comes late
 *   can't be taken for the next one, and no timer of the library's own keeps us away from a
 *   server that has come back.
 */

#define KEY_MAX (RL_MEMCACHED_PREFIX_MAX + 32 + 8 + 1)

/* Microseconds: how long after its deadline a wait is cut off, so that it can end by itself;
 * how often that is looked for. */
#define WATCHDOG_SLACK 2000
#define WATCHDOG_LEAST 2000
#define WATCHDOG_MOST  50000

/* One of the process's connections, or rather set of them: one to each server. */
typedef struct rl_handle {
    struct rl_handle *next;
    memcached_st *memc; /* NULL: not open */
    unsigned era;       /* in which it was opened */
} rl_handle_t;

typedef struct rl_server_state {
    rl_breaker_t breaker;
    _Atomic bool refuses; /* it answers, but stores nothing: out of memory */
} rl_server_state_t;

typedef struct rl_memcached {
    rl_upstream_t base;
    const rl_memcached_settings_t *settings;
    rl_memcached_notify_fn *notify;
    void *context;
    rl_server_state_t *servers;
    rl_handle_t *handles;      /* as many as there may be connections */
    rl_handle_t *idle;         /* a stack of them */
    apr_thread_mutex_t *mutex; /* of the stack, within this process */
    apr_thread_cond_t *returned;
    rl_watchdog_t *watchdog; /* NULL: none could be had */
    _Atomic unsigned era;    /* ends with a failure: what was opened before may be dead, too */
} rl_memcached_t;

/* ---- handles ---- */

static bool add_server(memcached_st *memc, const rl_memcached_server_t *server)
{
    return memcached_success(server->port == 0
                                 ? memcached_server_add_unix_socket(memc, server->address)
                                 : memcached_server_add(memc, server->address, server->port));
}

/* The behaviours that all servers of a fleet must agree on come first. */
static bool configure(memcached_st *memc, const rl_memcached_settings_t *settings,
                      const rl_memcached_server_t *servers, unsigned n)
{
    const uint64_t ms = (uint64_t)(settings->timeout_us + 999) / 1000;
    bool ok = memcached_success(memcached_behavior_set(
        memc, MEMCACHED_BEHAVIOR_DISTRIBUTION, MEMCACHED_DISTRIBUTION_CONSISTENT_KETAMA));
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_VERIFY_KEY, 1);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, ms);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, ms);
    for (unsigned i = 0; ok && i < n; i++) {
        ok = add_server(memc, &servers[i]);
    }
    return ok;
}

static memcached_st *open_memc(const rl_memcached_settings_t *settings,
                               const rl_memcached_server_t *servers, unsigned n)
{
    memcached_st *memc = memcached_create(NULL);
    if (memc != NULL && !configure(memc, settings, servers, n)) {
        memcached_free(memc);
        return NULL;
    }
    return memc;
}

/* The top of the stack; NULL when none comes back before the deadline. */
static rl_handle_t *take_idle(rl_memcached_t *store, int64_t deadline)
{
    rl_handle_t *handle;
    apr_status_t rv = APR_SUCCESS;
    apr_thread_mutex_lock(store->mutex);
    while (store->idle == NULL && rv == APR_SUCCESS) {
        const int64_t left = deadline - rl_monotonic_now();
        rv = left > 0 ? apr_thread_cond_timedwait(store->returned, store->mutex, left)
                      : APR_TIMEUP;
    }
    handle = store->idle;
    if (handle != NULL) {
        store->idle = handle->next;
    }
    apr_thread_mutex_unlock(store->mutex);
    return handle;
}

static void put_idle(rl_memcached_t *store, rl_handle_t *handle)
{
    apr_thread_mutex_lock(store->mutex);
    handle->next = store->idle;
    store->idle = handle;
    apr_thread_cond_signal(store->returned);
    apr_thread_mutex_unlock(store->mutex);
}

static unsigned slot_of(const rl_memcached_t *store, const rl_handle_t *handle)
{
    return (unsigned)(handle - store->handles);
}

static void close_handle(rl_memcached_t *store, rl_handle_t *handle)
{
    if (store->watchdog != NULL) {
        rl_watchdog_hold(store->watchdog);
    }
    memcached_free(handle->memc);
    handle->memc = NULL;
    if (store->watchdog != NULL) {
        rl_watchdog_release(store->watchdog);
    }
}

static void give_back_handle(rl_memcached_t *store, rl_handle_t *handle)
{
    if (store->watchdog != NULL) {
        rl_watchdog_end(store->watchdog, slot_of(store, handle));
    }
    put_idle(store, handle);
}

static rl_handle_t *borrow_handle(rl_memcached_t *store, int64_t deadline)
{
    rl_handle_t *handle = take_idle(store, deadline);
    if (handle == NULL) {
        return NULL;
    }
    if (handle->memc != NULL && handle->era != atomic_load(&store->era)) {
        close_handle(store, handle);
    }
    if (handle->memc == NULL) {
        handle->era = atomic_load(&store->era);
        handle->memc =
            open_memc(store->settings, store->settings->servers, store->settings->nservers);
    }
    if (handle->memc == NULL) {
        put_idle(store, handle);
        return NULL;
    }
    if (store->watchdog != NULL) {
        rl_watchdog_begin(store->watchdog, slot_of(store, handle), deadline + WATCHDOG_SLACK);
    }
    return handle;
}

/* Called by the watchdog: ends whatever the handle's user waits for. */
static void cut_off(void *context, unsigned slot)
{
    const rl_memcached_t *store = context;
    const memcached_st *memc = store->handles[slot].memc;
    for (unsigned i = 0; memc != NULL && i < store->settings->nservers; i++) {
        const memcached_instance_st *instance = memcached_server_instance_by_position(memc, i);
        const in_port_t port = instance != NULL ? memcached_server_srcport(instance) : 0;
        if (port != 0 && port != (in_port_t)-1 && store->settings->servers[i].port != 0) {
            rl_socket_cut(port, store->settings->servers[i].port);
        }
    }
}

/* ---- one operation ---- */

typedef struct rl_operation {
    rl_memcached_t *store;
    rl_upstream_session_t *session;
    memcached_st *memc;
    unsigned server;
    char key[KEY_MAX + 1];
    size_t key_len;
} rl_operation_t;

static void name_key(rl_operation_t *op, const rl_counter_t *counter)
{
    op->key_len =
        (size_t)snprintf(op->key, sizeof(op->key), "%s%016llx%016llx%08x",
                         op->store->settings->prefix, (unsigned long long)counter->key.hi,
                         (unsigned long long)counter->key.lo, counter->window);
}

static void set_timeouts(memcached_st *memc, int64_t left_us)
{
    const uint64_t ms = (uint64_t)(left_us + 999) / 1000;
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, ms);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, ms);
}

/* Whether no server is to be asked now, so that nobody has to wait for a connection first. */
static bool is_given_up(const rl_memcached_t *store, int64_t now)
{
    for (unsigned i = 0; i < store->settings->nservers; i++) {
        if (!rl_breaker_is_waiting(&store->servers[i].breaker, now)) {
            return false;
        }
    }
    return true;
}

/* Gets ready to send; false when there is no time, no connection, or the breaker is open. */
static bool begin(rl_operation_t *op, rl_upstream_session_t *session,
                  const rl_counter_t *counter)
{
    int64_t now = rl_monotonic_now();
    rl_handle_t *handle = session->connection;
    op->store = (rl_memcached_t *)session->upstream;
    op->session = session;
    if (now >= session->deadline || is_given_up(op->store, now)) {
        return false;
    }
    if (handle == NULL) {
        handle = session->connection = borrow_handle(op->store, session->deadline);
        now = rl_monotonic_now(); /* it may have had to wait */
    }
    if (handle == NULL || now >= session->deadline) {
        return false;
    }
    op->memc = handle->memc;
    name_key(op, counter);
    op->server = memcached_generate_hash(op->memc, op->key, op->key_len);
    if (op->server >= op->store->settings->nservers ||
        !rl_breaker_allows(&op->store->servers[op->server].breaker,
                           &op->store->settings->breaker, now)) {
        return false;
    }
    set_timeouts(op->memc, session->deadline - now);
    return true;
}

static void notify(const rl_operation_t *op, bool works, const char *reason)
{
    const rl_memcached_t *store = op->store;
    store->notify(store->context, works, store->settings->servers[op->server].name, reason);
}

static void note(rl_operation_t *op, bool success, const char *reason)
{
    switch (rl_breaker_note(&op->store->servers[op->server].breaker,
                            &op->store->settings->breaker, rl_monotonic_now(), success)) {
    case RL_BREAKER_OPENED:
        notify(op, false, reason);
        break;
    case RL_BREAKER_CLOSED:
        notify(op, true, "");
        break;
    case RL_BREAKER_SAME:
        break;
    }
}

static rl_upstream_status_e answered(rl_operation_t *op, rl_upstream_status_e status)
{
    note(op, true, "");
    return status;
}

/* The server is there, but has no room. That is no reason to stop asking for counters that it
 * has. */
static rl_upstream_status_e refused(rl_operation_t *op, memcached_return_t rc)
{
    if (!atomic_exchange(&op->store->servers[op->server].refuses, true)) {
        notify(op, false, memcached_strerror(op->memc, rc));
    }
    return answered(op, RL_UPSTREAM_REFUSED);
}

static bool was_never_sent(memcached_return_t rc)
{
    return rc == MEMCACHED_CONNECTION_FAILURE || rc == MEMCACHED_HOST_LOOKUP_FAILURE ||
           rc == MEMCACHED_SERVER_MARKED_DEAD || rc == MEMCACHED_SERVER_TEMPORARILY_DISABLED;
}

static rl_upstream_status_e failed(rl_operation_t *op, memcached_return_t rc)
{
    rl_handle_t *handle = op->session->connection;
    unsigned era = handle->era;
    note(op, false, memcached_strerror(op->memc, rc));
    atomic_compare_exchange_strong(&op->store->era, &era, era + 1);
    close_handle(op->store, handle);
    give_back_handle(op->store, handle);
    op->session->connection = NULL;
    return was_never_sent(rc) ? RL_UPSTREAM_REFUSED : RL_UPSTREAM_ERROR;
}

/* A server that can't be reached may look like one that has no such key. */
static bool is_answer(const rl_operation_t *op, memcached_return_t rc,
                      memcached_return_t expected)
{
    const memcached_return_t last = memcached_last_error(op->memc);
    return rc == expected && (last == MEMCACHED_SUCCESS || last == expected);
}

static bool is_refusal(memcached_return_t rc)
{
    return rc == MEMCACHED_SERVER_ERROR || rc == MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE;
}

/* ---- the interface ---- */

static rl_upstream_status_e create(rl_upstream_session_t *session, const rl_counter_t *counter,
                                   uint64_t value)
{
    rl_operation_t op;
    char text[24];
    memcached_return_t rc;
    if (!begin(&op, session, counter)) {
        return RL_UPSTREAM_REFUSED;
    }
    const int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    rc = memcached_add(op.memc, op.key, op.key_len, text, (size_t)len, (time_t)counter->ttl, 0);
    if (rc == MEMCACHED_SUCCESS) {
        if (atomic_load_explicit(&op.store->servers[op.server].refuses, memory_order_relaxed) &&
            atomic_exchange(&op.store->servers[op.server].refuses, false)) {
            notify(&op, true, "");
        }
        return answered(&op, RL_UPSTREAM_OK);
    }
    if (is_answer(&op, rc, MEMCACHED_NOTSTORED) || is_answer(&op, rc, MEMCACHED_DATA_EXISTS)) {
        return answered(&op, RL_UPSTREAM_EXISTS);
    }
    return is_refusal(rc) ? refused(&op, rc) : failed(&op, rc);
}

static rl_upstream_status_e conclude(rl_operation_t *op, memcached_return_t rc)
{
    if (rc == MEMCACHED_SUCCESS) {
        return answered(op, RL_UPSTREAM_OK);
    }
    if (is_answer(op, rc, MEMCACHED_NOTFOUND)) {
        return answered(op, RL_UPSTREAM_MISSING);
    }
    return is_refusal(rc) ? refused(op, rc) : failed(op, rc);
}

/* Of a sum. The library takes an answer of another kind for this one, and leaves the rest of it
 * for the next command to read. */
static rl_upstream_status_e conclude_sum(rl_operation_t *op, memcached_return_t rc,
                                         uint64_t value)
{
    return conclude(op, rc == MEMCACHED_SUCCESS && value == UINT64_MAX
                            ? MEMCACHED_UNKNOWN_READ_FAILURE
                            : rc);
}

static rl_upstream_status_e add(rl_upstream_session_t *session, const rl_counter_t *counter,
                                uint64_t units, uint64_t *value)
{
    rl_operation_t op;
    memcached_return_t rc;
    if (!begin(&op, session, counter)) {
        return RL_UPSTREAM_REFUSED;
    }
    *value = 0;
    rc = memcached_increment_by_key(op.memc, op.key, op.key_len, op.key, op.key_len, units,
                                    value);
    return conclude_sum(&op, rc, *value);
}

static rl_upstream_status_e subtract(rl_upstream_session_t *session,
                                     const rl_counter_t *counter, uint64_t units)
{
    rl_operation_t op;
    memcached_return_t rc;
    uint64_t value = 0;
    if (!begin(&op, session, counter)) {
        return RL_UPSTREAM_REFUSED;
    }
    rc = memcached_decrement_by_key(op.memc, op.key, op.key_len, op.key, op.key_len, units,
                                    &value);
    return conclude_sum(&op, rc, value);
}

/* The number that a value is; a counter that was subtracted from ends in blanks. */
static bool parse_value(const char *text, size_t len, uint64_t *value)
{
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    return rl_number_parse(text, len, UINT64_MAX, value);
}

static rl_upstream_status_e read_counter(rl_upstream_session_t *session,
                                         const rl_counter_t *counter, uint64_t *value)
{
    rl_operation_t op;
    memcached_return_t rc = MEMCACHED_SUCCESS;
    uint32_t flags;
    size_t len;
    char *text;
    bool valid;
    if (!begin(&op, session, counter)) {
        return RL_UPSTREAM_REFUSED;
    }
    text = memcached_get(op.memc, op.key, op.key_len, &len, &flags, &rc);
    if (rc != MEMCACHED_SUCCESS || text == NULL) {
        free(text);
        return rc == MEMCACHED_SUCCESS ? failed(&op, MEMCACHED_UNKNOWN_READ_FAILURE)
                                       : conclude(&op, rc);
    }
    valid = parse_value(text, len, value);
    free(text);
    return answered(&op, valid ? RL_UPSTREAM_OK : RL_UPSTREAM_ERROR);
}

static void end(rl_upstream_session_t *session)
{
    if (session->connection != NULL) {
        give_back_handle((rl_memcached_t *)session->upstream, session->connection);
        session->connection = NULL;
    }
}

static const rl_upstream_ops_t memcached_ops = {
    .create = create,
    .add = add,
    .subtract = subtract,
    .read = read_counter,
    .end = end,
};

static apr_status_t close_all(void *data)
{
    rl_memcached_t *store = data;
    for (rl_handle_t *handle = store->idle; handle != NULL; handle = handle->next) {
        if (handle->memc != NULL) {
            memcached_free(handle->memc);
            handle->memc = NULL;
        }
    }
    return APR_SUCCESS;
}

/* All handles, none of them open yet, on the stack. */
static void make_handles(apr_pool_t *pool, rl_memcached_t *store)
{
    const unsigned n = store->settings->connections;
    store->handles = apr_pcalloc(pool, n * sizeof(*store->handles));
    for (unsigned i = 0; i < n; i++) {
        store->handles[i].next = i + 1 < n ? &store->handles[i + 1] : NULL;
    }
    store->idle = store->handles;
}

/* How often the watchdog looks: a fraction of what a wait may last. */
static int64_t watchdog_interval(const rl_memcached_settings_t *settings)
{
    const int64_t interval = settings->timeout_us / 4;
    return interval < WATCHDOG_LEAST  ? WATCHDOG_LEAST
           : interval > WATCHDOG_MOST ? WATCHDOG_MOST
                                      : interval;
}

rl_upstream_t *rl_memcached_create(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                                   rl_memcached_notify_fn *notify_fn, void *context)
{
    rl_memcached_t *store = apr_pcalloc(pool, sizeof(*store));
    store->base.ops = &memcached_ops;
    store->settings = settings;
    store->notify = notify_fn;
    store->context = context;
    store->servers = apr_pcalloc(pool, settings->nservers * sizeof(*store->servers));
    if (apr_thread_mutex_create(&store->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_cond_create(&store->returned, pool) != APR_SUCCESS) {
        return NULL;
    }
    make_handles(pool, store);
    apr_pool_cleanup_register(pool, store, close_all, apr_pool_cleanup_null);
    store->watchdog = rl_watchdog_create(pool, settings->connections,
                                         watchdog_interval(settings), cut_off, store);
    return &store->base;
}

const char *rl_memcached_probe(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                               unsigned server)
{
    static const char key[] = "rl:probe";
    memcached_st *memc = open_memc(settings, &settings->servers[server], 1);
    const char *reason = NULL;
    memcached_return_t rc;
    uint32_t flags;
    size_t len;
    if (memc == NULL) {
        return "out of memory";
    }
    free(memcached_get(memc, key, sizeof(key) - 1, &len, &flags, &rc));
    if (rc == MEMCACHED_NOTFOUND) {
        rc = memcached_last_error(memc); /* of the connection, if there is none */
    }
    if (rc != MEMCACHED_SUCCESS && rc != MEMCACHED_NOTFOUND) {
        reason = apr_pstrdup(pool, memcached_strerror(memc, rc));
    }
    memcached_free(memc);
    return reason;
}
