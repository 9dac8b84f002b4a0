/* SPDX-License-Identifier: Apache-2.0 */
/* What handles a request. */
#ifndef RL_HTTPD_HANDLER_H
#define RL_HTTPD_HANDLER_H

#include <stdbool.h>

#include <httpd.h>

/* Returns true if a file is to be sent as it is, by httpd's default handler; false if a program
 * may run, or in doubt. To be called when handlers are about to run. */
bool rl_handler_is_for_files(const request_rec *r);

#endif
