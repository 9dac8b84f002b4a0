/* SPDX-License-Identifier: Apache-2.0 */
/* Says in words what the rules of a configuration mean. */
#ifndef RL_REPLAY_EXPLAIN_H
#define RL_REPLAY_EXPLAIN_H

#include <stdio.h>

#include <httpd.h>

/* Writes all rules of the server's configuration, section by section, in the order of the
 * configuration. */
void rl_explain_rules(FILE *out, apr_pool_t *pool);

#endif
