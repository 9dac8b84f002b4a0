/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a RateLimit directive. */
#ifndef RL_RULE_PARSE_H
#define RL_RULE_PARSE_H

#include "rule.h"

/* Reads the arguments of one RateLimit directive: NAME, RATE or "off", options. Sets *rule, in
 * cmd->pool, and returns NULL, or returns the error for httpd to show. */
const char *rl_rule_parse(cmd_parms *cmd, int argc, char *const argv[], rl_rule_t **rule);

#endif
