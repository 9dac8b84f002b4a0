/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers what the status page tells. */
#ifndef RL_STATUS_GATHER_H
#define RL_STATUS_GATHER_H

#include <httpd.h>

#include "find.h"
#include "text/report.h"

typedef enum {
    RL_GATHER_ALL,    /* a row for each rule, section and virtual host */
    RL_GATHER_MERGED, /* rules of one name and virtual host together; no keys */
} rl_gather_e;

/* Fills in the report, in r's pool. Asks no store. A rule's row for a virtual host in which it
 * does not stand itself is there once a request has been checked. */
void rl_report_gather(request_rec *r, rl_gather_e how, rl_report_t *report);

/* Adds the keys that were found, an array of rl_found_t, to a report, in r's pool: what they
 * have used, as far as this server knows. */
void rl_report_found(request_rec *r, const apr_array_header_t *found, rl_report_t *report);

#endif
