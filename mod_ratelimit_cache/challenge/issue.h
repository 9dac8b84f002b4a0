/* SPDX-License-Identifier: Apache-2.0 */
/* Giving out passes: as many to a network as issue= says. */
#ifndef RL_CHALLENGE_ISSUE_H
#define RL_CHALLENGE_ISSUE_H

#include <httpd.h>

#include "../config/pass_directive.h"
#include "../core/pass/pass.h"

/* Gives the client of r a pass: writes it and a NUL, and returns OK. If its network has got as
 * many as it may, returns 429, if that can't be counted 503, and sets *retry_s to the seconds
 * until another try may succeed. */
int rl_pass_issue(request_rec *r, const rl_pass_settings_t *settings,
                  char text[RL_PASS_TEXT_LENGTH + 1], int64_t *retry_s);

#endif
