/* SPDX-License-Identifier: Apache-2.0 */
/* The RATELIMIT_* variables: what the environment tells about a decision. */
#ifndef RL_ANSWER_ENVIRONMENT_H
#define RL_ANSWER_ENVIRONMENT_H

#include <httpd.h>

#include "../request/record.h"

/* Sets *environment to the decision by one claim, at time now, in microseconds since the epoch.
 * status is the value of RATELIMIT_STATUS, a constant; other texts are made in r's pool. */
void rl_environment_set(request_rec *r, rl_environment_t *environment, const char *status,
                        const rl_claim_t *claim, int64_t now);

/* Puts the variables into r's environment, under their own names, in place of those of an
 * earlier decision. */
void rl_environment_publish(request_rec *r, const rl_environment_t *environment);

/* Puts the request's variables into r's environment, unless they are there. A request_rec that
 * came later gets the same variables under the same names. */
void rl_environment_show(request_rec *r, rl_request_t *request);

#endif
