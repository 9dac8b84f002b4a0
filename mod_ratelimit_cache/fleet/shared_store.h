/* A store that a fleet shares, as the limiter sees it: counters by name, numbers of 64 bits
 * that are added to and subtracted from atomically. What a number means is in
 * core/meter/tally.h; an implementation only moves numbers, and forgets them when their window
 * is long over.
 *
 * All work that a request causes is one session, which has a deadline. An implementation never
 * makes a caller wait beyond it, never retries what may have been carried out, and answers
 * ERROR rather than a number that it isn't sure of.
 */
#ifndef RL_FLEET_SHARED_STORE_H
#define RL_FLEET_SHARED_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"

typedef enum {
    RL_STORE_OK,
    RL_STORE_MISSING, /* there is no such counter */
    RL_STORE_EXISTS,  /* create: somebody else made it first */
    RL_STORE_REFUSED, /* not carried out: the breaker is open, or nothing could be sent */
    RL_STORE_ERROR    /* no answer that can be trusted; it may have been carried out */
} rl_store_status_e;

/* Names a counter: a key's in one window. */
typedef struct rl_shared_counter {
    rl_digest_t key;
    uint32_t window;
    uint32_t ttl; /* seconds it has to be remembered from now, 1 s to 30 days */
} rl_shared_counter_t;

typedef struct rl_store rl_store_t;

typedef struct rl_store_session {
    rl_store_t *store;
    int64_t deadline; /* microseconds of the monotonic clock */
    void *connection; /* the implementation's; NULL at first */
    uint64_t version; /* the implementation's: of what was read last */
} rl_store_session_t;

/* An implementation. */
typedef struct rl_store_ops {
    /* Makes the counter with this value unless there is one: OK, EXISTS or an error. */
    rl_store_status_e (*create)(rl_store_session_t *, const rl_shared_counter_t *,
                                uint64_t value);
    /* Adds and learns the sum: OK, MISSING or an error. */
    rl_store_status_e (*add)(rl_store_session_t *, const rl_shared_counter_t *, uint64_t units,
                             uint64_t *value);
    /* Subtracts, not below 0, and learns the difference: OK, MISSING or an error. */
    rl_store_status_e (*subtract)(rl_store_session_t *, const rl_shared_counter_t *,
                                  uint64_t units, uint64_t *value);
    /* Reads, and keeps the counter from being evicted: OK, MISSING or an error. */
    rl_store_status_e (*read)(rl_store_session_t *, const rl_shared_counter_t *,
                              uint64_t *value);
    /* Sets the value, unless somebody has changed the counter since this session, in its last
     * operation, read it: OK, EXISTS when somebody has, MISSING or an error. */
    rl_store_status_e (*replace)(rl_store_session_t *, const rl_shared_counter_t *,
                                 uint64_t value);
    /* Sets the value, whatever it was: OK or an error. */
    rl_store_status_e (*put)(rl_store_session_t *, const rl_shared_counter_t *, uint64_t value);
    /* Ends the session: what it borrowed goes back. */
    void (*end)(rl_store_session_t *);
} rl_store_ops_t;

/* What all implementations begin with. */
struct rl_store {
    const rl_store_ops_t *ops;
};

/* Stands in for a store that could not be made: it refuses everything, so that whoever asks
 * goes on as he is told to when a store fails. */
rl_store_t *rl_store_absent(void);

#endif
