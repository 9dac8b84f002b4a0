/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a child process: its connections to memcached, and its leases' keeper. */
#ifndef RL_PROCESS_CHILDREN_H
#define RL_PROCESS_CHILDREN_H

#include <httpd.h>

/* child_init: makes this child's own store for each RateLimitStore memcached, because two
 * processes can't share a connection, and starts the thread that tends the child's leases. */
void rl_children_init(apr_pool_t *pchild, server_rec *s);

#endif
