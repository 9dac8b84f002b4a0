/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the rules that are due at a request, and makes their claims. */
#ifndef RL_REQUEST_DUE_H
#define RL_REQUEST_DUE_H

#include <stdbool.h>

#include <httpd.h>

#include "../config/config.h"
#include "record.h"

/* One look at the rules of a location, in one phase, for one request. */
typedef struct rl_visit {
    request_rec *r;
    rl_request_t *request;
    const rl_request_t *above;   /* of the page that includes r, or NULL */
    const rl_dir_config_t *conf; /* of r; conf->rules is not NULL */
    rl_phase_e phase;
    bool look_up; /* only rules that count what credentials are worth are due */
} rl_visit_t;

/* Both look at the rules that are due in this phase: the tenants' rules if `tenants` is true,
 * else the server's, which see the request without what .htaccess files do to it
 * (server_view.h). */

/* For a phase with the body: reads its beginning if one of the rules needs it. Returns OK, or
 * the status that the request ends with. */
int rl_due_look_at_body(const rl_visit_t *visit, bool tenants);

/* Appends the claims of the rules to the request. Returns how many claims are to be decided on;
 * they are the request's last ones. */
int rl_due_collect(const rl_visit_t *visit, bool tenants);

#endif
