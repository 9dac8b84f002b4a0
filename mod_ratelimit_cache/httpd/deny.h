/* The answer to a denied request. */
#ifndef RL_HTTPD_DENY_H
#define RL_HTTPD_DENY_H

#include <httpd.h>

/* Prepares the denial with this status: headers, a default body unless the administrator has an
 * ErrorDocument, and the connection's end when a body is left unread. Returns the status for a
 * hook to return. */
int rl_deny(request_rec *r, int status, const char *retry_after);

#endif
