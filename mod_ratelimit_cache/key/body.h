/* The request body, looked at before anybody else reads it, and given back whole. */
#ifndef RL_KEY_BODY_H
#define RL_KEY_BODY_H

#include <httpd.h>

#include "../core/form/form.h"
#include "../request/record.h"

/* Registers the replay filter. */
void rl_body_register(void);

/* Whether the client announced a body. */
bool rl_body_is_announced(const request_rec *r);

/* Whether bytes of the body are still to come from the client. */
bool rl_body_is_unread(const request_rec *r);

/* Reads at most limit bytes of the body, once per client request, if it is a form that can be
 * parsed; whoever reads the body later gets all of it. Blocks for the client, within the
 * server's timeouts. Returns OK, or the status that the request ends with. */
int rl_body_peek(request_rec *r, rl_request_t *request, apr_size_t limit);

/* Gives the unread rest of the body up: the connection ends with the answer, and whoever wants
 * to read the body, such as the CGI program of an ErrorDocument, finds none and needs not wait.
 */
void rl_body_abandon(request_rec *r);

/* The value of a form field, in *value and *len; false when it has none: another content type,
 * an encoded, absent, truncated or longer body, a field that is missing, longer than 8 KiB or
 * on whose value applications disagree. The value stands until the next field is asked for. */
bool rl_body_field(request_rec *r, const char *name, const char **value, apr_size_t *len);

#endif
