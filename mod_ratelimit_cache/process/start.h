/* SPDX-License-Identifier: Apache-2.0 */
/* The start of the server, in post_config: the table of counters, the secrets, memcached's
 * addresses. */
#ifndef RL_PROCESS_START_H
#define RL_PROCESS_START_H

#include <httpd.h>

/* post_config: makes the table of counters, or finds the one that was there before a reload;
 * derives the secrets; finds the addresses of memcached servers, and logs whether they answer.
 * Returns OK, or an httpd error that it has logged. */
int rl_start_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
