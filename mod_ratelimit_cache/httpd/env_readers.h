/* SPDX-License-Identifier: Apache-2.0 */
/* Who may read a request's RATELIMIT_* variables before or after its handler runs: a filter, an
 * access log, another module's hook. */
#ifndef RL_HTTPD_ENV_READERS_H
#define RL_HTTPD_ENV_READERS_H

#include <stdbool.h>

#include <httpd.h>

/* check_config: looks for readers among modules and directives. Returns OK. */
int rl_env_readers_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s);

/* Returns true if somebody may read r's variables at any time. If not, only what handles the
 * request may read them, and what an internal redirect leads to. */
bool rl_env_is_awaited(const request_rec *r);

#endif
