/* SPDX-License-Identifier: Apache-2.0 */
/* Advice: what `httpd -t` warns of. The configuration is valid, but doesn't do what it seems
 * to. Each piece is one line with the remedy; there is none where it can't be known if it is
 * right. .htaccess files get no advice. */
#ifndef RL_ADVICE_ADVICE_H
#define RL_ADVICE_ADVICE_H

#include <httpd.h>
#include <http_config.h>

/* check_config: gives the advice if httpd only tests the configuration. Returns OK. */
int rl_advice_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                           server_rec *s);

/* post_config: gives the advice in the error log when httpd starts or reloads. Returns OK. */
int rl_advice_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                          server_rec *s);

#endif
