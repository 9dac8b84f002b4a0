/* SPDX-License-Identifier: Apache-2.0 */
/* RateLimitStore shm: the table of counters in this server's memory, or in a file. */
#ifndef RL_CONFIG_SHM_DIRECTIVE_H
#define RL_CONFIG_SHM_DIRECTIVE_H

#include <httpd.h>
#include <http_config.h>

/* Reads the arguments after "shm" into rl_global_config(): there is one table for all virtual
 * hosts. Returns NULL, or the error for httpd to show. */
const char *rl_shm_directive_parse(cmd_parms *cmd, int argc, char *const argv[]);

#endif
