/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the counters are where they should be: ?format=health. */
#ifndef RL_STATUS_HEALTH_H
#define RL_STATUS_HEALTH_H

#include <httpd.h>

/* Asks each memcached server of each store, on a connection of its own and within the store's
 * time-out, and writes a line about each. Sets the status: 200 if all answer, or if there is
 * none, else 503. Returns OK. */
int rl_status_health(request_rec *r);

#endif
