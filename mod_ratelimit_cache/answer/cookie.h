/* SPDX-License-Identifier: Apache-2.0 */
/* What the cookies that the module sets have in common. */
#ifndef RL_ANSWER_COOKIE_H
#define RL_ANSWER_COOKIE_H

#include <stdbool.h>

#include <httpd.h>

/* Returns true if a cookie that is set in the answer to r is for encrypted connections only:
 * this is one, or the environment says that the one to a proxy is (HTTPS=on). */
bool rl_cookie_is_secure(const request_rec *r);

/* Returns the value of the Set-Cookie field, in r's pool, for a cookie of the whole site that
 * lasts max_age_s seconds and isn't for scripts. */
const char *rl_cookie_field(request_rec *r, const char *name, const char *value,
                            int64_t max_age_s);

#endif
