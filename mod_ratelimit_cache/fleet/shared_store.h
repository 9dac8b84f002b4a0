/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of a shared store, as the limiter sees it: named counters, each a number of 64
 * bits that is added to and subtracted from atomically. core/meter/tally.h says what a number
 * means. An implementation only moves numbers, and forgets them when their window is long over.
 *
 * Work is done in sessions, each with a deadline; a request may need several. An
 * implementation never makes its caller wait beyond the deadline, never repeats what may have
 * been carried out, and returns RL_STORE_ERROR rather than a number that it isn't sure of.
 */
#ifndef RL_FLEET_SHARED_STORE_H
#define RL_FLEET_SHARED_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"

typedef enum {
    RL_STORE_OK,
    RL_STORE_MISSING, /* the store has no such counter */
    RL_STORE_EXISTS,  /* create: the counter is there already; replace: it has changed */
    RL_STORE_REFUSED, /* not carried out: the breaker is open, nothing could be sent, or the
                       * server refused it */
    RL_STORE_ERROR,   /* no answer that can be trusted; it may have been carried out */
    RL_STORE_UNASKED  /* exchange: not asked; it has to be asked for by itself */
} rl_store_status_e;

/* Names a counter: that of one key in one window. */
typedef struct rl_shared_counter {
    rl_digest_t key;
    uint32_t window;
    uint32_t ttl;    /* seconds that the store has to remember it from now on, 1 s to 30 days */
    uint32_t server; /* 0: its name tells which server of the store has it; else that one has,
                      * by its place from 1 on, whatever the name is */
} rl_shared_counter_t;

/* What an operation wants of a counter, if it is asked for together with others: see
 * exchange(). */
typedef enum { RL_WANT_READ, RL_WANT_ADD, RL_WANT_SUBTRACT, RL_WANT_PUT } rl_want_e;

typedef struct rl_want {
    rl_shared_counter_t counter;
    rl_want_e what;
    uint64_t made;  /* ADD: what to make the counter with first if it is missing; 0: don't.
                     * PUT: what to set it to */
    uint64_t units; /* ADD, SUBTRACT: units of that operation; 1 or more */
    /* Out: */
    rl_store_status_e status;
    uint64_t value; /* OK: the counter after everything that was wanted, and what others did */
    uint64_t version; /* names the value, as for replace */
} rl_want_t;

#define RL_WANTS_MAX 16 /* in one exchange */

typedef struct rl_store rl_store_t;

typedef struct rl_store_session {
    rl_store_t *store;
    int64_t deadline; /* microseconds of the monotonic clock (system/clock.h) */
    void *connection; /* the implementation's own; NULL at first */
    uint64_t version; /* names the value that was read last */
    unsigned local;   /* decisions of this session: without the store's answer, */
    unsigned leased;  /* and by a lease, without a round trip */
} rl_store_session_t;

/* What an implementation does. Any function may also return REFUSED or ERROR. */
typedef struct rl_store_ops {
    /* Makes the counter with this value unless there is one. Returns OK or EXISTS. */
    rl_store_status_e (*create)(rl_store_session_t *, const rl_shared_counter_t *,
                                uint64_t value);
    /* Adds units and sets *value to the sum. Returns OK or MISSING. */
    rl_store_status_e (*add)(rl_store_session_t *, const rl_shared_counter_t *, uint64_t units,
                             uint64_t *value);
    /* Subtracts units, but not below 0, and sets *value to the difference. Returns OK or
     * MISSING. */
    rl_store_status_e (*subtract)(rl_store_session_t *, const rl_shared_counter_t *,
                                  uint64_t units, uint64_t *value);
    /* Reads the counter into *value, which also keeps it from being evicted. Returns OK or
     * MISSING. */
    rl_store_status_e (*read)(rl_store_session_t *, const rl_shared_counter_t *,
                              uint64_t *value);
    /* Sets the value if the counter is unchanged since this session read it in its last
     * operation. Returns OK, EXISTS if it has changed, or MISSING. */
    rl_store_status_e (*replace)(rl_store_session_t *, const rl_shared_counter_t *,
                                 uint64_t value);
    /* Sets the value, whatever it was, and makes the counter if it is missing. Returns OK. */
    rl_store_status_e (*put)(rl_store_session_t *, const rl_shared_counter_t *, uint64_t value);
    /* Does all that is wanted, in one round trip if it can: each want on a counter of its own,
     * 1 to RL_WANTS_MAX of them. Each counter is read after its want was carried out; others
     * may change it in between. Sets the status of each: OK; MISSING: there is no such counter,
     * and nothing was added to it; or UNASKED. With OK, what was added is in the value if it
     * was made by this want, or if it is the same counter as before; what was put may have been
     * refused, so that the value is another one. NULL: it can't. */
    void (*exchange)(rl_store_session_t *, rl_want_t *wants, unsigned n);
    /* Returns the connection that the session has borrowed, if any. The session may go on, and
     * borrow again, until its deadline. */
    void (*end)(rl_store_session_t *);
} rl_store_ops_t;

/* What the struct of every implementation begins with. */
struct rl_store {
    const rl_store_ops_t *ops;
    unsigned nservers;
};

/* Returns the store that stands in for one that could not be made. It refuses everything, so
 * that RateLimitOnError decides as it does when a store fails. */
rl_store_t *rl_store_absent(void);

#endif
