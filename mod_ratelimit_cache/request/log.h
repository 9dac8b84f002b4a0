/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in the error log about rules. Each is written once in a while for all children of the
 * server together, however many requests cause it. */
#ifndef RL_REQUEST_LOG_H
#define RL_REQUEST_LOG_H

#include <httpd.h>

#include "../limiter/limiter.h"
#include "../rule/rule.h"

/* Each logs, once a day for each rule and virtual host, that a tenant's rule has no effect:
 * because the server has a rule of its name, or because there are too many rules. */
void rl_log_overruled(request_rec *r, const rl_rule_t *rule);
void rl_log_surplus(request_rec *r, const rl_rule_t *rule);

/* Logs, once a day for each rule and virtual host, that the rule's limit is too high for a
 * fleet to share. */
void rl_log_unshared(request_rec *r, const rl_claim_t *claim);

/* Logs, once a minute for each rule, that its rate can't be computed, and why; or its cost.
 * Neither line tells what the expression gave: it may be somebody's data. */
void rl_log_rate(request_rec *r, const rl_rule_t *rule, const char *reason);
void rl_log_cost(request_rec *r, const rl_rule_t *rule);

/* Logs, once a day for each rule and virtual host, that the deny handler failed for a denial by
 * the rule. */
void rl_log_deny_handler(request_rec *r, const rl_rule_t *rule, const char *handler);

#endif
