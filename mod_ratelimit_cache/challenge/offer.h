/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges: a way on for whoever is denied by a rule with action=challenge. */
#ifndef RL_CHALLENGE_OFFER_H
#define RL_CHALLENGE_OFFER_H

#include <httpd.h>

#include "../request/record.h"

/* If r, which is about to be denied, is to be challenged, puts the challenge's token and where
 * to post it into the request's environment. It is if only rules with action=challenge deny it,
 * the client asks for a page (GET or HEAD, and Accept names HTML), and the virtual host has
 * passes. */
void rl_challenge_offer(request_rec *r, rl_request_t *request);

#endif
