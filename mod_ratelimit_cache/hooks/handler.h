/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done before a handler runs. */
#ifndef RL_HOOKS_HANDLER_H
#define RL_HOOKS_HANDLER_H

#include <httpd.h>

/* handler, first of all: shows the RATELIMIT_* variables to a program, if they have waited
 * until it starts; checks the rules of a program that a page includes. Returns DECLINED, or as
 * rl_include_handler(). */
int rl_handler_first(request_rec *r);

#endif
