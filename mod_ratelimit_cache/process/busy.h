/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the server is busy (RateLimitBusy): who samples, what is logged, who asks. */
#ifndef RL_PROCESS_BUSY_H
#define RL_PROCESS_BUSY_H

#include <stdbool.h>

#include <httpd.h>

#include "../rule/rule.h"

/* For child_init: starts this child's thread that samples, if RateLimitBusy is configured. */
void rl_busy_child_init(apr_pool_t *pchild, server_rec *s);

/* Returns true if the server is busy. False without RateLimitBusy. */
bool rl_busy_now(void);

/* Lowers the meter's limit to what busy= of its rule says, if the server is busy. The rule is
 * NULL for a tenant's that is over. */
void rl_busy_lower(const rl_rule_t *rule, rl_meter_t *meter);

#endif
