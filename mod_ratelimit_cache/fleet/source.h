/* Where units come from: this server's ledger, and above it, if there is one, the store that a
 * fleet shares. */
#ifndef RL_FLEET_SOURCE_H
#define RL_FLEET_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"
#include "../core/meter/meter.h"
#include "../ledger/ledger.h"
#include "shared_store.h"

/* What to do when the shared store can't answer: go on with this server's own counters, admit
 * without counting, or deny. */
typedef enum { RL_ON_ERROR_LOCAL, RL_ON_ERROR_ALLOW, RL_ON_ERROR_DENY } rl_on_error_e;

struct rl_lease_list;

/* Made for the store work of one request; points to what outlives the request. */
typedef struct rl_source {
    const rl_ledger_t *ledger;
    rl_digest_t salt; /* keeps the keys of several stores apart; the low half of lo is 0 */
    rl_store_session_t *session;  /* NULL: the ledger is the whole truth */
    struct rl_lease_list *leases; /* of this child; NULL: nothing is reserved ahead */
    unsigned incarnation;         /* for counters that are made anew, see core/meter/tally.h */
} rl_source_t;

/* Returns what this server's ledger files a key under. */
static inline rl_digest_t rl_source_ledger_key(const rl_source_t *source,
                                               const rl_digest_t *key)
{
    return (rl_digest_t){.hi = key->hi ^ source->salt.hi, .lo = key->lo ^ source->salt.lo};
}

/* Sets when an operation takes place, and what this server's ledger files its key under. To be
 * called before the operation is handed to anything in fleet/, lease/ or limiter/. */
static inline void rl_source_bind(const rl_source_t *source, rl_operation_t *op, int64_t now)
{
    op->ledger_key = rl_source_ledger_key(source, &op->key);
    op->now = now;
}

/* Returns true for the two kinds of window, false for a token bucket. */
static inline bool rl_is_window(const rl_meter_t *meter)
{
    return meter->algorithm == RL_FIXED_WINDOW || meter->algorithm == RL_SLIDING_WINDOW;
}

/* Returns true if the fleet shares a counter of this meter. */
static inline bool rl_source_is_shared(const rl_source_t *source, const rl_meter_t *meter)
{
    return source->session != NULL && rl_meter_is_shareable(meter);
}

#endif
