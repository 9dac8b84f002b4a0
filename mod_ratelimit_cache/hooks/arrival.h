/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done when a request has come, before all else. */
#ifndef RL_HOOKS_ARRIVAL_H
#define RL_HOOKS_ARRIVAL_H

#include <httpd.h>

/* post_read_request, first of all, so that SetEnvIf, rewrites and all rules find it: sets
 * RATELIMIT_BUSY to 1 or 0, if RateLimitBusy is configured; sets REDIRECT_RATELIMIT_* variables
 * that have waited; forgets an offer to upgrade the connection that was not taken up. Returns
 * DECLINED. */
int rl_arrival_post_read_request(request_rec *r);

#endif
