/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that a page includes. */
#ifndef RL_HOOKS_INCLUDE_H
#define RL_HOOKS_INCLUDE_H

#include <httpd.h>

/* handler, first of all, for a subrequest r: if it is about to run a program, checks the rules
 * of its URL, runs it and settles the outcome. Returns what the program's handler returns, or
 * the status of a denial; else DECLINED. */
int rl_include_handler(request_rec *r);

#endif
