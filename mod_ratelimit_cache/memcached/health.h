/* SPDX-License-Identifier: Apache-2.0 */
/* The health of one server of a shared store: a breaker, and what of the server's state is
 * news. Its state is shared by threads, and by the processes of this host (health_table.h).
 *
 * An error answer is no failure by itself: a single key on the server may be to blame. It is
 * one after RL_HEALTH_ERROR_ANSWERS others in a row, or if the server has given no good answer
 * since the start or since it last failed. A refusal to write a value is only reported. */
#ifndef RL_MEMCACHED_HEALTH_H
#define RL_MEMCACHED_HEALTH_H

#include "../stats/traffic.h"
#include "breaker.h"
#include "server_event.h"

/* Up to this many error answers in a row are put down to one key, or a few. */
#define RL_HEALTH_ERROR_ANSWERS 20

/* Zero at first. It holds no pointer, and what is in it may be changed by other processes.
 * Times are microseconds of the monotonic clock. */
typedef struct rl_health_state {
    rl_breaker_t breaker;
    _Atomic unsigned forgiven; /* so many more error answers in a row are put down to a key */
    _Atomic int64_t failing_since;  /* the first of the failures in a row; 0: none yet */
    _Atomic uint64_t local;         /* requests that were decided without its answer since */
    _Atomic int64_t last_outage_us; /* how long the last outage was; 0: none is over yet */
    _Atomic uint64_t last_local;    /* ... and `local` when it ended */
    _Atomic int64_t visited;        /* when rl_health_may_visit() last returned true */
} rl_health_state_t;

/* An outage: from the first failure of those that opened the breaker to the next good answer.
 */
typedef struct rl_outage {
    int64_t lasted_us;
    uint64_t local; /* requests that were decided without the server's answer meanwhile */
} rl_outage_t;

typedef struct rl_health {
    rl_health_state_t *state;
    rl_health_state_t own; /* the state, if it isn't shared */
    rl_traffic_t *traffic; /* counts what it is asked; NULL: nothing does */
    const rl_breaker_settings_t *settings;
    rl_server_notify_fn *notify; /* is told of events, from any thread */
    void *context;
    unsigned server; /* its place in the settings */
} rl_health_t;

/* Initializes the health of a server, which is named by its place in the settings. Its state is
 * the one given; NULL: one of its own, and nothing is known of the server yet. Settings, state
 * and traffic must outlive it. */
void rl_health_init(rl_health_t *health, rl_health_state_t *state, rl_traffic_t *traffic,
                    const rl_breaker_settings_t *settings, rl_server_notify_fn *notify,
                    void *context, unsigned server);

/* Returns true if the breaker is open: the server has failed, and no good answer has come
 * since.
 */
bool rl_health_is_away(const rl_health_state_t *state);

/* Counts a request that was decided without a server's answer, if the server has failed since
 * its last good answer. */
void rl_health_count_local(rl_health_state_t *state);

/* Returns how many requests the present outage has had decided without the server's answer; 0
 * if there is none. */
uint64_t rl_health_local(const rl_health_state_t *state);

/* Sets *outage to the last outage that is over. Returns false if there was none. */
bool rl_health_last_outage(const rl_health_state_t *state, rl_outage_t *outage);

/* Returns true if a server that is away is to be asked at time now for its own sake, and not
 * for that of a request. Of all processes one is told so, every interval_us at most. */
bool rl_health_may_visit(rl_health_state_t *state, int64_t interval_us, int64_t now);

/* Notes a good answer to what was asked at `asked`, microseconds of the monotonic clock.
 * `first`: it is the first on its connection, which is always news, because another process,
 * which may have ended, may have seen the server fail. */
void rl_health_good(rl_health_t *health, bool first, int64_t asked);

/* Notes a failure: no answer, or none that makes sense. */
void rl_health_failed(rl_health_t *health, const char *reason);

/* Reports an event that says nothing about the server as a whole. */
void rl_health_tell(const rl_health_t *health, rl_server_event_e event, const char *reason);

/* Notes and reports an error answer; the event is RL_SERVER_IS_FULL or RL_SERVER_ANSWERS_ERROR.
 * `to_a_write`: the server refuses to write a value, which is only reported. */
void rl_health_error_answer(rl_health_t *health, rl_server_event_e event, const char *reason,
                            bool to_a_write);

#endif
