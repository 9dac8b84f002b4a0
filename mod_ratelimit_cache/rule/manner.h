/* SPDX-License-Identifier: Apache-2.0 */
/* The manner in which a rule counts: what its options say of the use of its counters, and the
 * names of the counters don't tell. Two servers of a fleet that have the same rule in another
 * manner add to the same counters what isn't the same.
 *
 * Not part of it: busy=, action=, status= and on-error=, which say what becomes of a request
 * that is over the limit, or without the store, on this server. */
#ifndef RL_RULE_MANNER_H
#define RL_RULE_MANNER_H

#include "draft.h"

/* Sets the rule's manner, once its other members are complete. */
void rl_draft_manner(const rl_draft_t *draft);

#endif
