/* SPDX-License-Identifier: Apache-2.0 */
/* One command to one server: what comes before it, and what its answer means. Private to the
 * files of memcached/ that talk to servers. */
#ifndef RL_MEMCACHED_COMMAND_H
#define RL_MEMCACHED_COMMAND_H

#include "counter_text.h"
#include "handle.h"

/* A counter's key. */
typedef struct rl_name {
    char text[RL_COUNTER_TEXT_NAME_MAX + 1];
    size_t len;
} rl_name_t;

typedef struct rl_command {
    rl_memcached_t *store;
    rl_store_session_t *session;
    rl_server_t *server;
    rl_handle_t *handle;
    memcached_st *memc;
    const rl_shared_counter_t *counter;
    int64_t asked; /* microseconds of the monotonic clock */
    bool writes;   /* it writes a value, rather than changes or reads one */
    rl_name_t name;
} rl_command_t;

/* ---- before ---- */

/* Sets the counter's key. Returns the server that has it; NULL if the server's address is
 * unknown. */
rl_server_t *rl_command_name(const rl_memcached_t *store, const rl_shared_counter_t *counter,
                             rl_name_t *name);

/* Returns true if there is time to ask the server, and its breaker doesn't forbid it. Then a
 * connection to it is worth waiting for. */
bool rl_command_may_ask(const rl_server_t *server, int64_t deadline);

/* Prepares to send over this handle, which may be NULL. Returns false without a handle or time,
 * or if the breaker is open. */
bool rl_command_open(rl_command_t *command, rl_store_session_t *session, rl_handle_t *handle);

/* Lets the command wait for its answer as long as the session may wait now; what has come is
 * read after that, too. */
void rl_command_wait_on(const rl_command_t *command);

/* Prepares a command on one counter: does the first three. */
bool rl_command_begin(rl_command_t *command, rl_store_session_t *session,
                      const rl_shared_counter_t *counter);

/* ---- after ---- */

/* Notes a good answer. Returns the status. */
rl_store_status_e rl_command_answered(rl_command_t *command, rl_store_status_e status);

/* Notes and reports that the server is there, but has no room, or refuses for another reason.
 * Returns REFUSED, or ERROR: it is a proxy that can't reach the memcached behind it, and the
 * command may have got there. */
rl_store_status_e rl_command_refused(rl_command_t *command, memcached_return_t rc);

/* Notes a failure and closes the connection. Returns why there is no answer. */
rl_store_status_e rl_command_failed(rl_command_t *command, memcached_return_t rc);

/* Closes the connection. */
void rl_command_drop(rl_command_t *command);

/* Returns true if the code is the expected one, and is what the server said: for a server that
 * can't be reached the library may return the same code as for a key that the server doesn't
 * have. */
bool rl_command_is_answer(const rl_command_t *command, memcached_return_t rc,
                          memcached_return_t expected);

/* Concludes a command that succeeded (OK), has no counter to work on (MISSING), or got no
 * answer that can be trusted. */
rl_store_status_e rl_command_conclude(rl_command_t *command, memcached_return_t rc);

#endif
