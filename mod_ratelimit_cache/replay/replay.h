/* SPDX-License-Identifier: Apache-2.0 */
/* Replays access logs through the rules of a configuration, in an httpd that only tests it. */
#ifndef RL_REPLAY_REPLAY_H
#define RL_REPLAY_REPLAY_H

#include <httpd.h>

/* test_config, which `httpd -t` runs. Does nothing unless the environment says so, which rlctl
 * sets. RATELIMIT_EXPLAIN is a file descriptor, to which it writes what the rules mean.
 * RATELIMIT_REPLAY is IN:OUT:PLOT, three of them: reads the lines of access logs from IN,
 * writes what the rules would have done to OUT, and draws it (SVG) to PLOT, unless that is -1.
 * Further variables:
 *
 *     RATELIMIT_REPLAY_FORMAT    a LogFormat, or its name; none: it is found out
 *     RATELIMIT_REPLAY_OUTPUT    text (the default), json, csv, or denied: a line for each
 * denied request RATELIMIT_REPLAY_PERCENT   clients that may be denied by a limit that is
 * proposed RATELIMIT_REPLAY_TOP       keys of a rule that are told
 */
void rl_replay_test_config(apr_pool_t *pconf, server_rec *s);

#endif
