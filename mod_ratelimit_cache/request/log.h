/* What the error log says of rules. */
#ifndef RL_REQUEST_LOG_H
#define RL_REQUEST_LOG_H

#include <httpd.h>

#include "../limiter/limiter.h"
#include "../rule/rule.h"

/* Logs a key's first denial in a window, or under a penalty; later ones are only counted. */
void rl_log_denial(request_rec *r, const rl_source_t *source, const rl_claim_t *claim,
                   int64_t now);

/* Logs, once a day, that a tenant's rule has no effect. */
void rl_log_overruled(request_rec *r, const rl_rule_t *rule);

/* Logs, once a day, that a rule's limit is too high to be shared by a fleet. */
void rl_log_unshared(request_rec *r, const rl_claim_t *claim);

/* Logs, once a minute, that a rule's rate can't be computed, or its cost. */
void rl_log_rate(request_rec *r, const rl_rule_t *rule, const char *reason);
void rl_log_cost(request_rec *r, const rl_rule_t *rule);

/* Logs, once a day, that the handler that was to write denials failed. */
void rl_log_deny_handler(request_rec *r, const rl_rule_t *rule, const char *handler);

#endif
