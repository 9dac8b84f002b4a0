/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include <string.h>

#include "../system/clock.h"
#include "command.h"

/* How long a proxy is asked for one counter after the other once it has said that it lacks a
 * memcached, microseconds: with that answer it says nothing of the counters of others. */
#define ALONE_TIME (10 * INT64_C(1000000))

/* How long after its deadline a session may wait for each server but the first, microseconds:
 * until then it may be busy with those before. */
#define OTHERS_MAY_WAIT 50000

typedef struct rl_exchange {
    rl_store_session_t *session;
    rl_memcached_t *store;
    rl_want_t *wants;
    unsigned n;
    rl_server_t *servers[RL_WANTS_MAX]; /* that of each want; NULL: its status is known */
    rl_name_t names[RL_WANTS_MAX];
} rl_exchange_t;

/* ---- what is wanted of one server ---- */

/* Sets the status of all that is wanted of the server. */
static void conclude_all(rl_exchange_t *exchange, const rl_server_t *server,
                         rl_store_status_e status)
{
    for (unsigned i = 0; i < exchange->n; i++) {
        if (exchange->servers[i] == server) {
            exchange->wants[i].status = status;
            exchange->servers[i] = NULL;
        }
    }
}

typedef memcached_return_t send_value_fn(memcached_st *, const char *, size_t, const char *,
                                         size_t, time_t, uint32_t);

static memcached_return_t send_value(memcached_st *memc, const rl_name_t *name,
                                     const rl_want_t *want, send_value_fn *send)
{
    char text[RL_COUNTER_TEXT_DIGITS_MAX + 1];
    const size_t len = rl_counter_text_print(want->made, text);
    return send(memc, name->text, name->len, text, len, (time_t)want->counter.ttl, 0);
}

static memcached_return_t send_change(memcached_st *memc, const rl_name_t *name,
                                      const rl_want_t *want)
{
    uint64_t value = 0; /* no answer sets it */
    switch (want->what) {
    case RL_WANT_ADD:
        return memcached_increment_by_key(memc, name->text, name->len, name->text, name->len,
                                          want->units, &value);
    case RL_WANT_SUBTRACT:
        return memcached_decrement_by_key(memc, name->text, name->len, name->text, name->len,
                                          want->units, &value);
    case RL_WANT_PUT:
        return send_value(memc, name, want, memcached_set);
    default:
        return MEMCACHED_SUCCESS;
    }
}

/* Sends the commands that want no answer. */
static memcached_return_t send_changes(const rl_exchange_t *exchange,
                                       const rl_command_t *command)
{
    memcached_return_t rc = MEMCACHED_SUCCESS;
    memcached_behavior_set(command->memc, MEMCACHED_BEHAVIOR_NOREPLY, 1);
    for (unsigned i = 0; i < exchange->n && rc == MEMCACHED_SUCCESS; i++) {
        const rl_want_t *want = &exchange->wants[i];
        if (exchange->servers[i] != command->server) {
            continue;
        }
        if (want->what == RL_WANT_ADD && want->made != 0) {
            rc = send_value(command->memc, &exchange->names[i], want, memcached_add);
        }
        if (rc == MEMCACHED_SUCCESS) {
            rc = send_change(command->memc, &exchange->names[i], want);
        }
    }
    memcached_behavior_set(command->memc, MEMCACHED_BEHAVIOR_NOREPLY, 0);
    return rc;
}

/* Sends the command that reads all. */
static memcached_return_t send_read(const rl_exchange_t *exchange, const rl_command_t *command)
{
    const char *keys[RL_WANTS_MAX];
    size_t lens[RL_WANTS_MAX], n = 0;
    for (unsigned i = 0; i < exchange->n; i++) {
        if (exchange->servers[i] == command->server) {
            keys[n] = exchange->names[i].text;
            lens[n++] = exchange->names[i].len;
        }
    }
    return memcached_mget(command->memc, keys, lens, n);
}

/* ---- its answer ---- */

/* Takes one value of the answer. Returns false if nobody asked for it. */
static bool take_value(const rl_exchange_t *exchange, const rl_command_t *command,
                       memcached_result_st *result)
{
    const char *key = memcached_result_key_value(result);
    const size_t len = memcached_result_key_length(result);
    for (unsigned i = 0; i < exchange->n; i++) {
        rl_want_t *want = &exchange->wants[i];
        const rl_name_t *name = &exchange->names[i];
        if (exchange->servers[i] == command->server && len == name->len &&
            memcmp(key, name->text, len) == 0) {
            want->version = memcached_result_cas(result);
            want->status = rl_counter_text_parse(memcached_result_value(result),
                                                 memcached_result_length(result), &want->value)
                               ? RL_STORE_OK
                               : RL_STORE_ERROR;
            return true;
        }
    }
    return false;
}

/* Reads values until their end, which is MEMCACHED_END. With `count` at 0 the library would say
 * the same of an error that comes before any value as of values that are all missing. And a
 * line that is no value leaves what was in the result before. */
static memcached_return_t exchange_read_values(const rl_exchange_t *exchange,
                                               const rl_command_t *command)
{
    memcached_result_st *result = &command->memc->result;
    for (unsigned i = 0; i <= exchange->n; i++) {
        memcached_return_t rc;
        memcached_result_reset(result);
        result->count = 1;
        if (memcached_fetch_result(command->memc, result, &rc) == NULL) {
            return rc;
        }
        if (!take_value(exchange, command, result)) {
            return memcached_result_key_length(result) == 0 ? MEMCACHED_STORED
                                                            : MEMCACHED_UNKNOWN_READ_FAILURE;
        }
    }
    return MEMCACHED_UNKNOWN_READ_FAILURE;
}

/* The server has answered a command that wanted no answer. It isn't asked like this again: its
 * answers can't be told apart. */
static rl_store_status_e heeds_no_noreply(const rl_command_t *command)
{
    atomic_store(&command->server->answers_all, true);
    rl_health_tell(&command->server->health, RL_SERVER_ANSWERS_ERROR,
                   "it answers commands with noreply; each rule takes a round trip");
    return RL_STORE_ERROR;
}

/* The connection is closed, because more may come over it that answers nothing. */
static rl_store_status_e no_values(rl_command_t *command, memcached_return_t rc)
{
    rl_store_status_e status = RL_STORE_ERROR;
    switch (rc) {
    case MEMCACHED_SERVER_ERROR:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        if (rl_command_refused(command, rc) == RL_STORE_ERROR) {
            atomic_store(&command->server->alone_until, rl_clock_now() + ALONE_TIME);
        }
        rl_command_drop(command);
        return status;
    case MEMCACHED_STORED:
    case MEMCACHED_NOTSTORED:
        status = heeds_no_noreply(command);
        rl_command_drop(command);
        return status;
    default:
        return rl_command_conclude(
            command, rc == MEMCACHED_SUCCESS ? MEMCACHED_UNKNOWN_READ_FAILURE : rc);
    }
}

/* Returns true if the answer looks as it should and yet may be the one to a command that wanted
 * none: no value came. */
static bool is_doubtful(const rl_exchange_t *exchange, const rl_server_t *server)
{
    bool changes = false;
    for (unsigned i = 0; i < exchange->n; i++) {
        const rl_want_t *want = &exchange->wants[i];
        if (exchange->servers[i] == server) {
            changes |= want->what != RL_WANT_READ;
            if (want->status != RL_STORE_MISSING) {
                return false;
            }
        }
    }
    return changes;
}

static void forget_status(rl_exchange_t *exchange, const rl_server_t *server)
{
    for (unsigned i = 0; i < exchange->n; i++) {
        if (exchange->servers[i] == server) {
            exchange->wants[i].status = RL_STORE_MISSING; /* until its value comes */
        }
    }
}

/* Keeps what the values have set. */
static void keep_status(rl_exchange_t *exchange, const rl_server_t *server)
{
    for (unsigned i = 0; i < exchange->n; i++) {
        if (exchange->servers[i] == server) {
            exchange->servers[i] = NULL;
        }
    }
}

/* ---- several servers ---- */

static void send_part(rl_exchange_t *exchange, rl_command_t *command)
{
    memcached_return_t rc;
    rl_descriptor_hold(&command->handle->descriptor, true);
    rc = send_changes(exchange, command);
    if (rc == MEMCACHED_SUCCESS) {
        rc = send_read(exchange, command);
    }
    if (rc != MEMCACHED_SUCCESS) { /* its socket may be closed, and its number another's */
        conclude_all(exchange, command->server, no_values(command, rc));
        command->handle = NULL;
        return;
    }
    rl_descriptor_hold(&command->handle->descriptor, false);
}

static void read_part(rl_exchange_t *exchange, rl_command_t *command)
{
    memcached_return_t rc;
    forget_status(exchange, command->server);
    rc = exchange_read_values(exchange, command);
    if (rc != MEMCACHED_END) {
        conclude_all(exchange, command->server, no_values(command, rc));
        command->handle = NULL;
        return;
    }
    rl_command_answered(command, RL_STORE_OK);
    if (is_doubtful(exchange, command->server)) {
        rl_command_drop(command);
        command->handle = NULL;
    }
    keep_status(exchange, command->server);
}

/* Finds a connection to the server and sends what is wanted of it. Waits for one only if the
 * session has none other; else returns false if none is free. */
static bool begin_part(rl_exchange_t *exchange, rl_command_t *command, rl_server_t *server,
                       bool first)
{
    rl_store_session_t *session = exchange->session;
    rl_handle_t *handle = first ? rl_handle_for(session, server)
                                : rl_handle_one_more(exchange->store, server,
                                                     session->deadline + OTHERS_MAY_WAIT);
    if (handle == NULL && !first) {
        return false;
    }
    if (rl_command_open(command, session, handle)) {
        send_part(exchange, command);
        return true;
    }
    conclude_all(exchange, server, RL_STORE_REFUSED);
    if (handle != NULL && !first) {
        rl_handle_give_back(exchange->store, handle);
    }
    command->handle = NULL;
    return true;
}

/* Asks as many servers at once as there are connections free, at least one. */
static void ask_some(rl_exchange_t *exchange)
{
    rl_command_t parts[RL_WANTS_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < exchange->n; i++) {
        rl_server_t *server = exchange->servers[i];
        bool begun = server == NULL;
        for (unsigned j = 0; j < n && !begun; j++) {
            begun = parts[j].handle != NULL && parts[j].server == server;
        }
        n += !begun && begin_part(exchange, &parts[n], server, n == 0);
    }
    for (unsigned i = 0; i < n; i++) {
        if (parts[i].handle == NULL) {
            continue;
        }
        if (i > 0) {
            rl_command_wait_on(&parts[i]); /* those before may have taken all the time */
        }
        read_part(exchange, &parts[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (parts[i].handle != NULL && parts[i].handle != exchange->session->connection) {
            rl_handle_give_back(exchange->store, parts[i].handle);
        }
    }
}

static bool exchange_is_done(const rl_exchange_t *exchange)
{
    for (unsigned i = 0; i < exchange->n; i++) {
        if (exchange->servers[i] != NULL) {
            return false;
        }
    }
    return true;
}

/* Returns true if the server can be asked for several counters at once. */
static bool takes_exchanges(const rl_server_t *server)
{
    const int64_t alone = atomic_load(&server->alone_until);
    return !atomic_load(&server->answers_all) && (alone == 0 || alone <= rl_clock_now());
}

void rl_memcached_exchange(rl_store_session_t *session, rl_want_t *wants, unsigned n)
{
    rl_exchange_t exchange = {.session = session,
                              .store = (rl_memcached_t *)session->store,
                              .wants = wants,
                              .n = n < RL_WANTS_MAX ? n : RL_WANTS_MAX};
    for (unsigned i = 0; i < exchange.n; i++) {
        rl_server_t *server =
            rl_command_name(exchange.store, &wants[i].counter, &exchange.names[i]);
        wants[i].status = RL_STORE_REFUSED;
        if (rl_command_may_ask(server, session->deadline)) {
            exchange.servers[i] = server;
        }
        if (server != NULL && !takes_exchanges(server)) {
            wants[i].status = RL_STORE_UNASKED;
            exchange.servers[i] = NULL;
        }
    }
    for (unsigned i = 0; i < RL_WANTS_MAX && !exchange_is_done(&exchange); i++) {
        ask_some(&exchange);
    }
}
