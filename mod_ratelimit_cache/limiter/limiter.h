/* The limiter: charges all rules of a request, or none. It knows keys as digests and rules as
 * meters; where the units come from is counter.c's business. */
#ifndef RL_LIMITER_LIMITER_H
#define RL_LIMITER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "counter.h"

struct rl_rule;

/* A claim: what one rule asks of one request, and what came of it. */
typedef struct rl_claim {
    /* In: what is asked. The limiter binds the operation. */
    rl_operation_t op;
    bool observe; /* an overrun is told, not enforced, and not charged */
    bool refuse;  /* denied whatever the count is */
    rl_on_error_e on_error;
    /* Out: what came of it. */
    rl_step_t step;
    bool charged; /* units were taken and may be refunded */
    bool failed;  /* the shared store couldn't answer, and on_error decided */
    /* Between the limiter's two passes. */
    rl_seen_t seen;
    /* Who asks. The limiter doesn't look at these. */
    const struct rl_rule *rule; /* NULL: a tenant's that an upgrade left, and isn't met again */
    const char *name;           /* the rule's */
    rl_digest_t rule_id;
    bool observed_by_rule; /* `observe` when the claim was made; a veto sets that later */
    bool invalid;          /* the rule's rate couldn't be computed */
    bool personal;         /* the key names somebody who need not be the client */
} rl_claim_t;

/* Decides about all claims at time now, microseconds since the epoch. Returns -1 and has
 * charged every claim that fits; or returns the index of the denying claim with the longest
 * wait, and has charged nothing. Claims that observe never deny: look at their step.granted. */
int rl_limiter_decide(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now);

/* Of claims that have been decided about: returns the index of the one that denies with the
 * longest wait, -1 if none does. */
int rl_limiter_denial(const rl_claim_t *claims, int n);

/* Gives back, at time now, what the claims were charged; each at most once. */
void rl_limiter_refund(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now);

/* Wipes the counter that the claim was made on: nothing of it is left to give back. */
void rl_limiter_clear(const rl_source_t *source, rl_claim_t *claim, int64_t now);

/* Returns true if both claims are on one counter. */
bool rl_claim_is_twin(const rl_claim_t *a, const rl_claim_t *b);

/* Returns the units left to the claim's key after the decision. */
uint32_t rl_claim_remaining(const rl_claim_t *claim);

/* Returns true if a is closer to its limit than b: a smaller share of its limit remains. */
bool rl_claim_is_closer(const rl_claim_t *a, const rl_claim_t *b);

#endif
