/* RateLimitExempt at a request. */
#ifndef RL_CONFIG_EXEMPTION_H
#define RL_CONFIG_EXEMPTION_H

#include <stdbool.h>

#include <httpd.h>

#include "config.h"

/* Whether the location exempts the request; expressions that read the authenticated user are
 * looked at only after authentication, when the others have been. */
bool rl_is_exempt(request_rec *r, const rl_dir_config_t *conf, bool after_auth);

/* Whether the location has such expressions. */
bool rl_exempts_users(const rl_dir_config_t *conf);

#endif
