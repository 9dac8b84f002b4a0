/* SPDX-License-Identifier: Apache-2.0 */
/* The RATELIMIT_* variables: what the environment tells about a decision.
 *
 * Making the texts and adding them to the table of variables costs more than most decisions.
 * So they are made when somebody may read them: at once where httpd/env_readers.h says so,
 * else when a program starts (or anything else but httpd's handler for files), and after an
 * internal redirect, for the request that it leads to. A denial is told at once. */
#ifndef RL_ANSWER_ENVIRONMENT_H
#define RL_ANSWER_ENVIRONMENT_H

#include <stdbool.h>

#include <httpd.h>

#include "../request/record.h"

/* Has the environment tell of the claim that denies, at time now, in microseconds since the
 * epoch. status is the value of RATELIMIT_STATUS, a constant; other texts are made in r's pool.
 */
void rl_environment_set(request_rec *r, rl_request_t *request, const char *status,
                        const rl_claim_t *claim, int64_t now);

/* Has the environment tell that the request was admitted, with its claims as they are at time
 * now: of the first that could not be counted, or whose overrun is only observed; else of the
 * one that is closest to its limit. */
void rl_environment_report(rl_request_t *request, int64_t now);

/* Has the environment tell that the request is exempt. */
void rl_environment_exempt(rl_request_t *request);

/* Makes the texts that rl_environment_report() has put off, in r's pool. */
void rl_environment_make(request_rec *r, rl_request_t *request);

/* Puts the request's variables into r's environment, in place of those of an earlier decision,
 * unless they are there. A request_rec that came later gets the same variables under the same
 * names. The request may be NULL. */
void rl_environment_show(request_rec *r, rl_request_t *request);

/* Does so unless the variables can wait. Returns true if they can, or are there now. */
bool rl_environment_show_early(request_rec *r, rl_request_t *request);

/* r has just come of an internal redirect: adds what httpd would have made of the variables if
 * they had not waited, REDIRECT_RATELIMIT_... */
void rl_environment_redirected(request_rec *r);

#endif
