/* SPDX-License-Identifier: Apache-2.0 */
/* Settling: what is done when a request is over and its outcome is known. */
#ifndef RL_HOOKS_SETTLE_H
#define RL_HOOKS_SETTLE_H

#include <httpd.h>

/* The outcome of r, the first request_rec of a client request or of an include, is known:
 * refunds what was charged if the outcome doesn't count (count=), clears the
 * counters that the outcome clears (clear=), and does what can wait until the client has its
 * answer. */
void rl_settle(request_rec *r);

/* log_transaction: settles. Returns DECLINED. */
int rl_settle_log_transaction(request_rec *r);

#endif
