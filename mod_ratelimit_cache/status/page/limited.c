/* SPDX-License-Identifier: Apache-2.0 */
#include "limited.h"

#define KEYS_OF_A_RULE 10 /* the report has so many that are over their limit */

rl_key_state_e rl_key_row_state(const rl_key_row_t *row)
{
    const bool was_over = row->denied > 0 || row->since_s > 0;
    if (row->exempt_s > 0) {
        return RL_KEY_EXEMPT;
    }
    if (row->penalty_s > 0 || (was_over && row->used >= row->limit)) {
        return row->rule->observe ? RL_KEY_OBSERVED : RL_KEY_LIMITED;
    }
    return row->used > 0 ? RL_KEY_IN_USE : RL_KEY_IDLE;
}

rl_limited_t rl_limited_count(const rl_report_t *report)
{
    const rl_rule_row_t *rule = NULL;
    rl_limited_t count = {.keys = 0};
    uint64_t before = 0;
    for (size_t i = 0; i < report->nkeys; i++) {
        const rl_key_state_e state = rl_key_row_state(&report->keys[i]);
        if (report->keys[i].rule != rule) {
            rule = report->keys[i].rule;
            before = count.keys;
        }
        count.keys += state == RL_KEY_LIMITED;
        count.observed += state == RL_KEY_OBSERVED;
        count.or_more |= count.keys - before >= KEYS_OF_A_RULE;
    }
    return count;
}

uint64_t rl_rule_row_over(const rl_rule_row_t *row)
{
    return row->recent.n[RL_FIGURE_DENIED] + row->recent.n[RL_FIGURE_OBSERVED];
}
