/* A circuit breaker: stops asking a server that does not answer. Threads of one process share
 * it; it is lock-free and has no clock of its own.
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
    unsigned failures;   /* in a row, 1 or more */
    int64_t cooldown_us; /* microseconds */
    int64_t probe_us;    /* the longest that a probe takes; no other one begins meanwhile */
} rl_breaker_settings_t;

typedef struct rl_breaker {
    _Atomic unsigned failures; /* in a row */
    _Atomic int64_t probe_due; /* open: when the next probe is due; 0: closed */
} rl_breaker_t;

typedef enum {
    RL_BREAKER_SAME,
    RL_BREAKER_OPENED,
    RL_BREAKER_STAYS_OPEN, /* a probe failed, or what was asked before it opened */
    RL_BREAKER_CLOSED
} rl_breaker_change_e;

/* Whether a request may ask the server at time now; when open, one request per cooldown may. */
bool rl_breaker_allows(rl_breaker_t *breaker, const rl_breaker_settings_t *settings,
                       int64_t now);

/* Tells how a request that was allowed went; says whether that opened or closed it, to exactly
 * one caller. */
rl_breaker_change_e rl_breaker_note(rl_breaker_t *breaker,
                                    const rl_breaker_settings_t *settings, int64_t now,
                                    bool success);

/* Whether it is open and no probe is due yet. */
bool rl_breaker_is_waiting(const rl_breaker_t *breaker, int64_t now);

#endif
