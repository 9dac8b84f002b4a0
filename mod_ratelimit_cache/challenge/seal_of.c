/* SPDX-License-Identifier: Apache-2.0 */
#include "seal_of.h"

#include <string.h>

#include "../config/config.h"
#include "../httpd/client.h"
#include "../process/runtime.h"

bool rl_challenge_network(const request_rec *r, const rl_pass_settings_t *settings,
                          rl_address_t *network)
{
    if (!rl_client_address(r, network)) {
        return false;
    }
    rl_address_mask(network, settings->v4bits, settings->v6bits);
    return true;
}

void rl_challenge_seal(const request_rec *r, const rl_pass_settings_t *settings,
                       rl_seal_t *seal)
{
    rl_address_t network;
    seal->secret = &rl_runtime()->pass_secret;
    seal->site = rl_server_config(r->server)->site;
    seal->network_len = 0;
    if (settings->bound && rl_challenge_network(r, settings, &network)) {
        const uint8_t *identity = rl_address_identity(&network, &seal->network_len);
        memcpy(seal->network, identity, seal->network_len);
    }
}
