/* What the log was told of each server of a shared store. All processes of a host find out by
 * themselves that a server fails; they keep here, in shared memory, what has been said, so that
 * the log hears of it once, however many they are and however often it comes and goes.
 *
 *     table    | slot 0 | slot 1 | ... | slot RL_LOG_THROTTLE_SLOTS - 1 |
 *
 *     slot     +-------------------------------------------------+
 *              | server: hash of its name, 0: free        (64)   |
 *              +------------+---------------------+--------------+
 *              | state (2)  | refusal told (31)   | failure (31) |
 *              +------------+---------------------+--------------+
 *              | rejection told                           (64)   |
 *              +-------------------------------------------------+
 *
 * The state is the last one told; the times are when a refusal to store, a failure as an error,
 * and a rejection were last told, in seconds of the monotonic clock, plus 1; 0: never.
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
    _Atomic uint64_t told;
    _Atomic uint64_t rejection;
} rl_log_slot_t;

#define RL_LOG_THROTTLE_SIZE (RL_LOG_THROTTLE_SLOTS * sizeof(rl_log_slot_t))

typedef enum { RL_LOG_NOTHING, RL_LOG_INFO, RL_LOG_NOTICE, RL_LOG_ERROR } rl_log_level_e;

/* The slot of a server in a table of RL_LOG_THROTTLE_SIZE bytes, which was zeroed once. When
 * the table is full, servers share slots: one's state may then go untold. */
rl_log_slot_t *rl_log_throttle_find(void *table, const char *name);

/* What to tell of an event now, microseconds of the monotonic clock; notes that it is told.
 * Failures, refusals and rejections are told as errors once a minute at most, and a recovery as
 * a notice once for each failure told as an error; what comes and goes in between is
 * information. */
rl_log_level_e rl_log_throttle_note(rl_log_slot_t *slot, rl_server_event_e event, int64_t now);

#endif
