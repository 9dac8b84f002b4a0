/* SPDX-License-Identifier: Apache-2.0 */
/* A circuit breaker: stops requests from asking a server that doesn't answer. Threads
 * share a breaker, and processes do if it lies in shared memory. It is lock-free, and its
 * callers pass the time, in microseconds of the monotonic clock.
 *
 *     closed --failures in a row--> open --cooldown--> one probe --success--> closed
 *                                     ^                    |
 *                                     +-----failure--------+
 */
#ifndef RL_MEMCACHED_BREAKER_H
#define RL_MEMCACHED_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct rl_breaker_settings {
    unsigned failures;   /* failures in a row that open it, 1 or more */
    int64_t cooldown_us; /* microseconds from a failure to the next probe */
    int64_t probe_us;    /* microseconds of a probe at most; no other begins meanwhile */
} rl_breaker_settings_t;

typedef struct rl_breaker {
    _Atomic unsigned failures; /* failures in a row */
    _Atomic int64_t probe_due; /* open: time at which the next probe is due; 0: closed */
} rl_breaker_t;

typedef enum {
    RL_BREAKER_SAME,
    RL_BREAKER_OPENED,
    RL_BREAKER_STAYS_OPEN, /* a probe failed, or a request that was sent before it opened */
    RL_BREAKER_CLOSED
} rl_breaker_change_e;

/* Returns true if a request may ask the server at time now. Of an open breaker only one request
 * per cooldown may: that is the probe. */
bool rl_breaker_allows(rl_breaker_t *breaker, const rl_breaker_settings_t *settings,
                       int64_t now);

/* Notes at time now if a request that was allowed succeeded. Returns what that changed; of many
 * callers exactly one learns that the breaker was opened, or closed. */
rl_breaker_change_e rl_breaker_note(rl_breaker_t *breaker,
                                    const rl_breaker_settings_t *settings, int64_t now,
                                    bool success);

/* Returns true if the breaker is open and no probe is due at time now. Changes nothing. */
bool rl_breaker_is_waiting(const rl_breaker_t *breaker, int64_t now);

#endif
