/* SPDX-License-Identifier: Apache-2.0 */
/* What a client's passes and tokens are sealed with. */
#ifndef RL_CHALLENGE_SEAL_OF_H
#define RL_CHALLENGE_SEAL_OF_H

#include <httpd.h>

#include "../config/pass_directive.h"
#include "../core/address.h"
#include "../core/pass/seal.h"

/* Sets *seal for the client of r, whose virtual host has these settings: the site is the
 * virtual host's name, so that a pass is good on all its ports and servers, and for no other
 * tenant of the server. */
void rl_challenge_seal(const request_rec *r, const rl_pass_settings_t *settings,
                       rl_seal_t *seal);

/* Sets *network to the network of r's client, of the settings' prefix lengths. Returns false if
 * the client has no address. */
bool rl_challenge_network(const request_rec *r, const rl_pass_settings_t *settings,
                          rl_address_t *network);

#endif
