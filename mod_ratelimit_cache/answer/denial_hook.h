/* What other modules think of a denial: the hook of mod_ratelimit_cache.h. */
#ifndef RL_ANSWER_DENIAL_HOOK_H
#define RL_ANSWER_DENIAL_HOOK_H

#include <httpd.h>

#include "../request/record.h"

/* Asks them about the denial that the request's i-th claim makes, to be sent with this status;
 * the request's environment tells of it. Returns RATELIMIT_VETO, DONE when one of them has
 * answered the request, or the status to deny with. No session with the store may be under way:
 * they may want one. Claims may have moved. */
int rl_denial_hook_ask(request_rec *r, rl_request_t *request, int i, int status, int64_t now);

#endif
