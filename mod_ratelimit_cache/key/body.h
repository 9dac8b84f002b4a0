/* SPDX-License-Identifier: Apache-2.0 */
/* The request body: its first bytes are read before anybody else reads them, searched for form
 * fields, and handed on, so that whoever reads the body later gets all of it. */
#ifndef RL_KEY_BODY_H
#define RL_KEY_BODY_H

#include <stdbool.h>

#include <httpd.h>

#include "../core/charset.h"

/* What was read early of one client request's body. Lives in the request's pool. */
typedef struct rl_body rl_body_t;

/* Registers this file's input filters. To be called when the module's hooks are registered. */
void rl_body_register(void);

/* Returns true if the client announced a body. */
bool rl_body_is_announced(const request_rec *r);

/* Returns true if bytes of the body are still to come from the client. `body` is what was read
 * early of it, or NULL. */
bool rl_body_is_unread(const request_rec *r, const rl_body_t *body);

/* Reads at most limit bytes of the body if it is a form of this charset that can be parsed, and
 * sets *body; does nothing if *body is set already. Waits for the client, within the server's
 * time-outs. Returns OK, or the status that the request has to end with. */
int rl_body_peek(request_rec *r, rl_body_t **body, apr_size_t limit,
                 const rl_charset_t *charset);

/* Gives up what is unread of the body: the connection will be closed after the answer, and
 * whoever reads the body from now on, such as the CGI program of an ErrorDocument, finds an
 * empty one instead of waiting for the client. */
void rl_body_abandon(request_rec *r);

/* Returns true if all programs see the request's form: it is posted, and its length announced.
 * PHP sees no form that comes by another method, `post` included; CGI programs, and PHP behind
 * mod_proxy_fcgi, see nothing, or only what is short, of one without a length. */
bool rl_body_is_seen_by_all(const request_rec *r);

/* Tells that a form field will be asked for; `body` may be NULL. Fields that are wanted before
 * the first is asked for are looked for together. The name, and the pool, have to live as long
 * as the body. */
void rl_body_want_field(rl_body_t *body, apr_pool_t *pool, const char *name);

/* Finds a form field in what was read of the body; `body` may be NULL. Returns true, and sets
 * *value and *len (bytes, no NUL), if the field has a value. It has none if the content type
 * isn't a form's; if the body is encoded, absent, truncated or longer than what was read; or if
 * the field is missing, longer than 8 KiB, or one on whose value applications disagree. The
 * name, and the pool, in which the value lies, have to live as long as the body. */
bool rl_body_field(rl_body_t *body, apr_pool_t *pool, const char *name, const char **value,
                   apr_size_t *len);

/* Returns true if it is certain that the body has no such field, under this name or another
 * that applications take for it: there is no body, or it is a form that was read to its end and
 * understood. `body` may be NULL. The name, and r->pool, have to live as long as the body. */
bool rl_body_lacks_field(rl_body_t *body, const request_rec *r, const char *name);

#endif
