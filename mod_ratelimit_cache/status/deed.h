/* SPDX-License-Identifier: Apache-2.0 */
/* Deeds: what an administrator does by hand. A POST to the status page looks a key up, clears
 * it, or exempts it for a while. */
#ifndef RL_STATUS_DEED_H
#define RL_STATUS_DEED_H

#include <httpd.h>

#include "text/report.h"

/* Reads r's body, a form:
 *
 *     token=    the page's (token.h)
 *     action=   show, clear or exempt
 *     tag=      which key; or
 *     rule=, vhost=, and key=PART=VALUE for each part (or value.PART=VALUE)
 *     for=      exempt: how long, 1s to 30d; 0 ends an exemption
 *
 * Does what it asks for, on all servers of the fleet, and logs who did it. Sets the report's
 * deed and found keys, in r's pool. Returns the HTTP status to answer with. */
int rl_deed_do(request_rec *r, rl_report_t *report);

#endif
