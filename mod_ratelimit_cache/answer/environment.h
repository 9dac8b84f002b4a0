/* The RATELIMIT_* variables: what is told about a decision. */
#ifndef RL_ANSWER_ENVIRONMENT_H
#define RL_ANSWER_ENVIRONMENT_H

#include <httpd.h>

#include "../request/record.h"

/* Describes the decision by one claim. Status is a constant. Text is made in r's pool. */
void rl_environment_set(request_rec *r, rl_environment_t *environment, const char *status,
                        const rl_claim_t *claim, int64_t now);

/* Puts the variables into r's environment, under their own names. */
void rl_environment_publish(request_rec *r, const rl_environment_t *environment);

#endif
