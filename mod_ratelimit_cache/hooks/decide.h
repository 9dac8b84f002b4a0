/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions: what happens to a request because of the claims of its rules. */
#ifndef RL_HOOKS_DECIDE_H
#define RL_HOOKS_DECIDE_H

#include <httpd.h>

#include "../request/record.h"

/* Decides on the request's claims from index `first` to the last. If every claim fits or only
 * observes, charges those that fit and returns OK. Else denies r: refunds what was charged, and
 * returns the denial's status, or DONE if another module has answered. */
int rl_decide(request_rec *r, rl_request_t *request, int first);

/* Decides in the same way about a subrequest's claims. A denial is logged and no more: whoever
 * includes it writes the answer. Returns OK, or the denial's status. */
int rl_decide_include(request_rec *r, rl_request_t *request, int first);

/* Decides in the same way about claims that a look-up charges again; r is the request that
 * looks up. A denial is logged and no more: it is the look-up that fails. Returns OK, or the
 * denial's status. */
int rl_decide_look_up(request_rec *r, rl_request_t *request, int first);

/* Exempts the request: refunds what it was charged, except charges that paid for a program
 * that has run (rl_progress_t). */
void rl_decide_exempt(request_rec *r, rl_request_t *request);

#endif
