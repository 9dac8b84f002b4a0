/* SPDX-License-Identifier: Apache-2.0 */
/* The source of units: this server's ledger and, if the fleet has one, the shared store above
 * it. */
#ifndef RL_FLEET_SOURCE_H
#define RL_FLEET_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"
#include "../core/meter/meter.h"
#include "../ledger/ledger.h"
#include "shared_store.h"

/* What decides a request while the shared store doesn't answer: this server's own counters
 * (LOCAL), or nothing is counted and every request is admitted (ALLOW) or denied (DENY). */
typedef enum { RL_ON_ERROR_LOCAL, RL_ON_ERROR_ALLOW, RL_ON_ERROR_DENY } rl_on_error_e;

struct rl_lease_list;
struct rl_slots;

/* Where units come from. Made for one session with the store; what it points to lives at least
 * as long as that. The low 32 bits of salt.lo are 0: windows start by those of the key
 * (core/meter/window.c), and have to start at the same time on all servers. */
typedef struct rl_source {
    const rl_ledger_t *ledger;
    rl_digest_t salt;             /* keeps the cells of several stores apart in the ledger */
    rl_store_session_t *session;  /* NULL: no store, the ledger decides alone */
    struct rl_lease_list *leases; /* of this child; NULL: no units are reserved ahead */
    unsigned incarnation;         /* of counters made anew, see core/meter/tally.h */
    struct rl_slots *slots; /* of COUNT/concurrent (concurrent/); NULL: they are no limit */
    _Atomic uint32_t *exempt_until; /* seconds since 1970, in shared memory: when the last
                                     * exemption of a key (exempt_key.h) ends; NULL: keys can't
                                     * be exempt */
} rl_source_t;

/* Returns the key under which this server's ledger files a counter's key. */
static inline rl_digest_t rl_source_ledger_key(const rl_source_t *source,
                                               const rl_digest_t *key, unsigned rule)
{
    const rl_digest_t salted = {.hi = key->hi ^ source->salt.hi,
                                .lo = key->lo ^ source->salt.lo};
    return rl_ledger_key(&salted, rule);
}

/* Binds an operation to a source: sets its time, microseconds since the epoch, and the key
 * under which this server's ledger files its counter. Call it before the operation is handed to
 * anything in fleet/, lease/ or limiter/. */
static inline void rl_source_bind(const rl_source_t *source, rl_operation_t *op, int64_t now)
{
    op->ledger_key = rl_source_ledger_key(source, &op->key, op->rule);
    op->now = now;
}

/* Returns true if counters of this meter are shared: there is a store, and their numbers fit
 * into core/meter/tally.h. */
static inline bool rl_source_is_shared(const rl_source_t *source, const rl_meter_t *meter)
{
    return source->session != NULL && meter->algorithm != RL_CONCURRENT &&
           rl_meter_is_shareable(meter);
}

#endif
