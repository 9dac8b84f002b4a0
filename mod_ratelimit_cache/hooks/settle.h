/* SPDX-License-Identifier: Apache-2.0 */
/* Settling: what is done when a request is over and its outcome is known. */
#ifndef RL_HOOKS_SETTLE_H
#define RL_HOOKS_SETTLE_H

#include <httpd.h>

/* log_transaction: refunds what was charged if the outcome doesn't count (count=), clears the
 * counters that the outcome clears (clear=), and does what can wait until the client has its
 * answer. Returns DECLINED. */
int rl_settle_log_transaction(request_rec *r);

#endif
