/* SPDX-License-Identifier: Apache-2.0 */
/* Claims, as the limiter sees them. */
#ifndef RL_LIMITER_CLAIM_H
#define RL_LIMITER_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "../concurrent/concurrent.h"
#include "counter.h"
#include "distinct.h"

struct rl_rule;

/* What a claim of COUNT/concurrent has besides; others have zeros. */
typedef struct rl_slot_claim {
    rl_holding_t holding;    /* what it holds or waits for */
    uint64_t came;           /* its stamp when it waited first; 0: it hasn't waited */
    uint32_t queue;          /* how many of the key may wait */
    uint32_t figures_number; /* of the rule\'s figures */
    int64_t held_us;         /* how long a slot of the rule is held on average, 1 s at least */
} rl_slot_claim_t;

/* A claim: what one rule asks of one request, and what came of it. */
typedef struct rl_claim {
    /* In: what the rule asks. The limiter binds the operation. */
    rl_operation_t op;
    rl_on_error_e on_error; /* what decides while the shared store doesn't answer */
    bool observe;           /* an overrun is reported, but neither enforced nor charged */
    bool observed_by_rule;  /* `observe` as the rule set it; a veto sets `observe` later */
    bool personal;          /* the key names a person who need not be the client */

    /* What most claims have none of. rl_claim_begin() clears it. */
    bool refuse;  /* deny, whatever the count is */
    bool patient; /* a denial isn't final yet: it starts no penalty */
    /* Out: what came of the claim, */
    bool charged;         /* units, or what was charged for the value, may be given back */
    bool excused;         /* it is over its limit, but its key is exempt: nothing is charged */
    bool uncounted;       /* the shared store could not answer, and on_error decided */
    rl_slot_claim_t slot; /* of COUNT/concurrent */
    rl_distinct_t distinct; /* the value, if only new values are charged; what is held of it */
    /* and what the limiter doesn't look at. */
    bool checking;              /* a check of credentials is counted for it (checks.h) */
    bool invalid;               /* the rule's rate could not be computed */
    bool missing;               /* a part of the key has no value */
    bool unseen;                /* programs may see nothing of the form that the key reads */
    bool cleared;               /* the counter was cleared for this request */
    bool returned;              /* its charge was given back, or wiped, after authentication */
    bool valueless;             /* a part of distinct= has none: each request is charged */
    bool known;                 /* the counter is a known browser's own */
    const char *claimed;        /* the claimed user in the key of a rule with clear= */
    const rl_digest_t *account; /* the account that a rule with known= has in its key; NULL: no
                                 * such rule, or in doubt */

    rl_step_t step;       /* what the limiter computed last */
    rl_seen_t seen;       /* between the limiter's two passes */
    uint64_t check_stamp; /* of the check that is counted */
    /* Whose claim it is. A tenant's rule is NULL from an upgrade to h2c until
     * rl_redirect_follow() finds it again. */
    const struct rl_rule *rule;
    const char *name;    /* the rule's name */
    rl_digest_t rule_id; /* identifies the rule's counters */
} rl_claim_t;

/* Begins a claim, whatever *claim held before. What a rule says of it is still to be set; its
 * step and what was seen are the limiter's to set. */
static inline void rl_claim_begin(rl_claim_t *claim)
{
    claim->refuse = claim->patient = claim->charged = claim->excused = claim->uncounted = false;
    claim->checking = claim->invalid = claim->missing = claim->unseen = claim->cleared = false;
    claim->returned = claim->valueless = claim->known = false;
    claim->claimed = NULL;
    claim->account = NULL;
    claim->slot = (rl_slot_claim_t){.came = 0};
    claim->distinct = (rl_distinct_t){.holds = RL_HOLDS_UNITS};
    claim->step.word = -1; /* nothing to change */
}

/* Returns true if both claims are made on one counter. */
static inline bool rl_claim_shares_counter(const rl_claim_t *a, const rl_claim_t *b)
{
    return a->op.key.lo == b->op.key.lo && a->op.key.hi == b->op.key.hi;
}

/* Returns true if one charge pays for both: they are made on one counter and, if that counts
 * values, for the same value. */
static inline bool rl_claim_shares_charge(const rl_claim_t *a, const rl_claim_t *b)
{
    return rl_claim_shares_counter(a, b) && a->distinct.value.lo == b->distinct.value.lo &&
           a->distinct.value.hi == b->distinct.value.hi;
}

#endif
