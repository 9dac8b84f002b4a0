/* SPDX-License-Identifier: Apache-2.0 */
/* RateLimitPass: what passes are worth in a virtual host, and how many are given out. */
#ifndef RL_CONFIG_PASS_DIRECTIVE_H
#define RL_CONFIG_PASS_DIRECTIVE_H

#include <stdbool.h>

#include <httpd.h>
#include <http_config.h>

#include "../core/meter/meter.h"

/* Never changes once the configuration was read. */
typedef struct rl_pass_settings {
    int64_t life_s;          /* seconds that a pass lasts */
    bool bound;              /* to the client's network, of these prefix lengths */
    unsigned v4bits, v6bits; /* also the network that `issue` counts by */
    const char *path; /* where the button posts to: RFC 3986's unreserved characters and / */
    bool limited;     /* a network may get as many as `issue` says */
    rl_meter_t issue; /* complete if limited */
} rl_pass_settings_t;

/* Returns what holds where no RateLimitPass stands. */
const rl_pass_settings_t *rl_pass_default(void);

/* Reads the arguments. Sets *settings, in cmd->pool, and returns NULL, or returns the error for
 * httpd to show. */
const char *rl_pass_directive_parse(cmd_parms *cmd, int argc, char *const argv[],
                                    const rl_pass_settings_t **settings);

#endif
