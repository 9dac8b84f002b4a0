/* Who sent a request. */
#ifndef RL_HTTPD_CLIENT_H
#define RL_HTTPD_CLIENT_H

#include <stdbool.h>

#include <httpd.h>

#include "../core/address.h"

/* httpd's client address, after mod_remoteip. False for a client without one (a unix socket).
 */
bool rl_client_address(const request_rec *r, rl_address_t *address);

#endif
