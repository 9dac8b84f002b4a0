/* SPDX-License-Identifier: Apache-2.0 */
/* The cookie of known=: given to a browser with the answer to a success. */
#ifndef RL_ANSWER_KNOWN_COOKIE_H
#define RL_ANSWER_KNOWN_COOKIE_H

#include <httpd.h>

/* Registers the output filter that sets the cookie. */
void rl_known_cookie_register(void);

/* insert_filter and insert_error_filter: adds the filter if the request may be a success of a
 * rule with known=. */
void rl_known_cookie_insert(request_rec *r);

#endif
