/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys are limited at this moment, and which rules were over a limit of late. */
#ifndef RL_STATUS_PAGE_LIMITED_H
#define RL_STATUS_PAGE_LIMITED_H

#include <stdbool.h>

#include "../text/report.h"

typedef enum {
    RL_KEY_IDLE,     /* nothing of its limit is in use */
    RL_KEY_IN_USE,   /* within its limit, or at it, but no request was over it */
    RL_KEY_EXEMPT,   /* by hand, for a while */
    RL_KEY_OBSERVED, /* over the limit of a rule that only observes */
    RL_KEY_LIMITED   /* requests were denied, and the next one would be */
} rl_key_state_e;

rl_key_state_e rl_key_row_state(const rl_key_row_t *row);

/* How many keys of the report are limited. The report has ten of a rule that are most over
 * their limits: if all ten of a rule are limited, there may be more. */
typedef struct rl_limited {
    uint64_t keys;     /* limited */
    uint64_t observed; /* over the limit of a rule that only observes */
    bool or_more;
} rl_limited_t;

rl_limited_t rl_limited_count(const rl_report_t *report);

/* Returns what a rule had over its limit in the last five minutes. */
uint64_t rl_rule_row_over(const rl_rule_row_t *row);

#endif
