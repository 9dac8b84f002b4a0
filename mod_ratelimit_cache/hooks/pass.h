/* SPDX-License-Identifier: Apache-2.0 */
/* Where the button of a challenge posts to. */
#ifndef RL_HOOKS_PASS_H
#define RL_HOOKS_PASS_H

#include <httpd.h>

/* quick_handler, first of all: if r asks for the pass path of a virtual host that has passes,
 * answers it and returns OK; else returns DECLINED. */
int rl_pass_quick_handler(request_rec *r, int lookup);

#endif
