/* SPDX-License-Identifier: Apache-2.0 */
/* RateLimitNetworks: tables of networks. */
#ifndef RL_CONFIG_NETWORKS_DIRECTIVE_H
#define RL_CONFIG_NETWORKS_DIRECTIVE_H

#include <httpd.h>
#include <http_config.h>

/* The directive: reads the file. */
const char *rl_networks_directive(cmd_parms *cmd, void *dir, const char *name,
                                  const char *value);

/* pre_config: the tables of this reading of the configuration end with pconf. */
int rl_networks_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/* check_config, which `httpd -t` runs too: only after all is read is it known which tables
 * there are. Returns OK, or an httpd error after logging which are missing. */
int rl_networks_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                             server_rec *s);

/* post_config: tells, at level info, what was read. */
int rl_networks_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                            server_rec *s);

#endif
