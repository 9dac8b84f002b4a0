/* SPDX-License-Identifier: Apache-2.0 */
/* What a client shows: its pass, if it has a good one. */
#ifndef RL_CHALLENGE_SHOWN_H
#define RL_CHALLENGE_SHOWN_H

#include <httpd.h>

#include "../request/record.h"

#define RL_PASS_COOKIE "ratelimit-pass"

/* Finds out, once for each client request, which pass the client shows, and sets
 * RATELIMIT_PASS in r's environment: good, bad or none. Does nothing where the virtual host has
 * nothing to do with passes. */
void rl_pass_look(request_rec *r, rl_request_t *request);

#endif
