/* SPDX-License-Identifier: Apache-2.0 */
/* The line in the error log about a key that is over its limit. */
#ifndef RL_REQUEST_DENIAL_LOG_H
#define RL_REQUEST_DENIAL_LOG_H

#include <httpd.h>

#include "../limiter/limiter.h"

/* Logs the first denial of a key in a window, or under a penalty, the tenth, the hundredth and
 * so on; counts the others, and tells their number in the key's next line. docs/denials.md has
 * the line's grammar. Overruns that are only observed are logged alike. Where RateLimitLog has
 * `keys`, tells the key's values, and keeps them for the status page. now is in microseconds
 * since the epoch. */
void rl_log_denial(request_rec *r, const rl_source_t *source, const rl_claim_t *claim,
                   int64_t now);

#endif
