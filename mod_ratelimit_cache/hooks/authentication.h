/* SPDX-License-Identifier: Apache-2.0 */
/* httpd's own authentication as an outcome: auth-failed and auth-ok. */
#ifndef RL_HOOKS_AUTHENTICATION_H
#define RL_HOOKS_AUTHENTICATION_H

#include <httpd.h>

#include "../request/record.h"

/* check_authn, first of all: if a rule goes by what comes of it, has the credentials checked,
 * and settles at once. Returns what authentication returns, or the status of a denial; else
 * DECLINED. */
int rl_authentication_check(request_rec *r);

/* To be called when r has come past authentication: if there was none, and a rule waits for it,
 * settles. */
void rl_authentication_end(request_rec *r, rl_request_t *request);

#endif
