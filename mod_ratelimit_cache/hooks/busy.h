/* SPDX-License-Identifier: Apache-2.0 */
/* RATELIMIT_BUSY in the environment. */
#ifndef RL_HOOKS_BUSY_H
#define RL_HOOKS_BUSY_H

#include <httpd.h>

/* post_read_request, first of all, so that SetEnvIf, rewrites and all rules find it: sets
 * RATELIMIT_BUSY to 1 or 0, if RateLimitBusy is configured. Returns DECLINED. */
int rl_busy_post_read_request(request_rec *r);

#endif
