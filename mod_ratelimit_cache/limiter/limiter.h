/* SPDX-License-Identifier: Apache-2.0 */
/* The limiter charges all rules of a request, or none. Here a key is a digest, and a rule is a
 * meter; counter.h decides where the units come from. */
#ifndef RL_LIMITER_LIMITER_H
#define RL_LIMITER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "../concurrent/concurrent.h"
#include "counter.h"
#include "distinct.h"

struct rl_rule;

/* What a claim of COUNT/concurrent has besides; others have zeros. */
typedef struct rl_slot_claim {
    rl_holding_t holding; /* what it holds or waits for */
    uint32_t queue;       /* how many of the key may wait */
    uint32_t row;         /* of the rule's figures */
    int64_t held_us;      /* how long a slot of the rule is held on average, 1 s at least */
} rl_slot_claim_t;

/* A claim: what one rule asks of one request, and what came of it. */
typedef struct rl_claim {
    /* In: what the rule asks. The limiter binds the operation. */
    rl_operation_t op;
    bool observe;           /* an overrun is reported, but neither enforced nor charged */
    bool refuse;            /* deny, whatever the count is */
    rl_on_error_e on_error; /* what decides while the shared store doesn't answer */
    bool patient;           /* a denial isn't final yet: it starts no penalty */
    rl_slot_claim_t slot;   /* of COUNT/concurrent */
    rl_distinct_t distinct; /* the value, if only new values are charged; what is held of it */
    /* Out: what came of the claim. */
    rl_step_t step;
    bool charged;         /* units, or what was charged for the value, may be given back */
    bool excused;         /* it is over its limit, but its key is exempt: nothing is charged */
    bool uncounted;       /* the shared store could not answer, and on_error decided */
    bool checking;        /* a check of credentials is counted for it (checks.h), */
    uint64_t check_stamp; /* with this stamp */
    /* Between the limiter's two passes. */
    rl_seen_t seen;
    /* Whose claim it is. The limiter doesn't look at these. A tenant's rule is NULL
     * from an upgrade to h2c until rl_redirect_follow() finds it again. */
    const struct rl_rule *rule;
    const char *name;      /* the rule's name */
    rl_digest_t rule_id;   /* identifies the rule's counters */
    bool observed_by_rule; /* `observe` as the rule set it; a veto sets `observe` later */
    bool invalid;          /* the rule's rate could not be computed */
    bool personal;         /* the key names a person who need not be the client */
    bool missing;          /* a part of the key has no value */
    bool cleared;          /* the counter was cleared for this request */
    bool returned;         /* its charge was given back, or wiped, after authentication */
    bool valueless;        /* a part of distinct= has none: each request is charged */
    const char *claimed;   /* the claimed user in the key of a rule with clear=, else NULL */
    bool known;            /* the counter is a known browser's own */
    const rl_digest_t *account; /* the account that a rule with known= has in its key; NULL:
                                 * no such rule, or in doubt */
} rl_claim_t;

/* Decides about all claims at time now, microseconds since the epoch: charges all claims that
 * fit, or none. Returns -1 if the request is admitted, with every claim that fits charged. Else
 * returns the index of the denying claim with the longest wait, with nothing charged. Claims
 * that observe never deny; their step.granted tells if they fit. */
int rl_limiter_decide(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now);

/* Starts or extends the penalty of each claim that was decided about and is over its limit,
 * even if another rule denied the request, unless the claim is patient. rl_limiter_decide()
 * does so; call it for claims that were patient then and are no more. */
void rl_limiter_overrun(const rl_source_t *source, rl_claim_t *claims, int n);

/* Returns the index of the claim that denies with the longest wait, -1 if none denies. For
 * claims that have been decided about. */
int rl_limiter_denial(const rl_claim_t *claims, int n);

/* Gives back, at time now, the units that the claims were charged. Each claim is refunded once,
 * however often this is called. */
void rl_limiter_refund(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now);

/* Clears the claim's counter at time now. The claim counts as not charged afterwards: no unit
 * of it is left to give back. */
void rl_limiter_clear(const rl_source_t *source, rl_claim_t *claim, int64_t now);

/* Brings the step of a claim that is not charged any more up to date, so that it tells what is
 * left to the key now. The claim still counts as granted. */
void rl_limiter_look_again(const rl_source_t *source, rl_claim_t *claim);

/* Returns true if both claims are made on one counter. */
bool rl_claim_shares_counter(const rl_claim_t *a, const rl_claim_t *b);

/* Returns true if one charge pays for both: they are made on one counter and, if that counts
 * values, for the same value. */
bool rl_claim_shares_charge(const rl_claim_t *a, const rl_claim_t *b);

/* Computes the claim's step as far as is known: of the counter here, of its value also in the
 * shared store. For a claim whose operation is bound. */
void rl_limiter_peek(const rl_source_t *source, rl_claim_t *claim);

/* Returns the units left to the claim's key after the decision, denied or not; 0 under a
 * penalty. */
uint32_t rl_claim_remaining(const rl_claim_t *claim);

/* Returns when more units are left to the key, if nothing else comes, in microseconds since the
 * epoch: when a window ends or a sliding one moves on, when the next token comes, or when the
 * penalty ends. */
int64_t rl_claim_more_at(const rl_claim_t *claim);

/* Returns true if a is closer to its limit than b: a smaller share of its quota remains. */
bool rl_claim_is_closer(const rl_claim_t *a, const rl_claim_t *b);

#endif
