/* SPDX-License-Identifier: Apache-2.0 */
/* The status page (SetHandler ratelimit-status), and what the module adds to mod_status'. */
#ifndef RL_STATUS_HANDLER_H
#define RL_STATUS_HANDLER_H

#include <httpd.h>

/* handler: answers if the handler is ratelimit-status. ?format= chooses the form: json,
 * openmetrics, prometheus, health; without it a page in HTML. */
int rl_status_handler(request_rec *r);

#endif
