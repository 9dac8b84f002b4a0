/* SPDX-License-Identifier: Apache-2.0 */
/* Limits how often the log tells of a server of a shared store. Each process of a host finds
 * out by itself that a server fails. In shared memory the processes keep what has been logged,
 * so that the log tells it once, however many processes there are and however often the server
 * comes and goes.
 *
 *     table    | slot 0 | slot 1 | ... | slot RL_LOG_THROTTLE_SLOTS - 1 |
 *
 *     slot     +-------------------------------------------------+
 *              | server: hash of its name, 0: free        (64)   |
 *              +------------+---------------------+--------------+
 *              | state (2)  | full logged (31)      | failure (31) |
 *              +------------+---------------------+--------------+
 *              | error answer logged                        (64)   |
 *              +-------------------------------------------------+
 *
 * The state is the last one that was logged. The times are when a full server, a failure (as an
 * error) and another error answer were last logged, in seconds of the monotonic clock plus 1;
 * 0: never.
 */
#ifndef RL_MEMCACHED_LOG_THROTTLE_H
#define RL_MEMCACHED_LOG_THROTTLE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "server_event.h"

#define RL_LOG_THROTTLE_SLOTS 128

typedef struct rl_log_slot {
    _Atomic uint64_t server;
    _Atomic uint64_t logged;
    _Atomic uint64_t error_answer;
} rl_log_slot_t;

#define RL_LOG_THROTTLE_SIZE (RL_LOG_THROTTLE_SLOTS * sizeof(rl_log_slot_t))

typedef enum { RL_LOG_NOTHING, RL_LOG_INFO, RL_LOG_NOTICE, RL_LOG_ERROR } rl_log_level_e;

/* Returns the slot of a server in a table of RL_LOG_THROTTLE_SIZE bytes, which must have been
 * zeroed once. If the table is full, servers share slots, and some of their events may go
 * unlogged. */
rl_log_slot_t *rl_log_throttle_find(void *table, const char *name);

/* Decides at time now, microseconds of the monotonic clock, how to log an event, and notes that
 * it is logged. Returns the level. FAILS, STILL_FAILS, IS_FULL and ANSWERS_ERROR are errors,
 * each kind once a minute at most; WORKS is a notice if it ends a failure that was logged as an
 * error. Further failures within the minute, and their ends, are INFO. */
rl_log_level_e rl_log_throttle_note(rl_log_slot_t *slot, rl_server_event_e event, int64_t now);

#endif
