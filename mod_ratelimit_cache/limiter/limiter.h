/* The limiter: charges all rules of a request, or none. It knows keys as digests and rules as
 * meters; where the units come from is the source's business. */
#ifndef RL_LIMITER_LIMITER_H
#define RL_LIMITER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"
#include "../core/meter/meter.h"
#include "counter.h"

/* One rule's claim on behalf of one request. */
typedef struct rl_claim {
    /* in */
    rl_digest_t key;
    rl_meter_t meter;
    uint32_t cost; /* units */
    bool observe;  /* an overrun is told, not enforced, and not charged */
    bool refuse;   /* denied whatever the count is */
    rl_on_error_e on_error;
    /* out */
    rl_step_t step;
    bool charged; /* units were taken and may be refunded */
    bool failed;  /* the shared store couldn't answer, and on_error decided */
    /* between the limiter's two passes */
    rl_seen_t seen;
} rl_claim_t;

/* Decides over all claims at time now (microseconds since the epoch). Returns -1 and has
 * charged every claim that fits, or returns the index of the denying claim with the longest
 * wait and has charged nothing. Claims that observe never deny: theirs is in step.granted. */
int rl_limiter_decide(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now);

/* Of claims that have been decided over: the index of the one that denies with the longest
 * wait, -1 when none does. */
int rl_limiter_denial(const rl_claim_t *claims, int n);

/* Gives back, at time now, what the claims were charged; each at most once. */
void rl_limiter_refund(const rl_source_t *source, rl_claim_t *claims, int n, int64_t now);

/* Wipes the counter that the claim was made on: nothing of it is left to give back. */
void rl_limiter_clear(const rl_source_t *source, rl_claim_t *claim, int64_t now);

/* Whether both claims are on one counter. */
bool rl_claim_is_twin(const rl_claim_t *a, const rl_claim_t *b);

/* Units left to the claim's key after the decision. */
uint32_t rl_claim_remaining(const rl_claim_t *claim);

/* Whether a is closer to its limit than b: less of its limit remains, as a share. */
bool rl_claim_is_closer(const rl_claim_t *a, const rl_claim_t *b);

#endif
