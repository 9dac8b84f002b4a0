/* What internal redirects mean for what was charged. */
#ifndef RL_REQUEST_REDIRECT_H
#define RL_REQUEST_REDIRECT_H

#include "record.h"

/* Before rules are looked at for r: finds out which claims are spent. A program that has run
 * and sends the request on inside the server has had what it was charged for. A stream of
 * HTTP/2 finds the rules of tenants again. */
void rl_redirect_follow(rl_request_t *request, const request_rec *r);

#endif
