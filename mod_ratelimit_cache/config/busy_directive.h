/* SPDX-License-Identifier: Apache-2.0 */
/* RateLimitBusy: from when on the server counts as busy. */
#ifndef RL_CONFIG_BUSY_DIRECTIVE_H
#define RL_CONFIG_BUSY_DIRECTIVE_H

#include <httpd.h>
#include <http_config.h>

/* Reads the arguments of RateLimitBusy into rl_global_config()->busy. Returns NULL or the
 * error. */
const char *rl_busy_directive_parse(cmd_parms *cmd, int argc, char *const argv[]);

#endif
