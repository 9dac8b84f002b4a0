/* What a rule's counters are filed under: the same over reloads, over the requests that parse
 * an .htaccess anew, and on all servers of a fleet. */
#ifndef RL_RULE_IDENTITY_H
#define RL_RULE_IDENTITY_H

#include "draft.h"

/* Sets what the rule's counters are filed under. */
void rl_draft_identify(const rl_draft_t *draft);

/* Returns what the rule's counters are filed under when it counts with this meter. Counts of
 * another period or algorithm mean nothing to it, nor does a bucket of another size. A changed
 * limit of a window keeps what was counted, unless a group is to share it by rate. */
rl_digest_t rl_rule_counters(const rl_rule_t *rule, const rl_meter_t *meter);

#endif
