/* The request body, looked at before anybody else reads it, and given back whole. */
#ifndef RL_KEY_BODY_H
#define RL_KEY_BODY_H

#include <stdbool.h>

#include <httpd.h>

/* What was read early of one client request's body. Lives as long as the request. */
typedef struct rl_body rl_body_t;

/* Registers the replay filter. */
void rl_body_register(void);

/* Returns true if the client announced a body. */
bool rl_body_is_announced(const request_rec *r);

/* Returns true if bytes of the body are still to come from the client. The body is what was
 * read early, or NULL. */
bool rl_body_is_unread(const request_rec *r, const rl_body_t *body);

/* Reads at most limit bytes of the body, if it is a form that can be parsed; whoever reads the
 * body later gets all of it. Blocks for the client, within the server's timeouts. Does nothing
 * if *body is set already, else sets it. Returns OK, or the status that the request ends
 * with. */
int rl_body_peek(request_rec *r, rl_body_t **body, apr_size_t limit);

/* Gives the unread rest of the body up: the connection ends with the answer, and whoever wants
 * to read the body, such as the CGI program of an ErrorDocument, finds none and needs not wait.
 */
void rl_body_abandon(request_rec *r);

/* Finds the value of a form field: sets *value and *len, and returns true. Returns false if it
 * has none: another content type, an encoded, absent, truncated or longer body, a field that is
 * missing, longer than 8 KiB, or on whose value applications disagree. The value stands until
 * the next field is asked for. The body may be NULL. */
bool rl_body_field(rl_body_t *body, apr_pool_t *pool, const char *name, const char **value,
                   apr_size_t *len);

#endif
