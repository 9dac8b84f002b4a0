/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>

#include "../system/clock.h"
#include "error_text.h"

static void set_timeouts(memcached_st *memc, int64_t left_us)
{
    const uint64_t ms = (uint64_t)(left_us + 999) / 1000;
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, ms);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, ms);
}

rl_server_t *rl_command_name(const rl_memcached_t *store, const rl_shared_counter_t *counter,
                             rl_name_t *name)
{
    unsigned n;
    name->len = rl_counter_text_name(store->settings->prefix, counter, name->text);
    n = counter->server > 0 ? counter->server - 1
                            : memcached_generate_hash(store->ring, name->text, name->len);
    return n < store->settings->nservers && store->servers[n].config->address != NULL
               ? &store->servers[n]
               : NULL;
}

bool rl_command_may_ask(const rl_server_t *server, int64_t deadline)
{
    const int64_t now = rl_clock_now();
    return server != NULL && now < deadline &&
           !rl_breaker_is_waiting(&server->health.state->breaker, now);
}

bool rl_command_open(rl_command_t *command, rl_store_session_t *session, rl_handle_t *handle)
{
    const int64_t now = rl_clock_now(); /* borrowing may have waited */
    command->store = (rl_memcached_t *)session->store;
    command->session = session;
    command->handle = handle;
    command->writes = false;
    if (handle == NULL || now >= session->deadline ||
        !rl_breaker_allows(&handle->server->health.state->breaker,
                           &command->store->settings->breaker, now)) {
        return false;
    }
    command->server = handle->server;
    command->memc = handle->memc;
    command->asked = now;
    set_timeouts(command->memc, session->deadline - now);
    return true;
}

void rl_command_wait_on(const rl_command_t *command)
{
    const int64_t now = rl_clock_now(), deadline = command->session->deadline;
    set_timeouts(command->memc, now < deadline ? deadline - now : 1);
    rl_handle_watch(command->store, command->handle, now < deadline ? deadline : now);
}

bool rl_command_begin(rl_command_t *command, rl_store_session_t *session,
                      const rl_shared_counter_t *counter)
{
    rl_server_t *server =
        rl_command_name((rl_memcached_t *)session->store, counter, &command->name);
    command->counter = counter;
    return rl_command_may_ask(server, session->deadline) &&
           rl_command_open(command, session, rl_handle_for(session, server));
}

rl_store_status_e rl_command_answered(rl_command_t *command, rl_store_status_e status)
{
    const bool first = !command->handle->has_answered;
    command->handle->has_answered = true;
    if (first) {
        rl_descriptor_connected(&command->handle->descriptor,
                                rl_handle_local_port(command->handle));
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

/* If it refused to store a new value, that says nothing about the counters that it has, so it
 * is still asked for those. If it refuses anything else, too many error answers in a row are a
 * failure. So is each answer of a proxy that can't reach its memcached. */
rl_store_status_e rl_command_refused(rl_command_t *command, memcached_return_t rc)
{
    char text[RL_ERROR_TEXT_MAX + 1];
    const char *reason = reason_of(command, rc, text);
    const rl_server_event_e event =
        rc == MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE || rl_error_text_says_no_memory(reason)
            ? RL_SERVER_IS_FULL
            : RL_SERVER_ANSWERS_ERROR;
    if (rl_error_text_says_backend_gone(reason)) {
        rl_health_failed(&command->server->health, reason);
        return RL_STORE_ERROR;
    }
    rl_health_error_answer(&command->server->health, event, reason, command->writes);
    return RL_STORE_REFUSED;
}

void rl_command_drop(rl_command_t *command)
{
    rl_handle_close(command->store, command->handle);
    rl_handle_give_back(command->store, command->handle);
    if (command->session->connection == command->handle) {
        command->session->connection = NULL;
    }
}

/* The server takes this command for a mistake, and may misread what was sent after it. */
static rl_store_status_e rejected(rl_command_t *command, memcached_return_t rc)
{
    char text[RL_ERROR_TEXT_MAX + 1];
    rl_health_error_answer(&command->server->health, RL_SERVER_ANSWERS_ERROR,
                           reason_of(command, rc, text), false);
    rl_command_drop(command);
    return RL_STORE_ERROR;
}

/* The library says CONNECTION_FAILURE also of a connection that ended before the answer: then
 * with no error of the system, or a reset. */
static bool was_never_sent(const rl_command_t *command, memcached_return_t rc)
{
    const int error = memcached_last_error_errno(command->memc);
    switch (rc) {
    case MEMCACHED_CONNECTION_FAILURE:
        return error != 0 && error != ECONNRESET;
    case MEMCACHED_ERRNO:
        return error == ENOENT; /* there is no such socket */
    case MEMCACHED_HOST_LOOKUP_FAILURE:
    case MEMCACHED_SERVER_MARKED_DEAD:
    case MEMCACHED_SERVER_TEMPORARILY_DISABLED:
        return true;
    default:
        return false;
    }
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

rl_store_status_e rl_command_failed(rl_command_t *command, memcached_return_t rc)
{
    const bool never_sent = was_never_sent(command, rc);
    unsigned era = command->handle->era;
    tell_what_it_is(command, rc);
    rl_health_failed(&command->server->health, memcached_strerror(command->memc, rc));
    atomic_compare_exchange_strong(&command->server->era, &era, era + 1);
    rl_command_drop(command);
    return never_sent ? RL_STORE_REFUSED : RL_STORE_ERROR;
}

bool rl_command_is_answer(const rl_command_t *command, memcached_return_t rc,
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
        return rl_command_refused(command, rc);
    case MEMCACHED_CLIENT_ERROR:
    case MEMCACHED_E2BIG:
        return rejected(command, rc);
    default:
        return rl_command_failed(command, rc);
    }
}

rl_store_status_e rl_command_conclude(rl_command_t *command, memcached_return_t rc)
{
    if (rc == MEMCACHED_SUCCESS) {
        return rl_command_answered(command, RL_STORE_OK);
    }
    if (rl_command_is_answer(command, rc, MEMCACHED_NOTFOUND)) {
        return rl_command_answered(command, RL_STORE_MISSING);
    }
    return no_result(command,
                     rc == MEMCACHED_NOTFOUND ? memcached_last_error(command->memc) : rc);
}
