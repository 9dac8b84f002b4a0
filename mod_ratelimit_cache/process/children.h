/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a child process, and of what is forked off it: connections to memcached, the
 * keeper of leases, the samples of how busy the server is. */
#ifndef RL_PROCESS_CHILDREN_H
#define RL_PROCESS_CHILDREN_H

#include <httpd.h>
#include <http_config.h>
#include <ap_mpm.h>
#include <mpm_common.h>

#include "../config/store_directive.h"

/* child_init: makes this child's own store for each RateLimitStore memcached, because two
 * processes can't share a connection, and starts the threads that tend the child's leases
 * and sample how busy the server is. */
void rl_children_init(apr_pool_t *pchild, server_rec *s);

/* Makes this process's own store if the process was forked off a child, as mpm-itk does for
 * each connection: connections must not cross a fork, and threads don't. Such a process has no
 * leases, because nobody would give them back. Call it before a request's work with the store.
 */
void rl_children_heed_fork(rl_store_config_t *store);

/* child_status: a child of this server has come to its end; whatever slots it held are free.
 * For the parent. */
void rl_children_status(server_rec *s, pid_t pid, ap_generation_t generation, int slot,
                        mpm_child_status status);

#endif
