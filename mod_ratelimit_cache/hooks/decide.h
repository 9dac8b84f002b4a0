/* Decisions: what happens to a request for the claims of its rules. */
#ifndef RL_HOOKS_DECIDE_H
#define RL_HOOKS_DECIDE_H

#include <httpd.h>

#include "../request/record.h"

/* Decides on the request's claims from the first new one to the last. Charges them all, and
 * returns OK; or denies r, gives back what was charged, and returns the denial's status, or
 * DONE if another module has answered. */
int rl_decide(request_rec *r, rl_request_t *request, int first);

/* Exempts the request: gives back what was charged for what has not run yet. */
void rl_decide_exempt(request_rec *r, rl_request_t *request);

#endif
