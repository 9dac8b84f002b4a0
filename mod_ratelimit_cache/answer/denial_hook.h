/* SPDX-License-Identifier: Apache-2.0 */
/* The hook of mod_ratelimit_cache.h: asks other modules about a denial. */
#ifndef RL_ANSWER_DENIAL_HOOK_H
#define RL_ANSWER_DENIAL_HOOK_H

#include <httpd.h>

#include "../request/record.h"

/* Asks other modules about the denial that the request's claim i makes, to be sent with this
 * status at time now, in microseconds since the epoch. request->environment describes it
 * already. Returns RATELIMIT_VETO, DONE if a module has answered the request, or the status to
 * deny with. No session may be open, because a module may call functions that open one. Claims
 * may have moved afterwards. */
int rl_denial_hook_ask(request_rec *r, rl_request_t *request, int i, int status, int64_t now);

#endif
