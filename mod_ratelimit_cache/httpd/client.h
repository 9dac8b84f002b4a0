/* SPDX-License-Identifier: Apache-2.0 */
/* The address of the client that sent a request. */
#ifndef RL_HTTPD_CLIENT_H
#define RL_HTTPD_CLIENT_H

#include <stdbool.h>

#include <httpd.h>

#include "../core/address.h"

/* Sets *address to the client's address as httpd sees it, after mod_remoteip. Returns false if
 * the client has none (a unix socket). */
bool rl_client_address(const request_rec *r, rl_address_t *address);

#endif
