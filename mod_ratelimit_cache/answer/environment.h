/* What is told about a decision: the RATELIMIT_* variables and the error log. */
#ifndef RL_ANSWER_ENVIRONMENT_H
#define RL_ANSWER_ENVIRONMENT_H

#include <httpd.h>

#include "../request/record.h"

/* Describes the outcome by one claim and its rule. Status is a constant. */
void rl_report_set(request_rec *r, rl_report_t *report, const char *status,
                   const rl_settled_t *settled, const rl_claim_t *claim, int64_t now);

/* Seconds until a time, rounded up, at least 1. */
int64_t rl_seconds_until(int64_t time_us, int64_t now_us);

/* When nothing of the key's use is left, and it may be used again: a penalty outlasts windows.
 */
int64_t rl_report_reset(const rl_step_t *step);

/* Puts the variables into r's environment. */
void rl_report_publish(request_rec *r, const rl_report_t *report);

/* The rule's rate as it was written, or as it was computed for the claim. */
const char *rl_report_rate(const request_rec *r, const rl_rule_t *rule,
                           const rl_claim_t *claim);

/* Logs a key's first denial in a window, or under a penalty; later ones are only counted. */
void rl_report_log_denial(request_rec *r, const rl_source_t *source, const rl_rule_t *rule,
                          const rl_claim_t *claim, int64_t now);

/* Logs, once a day, that a tenant's rule has no effect. */
void rl_report_log_overruled(request_rec *r, const rl_rule_t *rule);

/* Logs, once a day, that a rule's limit is too high to be shared by a fleet. */
void rl_report_log_unshared(request_rec *r, const rl_rule_t *rule, const rl_claim_t *claim);

/* Logs, once a minute, that a rule's rate can't be computed, or its cost. */
void rl_report_log_rate(request_rec *r, const rl_rule_t *rule, const char *reason);
void rl_report_log_cost(request_rec *r, const rl_rule_t *rule);

/* Logs, once a day, that the handler that was to write denials failed. */
void rl_report_log_deny_handler(request_rec *r, const rl_rule_t *rule, const char *handler);

#endif
