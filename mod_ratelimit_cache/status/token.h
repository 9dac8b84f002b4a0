/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: whoever asks the status page to do something shows that it was given the page by this
 * server, lately: a form on somebody else's page can't. */
#ifndef RL_STATUS_TOKEN_H
#define RL_STATUS_TOKEN_H

#include <stdbool.h>

#include <httpd.h>

#define RL_TOKEN_LIFE_S 3600

/* Returns a token, in r's pool, for the user of r in r's virtual host. It holds for
 * RL_TOKEN_LIFE_S. */
const char *rl_token_make(const request_rec *r);

/* Returns true if the token was made for r's user and virtual host, and still holds. Takes the
 * same time wherever a wrong one differs. */
bool rl_token_is_good(const request_rec *r, const char *token);

/* Returns true if r was sent by a page of this site, or by a program: by Sec-Fetch-Site, Origin
 * and Referer, as far as they are there. */
bool rl_token_origin_is_own(const request_rec *r);

#endif
