/* SPDX-License-Identifier: Apache-2.0 */
/* Refuses rules that a fleet can't share although their counters are to be shared. */
#ifndef RL_CONFIG_SHAREABLE_H
#define RL_CONFIG_SHAREABLE_H

#include <httpd.h>

/* check_config, which `httpd -t` runs too: only after all is read is it known which virtual
 * hosts have a shared store. Returns OK, or an httpd error after logging which directives are
 * at fault, and why. Says nothing of computed rates and of tenants' rules: see
 * rl_log_unshared(). */
int rl_shareable_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
