/* SPDX-License-Identifier: Apache-2.0 */
/* Visitors: requests made of the lines of an access log, as the server would see them. */
#ifndef RL_REPLAY_VISITOR_H
#define RL_REPLAY_VISITOR_H

#include <httpd.h>

#include "../accesslog/read.h"
#include "../config/config.h"
#include "../core/address.h"

typedef struct rl_visitor rl_visitor_t;

/* Makes requests to the servers that are configured, from `s` on, by lines of this format.
 * .htaccess files are not heeded. Call it once, before any request is made. */
rl_visitor_t *rl_visitor_make(apr_pool_t *pool, server_rec *s, const rl_log_format_t *format);

/* Returns the request that a line tells of, as it is when httpd checks access, with its
 * location's configuration; valid until the next one is made. The line has a method and a URL;
 * `client` is the address that its client has. */
request_rec *rl_visitor_request(rl_visitor_t *visitor, const rl_log_line_t *line,
                                const rl_address_t *client);

#endif
