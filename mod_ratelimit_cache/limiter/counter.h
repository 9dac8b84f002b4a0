/* Where units come from: this server's ledger, and behind it, if there is one, the store that a
 * fleet shares. The limiter knows only this. */
#ifndef RL_LIMITER_COUNTER_H
#define RL_LIMITER_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"
#include "../core/meter/meter.h"
#include "../ledger/ledger.h"
#include "../fleet/shared_store.h"

/* What to do when the shared store can't answer: go on with this server's own counters, admit
 * without counting, or deny. */
typedef enum { RL_ON_ERROR_LOCAL, RL_ON_ERROR_ALLOW, RL_ON_ERROR_DENY } rl_on_error_e;

/* Looks after what a process has leased; see keeper.h. */
typedef struct rl_keeper rl_keeper_t;

typedef struct rl_source {
    const rl_ledger_t *ledger;
    rl_digest_t salt; /* keeps the cells of several stores apart; the low half of lo is 0 */
    rl_upstream_session_t *session; /* NULL: the ledger is the whole truth */
    rl_keeper_t *keeper;            /* NULL: nothing is reserved ahead of requests */
    unsigned incarnation;           /* for counters that are made anew, see core/meter/tally.h */
} rl_source_t;

/* What charging would do as far as this server knows, without asking anybody. */
void rl_source_peek(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step);

/* What a look has seen. */
typedef struct rl_seen {
    rl_sight_t cell;      /* of a key for which the ledger alone decides */
    unsigned incarnation; /* of the counter that units may be leased of; 0: none */
} rl_seen_t;

/* A peek that remembers what it saw. rl_source_take() then charges what was found to fit, if
 * that can be done here and now; false when it isn't charged, and rl_source_charge() is to be
 * called. */
void rl_source_look(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step, rl_seen_t *seen);
bool rl_source_take(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, const rl_seen_t *seen, rl_step_t *step);

/* A key is about to be looked at; see rl_ledger_prefetch(). */
void rl_source_prefetch(const rl_source_t *source, const rl_digest_t *key);

/* Charges cost units to the key, if they fit. False when the shared store could not answer and
 * on_error isn't local; the step is then granted for RL_ON_ERROR_ALLOW, without a charge, and
 * not granted for RL_ON_ERROR_DENY. */
bool rl_source_charge(const rl_source_t *source, const rl_digest_t *key,
                      const rl_meter_t *meter, int64_t now, uint32_t cost,
                      rl_on_error_e on_error, rl_step_t *step);

/* Gives back, at time now, units that a step with this stamp charged. */
void rl_source_refund(const rl_source_t *source, const rl_digest_t *key,
                      const rl_meter_t *meter, uint64_t stamp, uint32_t units, int64_t now);

/* A charge of cost was denied because the key is over its limit: what that entails. A penalty
 * begins, or is extended; a new bucket is remembered. Brings the step's retry up to date. */
void rl_source_overrun(const rl_source_t *source, const rl_digest_t *key,
                       const rl_meter_t *meter, int64_t now, uint32_t cost, rl_step_t *step);

/* Brings what this server knows of the key up to what the shared store knows, so that a peek
 * speaks for the fleet. False when the store could not answer. */
bool rl_source_learn(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                     int64_t now);

/* Wipes what the key has used, its penalty included. False when the shared store could not be
 * told; it is wiped here all the same. */
bool rl_source_clear(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                     int64_t now);

/* Looks, at most once a second per key, whether the shared store still knows what this server
 * knows of a key that is denied from here, and tells it if not. For after the answer. */
void rl_source_refresh(const rl_source_t *source, const rl_digest_t *key,
                       const rl_meter_t *meter, int64_t now);

/* Counts a denial; see rl_ledger_note_denial(). */
uint32_t rl_source_note_denial(const rl_source_t *source, const rl_digest_t *key,
                               const rl_step_t *step, int64_t now, uint32_t *repeats);

#endif
