/* Which rules are due at a request, and their claims. */
#ifndef RL_REQUEST_DUE_H
#define RL_REQUEST_DUE_H

#include <stdbool.h>

#include <httpd.h>

#include "../config/config.h"
#include "record.h"

/* One look at the rules of a location, in one phase. */
typedef struct rl_visit {
    request_rec *r;
    rl_request_t *request;
    const rl_dir_config_t *conf; /* has rules */
    rl_phase_e phase;
} rl_visit_t;

/* Looks at the body if a rule of this phase needs it for this request. Returns OK, or the
 * status that the request ends with. */
int rl_due_look_at_body(const rl_visit_t *visit);

/* Appends the claims of the rules that are due, the server's or the tenants'. Returns how many
 * there are to decide on: the last ones of the request's. */
int rl_due_collect(const rl_visit_t *visit, bool tenants);

#endif
