/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a replay's figures: which limits would deny few clients, and if any of them
 * would help. */
#ifndef RL_REPLAY_FINDINGS_H
#define RL_REPLAY_FINDINGS_H

#include "tally.h"

/* A limit that denies at most some percent of the clients. */
typedef struct rl_proposal {
    uint32_t count;
    uint32_t clients, clients_denied;
    uint64_t requests, denied;
} rl_proposal_t;

/* Proposes the smallest COUNT that denies at most `percent` of the clients; one of them, if
 * there are ten or more, though it be a larger share. */
rl_proposal_t rl_findings_propose(const rl_spread_t *spread, double percent);

/* Returns true if the log tells of the rule's addresses, and no limit by address, of whatever
 * width, would have denied a tenth of the requests without denying more than `percent` of the
 * clients. */
bool rl_findings_address_is_useless(const rl_rule_tally_t *tally, double percent);

/* Returns how many requests half of the clients sent at most. */
uint64_t rl_findings_median(const rl_tally_t *tally, apr_pool_t *pool);

/* Sets top[] to the numbers of up to n keys that were denied most or, of equals, asked most.
 * Returns how many. */
unsigned rl_findings_busiest(const rl_rule_tally_t *tally, uint32_t *top, unsigned n);

#endif
