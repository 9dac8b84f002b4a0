/* The answer to a denied request. */
#ifndef RL_ANSWER_DENIAL_H
#define RL_ANSWER_DENIAL_H

#include <httpd.h>

/* Registers the output filter that writes the default answer. */
void rl_denial_register(void);

/* Prepares the denial with this status: headers, who writes the answer, and the connection's
 * end when a body is left unread. The client request has been marked as denied. Returns the
 * status. */
int rl_denial_prepare(request_rec *r, int status, const char *retry_after);

/* Makes one Retry-After and one Cache-Control of what was said of a denied request by us, by
 * who wrote its answer and by mod_headers; for when nobody says more. */
void rl_denial_unify_fields(request_rec *r);

/* Runs the handler that is to answer a denied r instead of its own, if RateLimitDenyHandler
 * names one. Takes the status that the hook is about to return, and returns what it has to:
 * DONE when the handler has answered. */
int rl_denial_run_handler(request_rec *r, int status);

/* insert_error_filter: the default answer takes the place of httpd's own. */
void rl_denial_insert_answer(request_rec *r);

/* insert_filter: the default answer takes the place of a deny handler's that fails. */
void rl_denial_watch_handler(request_rec *r);

/* handler, before httpd's own: nothing that was denied is sent as a file because no handler of
 * the name exists that is to write the denial. */
int rl_denial_handler(request_rec *r);

#endif
