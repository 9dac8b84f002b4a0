/* SPDX-License-Identifier: Apache-2.0 */
/* Settling: what is done when a request is over and its outcome is known. */
#ifndef RL_HOOKS_SETTLE_H
#define RL_HOOKS_SETTLE_H

#include <stdbool.h>

#include <httpd.h>

#include "../request/record.h"

/* The outcome of r, the first request_rec of a client request or of an include, is known:
 * refunds what was charged if the outcome doesn't count (count=), clears the
 * counters that the outcome clears (clear=), and does what can wait until the client has its
 * answer. */
void rl_settle(request_rec *r);

/* Authentication is over, and has said this of the credentials: does what follows from it for
 * good. Rules that go by more than authentication are settled later. r is the request_rec of
 * the client request. Returns true if a counter has changed. */
bool rl_settle_authentication(request_rec *r, rl_request_t *request, rl_auth_e auth);

/* log_transaction: settles. Returns DECLINED. */
int rl_settle_log_transaction(request_rec *r);

#endif
