/* The start of the server. */
#ifndef RL_PROCESS_START_H
#define RL_PROCESS_START_H

#include <httpd.h>

/* post_config: makes the table of counters, or finds the one that was there before a reload;
 * finds out where memcached servers are, and tells in the log if they answer. Returns OK or an
 * httpd error, after logging it. */
int rl_start_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
