/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a rule: a digest that its counters are named by. It is the same after a
 * reload, in each request that parses an .htaccess anew, and on all servers of a fleet, so that
 * counts go on. */
#ifndef RL_RULE_IDENTITY_H
#define RL_RULE_IDENTITY_H

#include "draft.h"

/* Sets the rule's base_identity, id, per_vhost and number, once its other members are
 * complete. */
void rl_draft_identify(const rl_draft_t *draft);

/* Numbers the rules of the server's configuration, a list: rules with the same counters get the
 * same number; others get different ones, as long as there are enough. */
void rl_rules_number(rl_rule_t *rules);

/* Returns the identity of the rule's counters if they count with this meter. Another period or
 * algorithm gives another identity, and so does another limit or burst of a token bucket: what
 * was counted before means nothing to the new meter. Another limit of a window keeps the
 * identity and what was counted, unless the rule is in a group: rules of a group count together
 * only if they have the same rate. */
rl_digest_t rl_rule_identity(const rl_rule_t *rule, const rl_meter_t *meter);

#endif
