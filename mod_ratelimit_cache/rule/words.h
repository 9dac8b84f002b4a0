/* SPDX-License-Identifier: Apache-2.0 */
/* Values that an option of RateLimit and a directive have in common. */
#ifndef RL_RULE_WORDS_H
#define RL_RULE_WORDS_H

/* Reads the status of a denial, 400 to 599: status=, RateLimitDenyStatus. Returns NULL or the
 * reason why the text is refused. */
const char *rl_status_parse(const char *text, int *status);

/* Reads local, allow or deny as an rl_on_error_e: on-error=, RateLimitOnError. Returns NULL or
 * the reason why the text is refused. */
const char *rl_on_error_parse(const char *text, int *on_error);

#endif
