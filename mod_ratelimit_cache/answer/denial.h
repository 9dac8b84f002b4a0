/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a denied request: its status and header, and who writes it. */
#ifndef RL_ANSWER_DENIAL_H
#define RL_ANSWER_DENIAL_H

#include <httpd.h>

/* Registers the output filter that writes the default answer. */
void rl_denial_register(void);

/* Prepares r's denial with this status: sets its header and status line, chooses who writes the
 * answer, and, if the body is unread, has the connection end after the answer. retry_after, in
 * seconds, is kept without copying. Returns the status. r has a record. */
int rl_denial_prepare(request_rec *r, int status, const char *retry_after);

/* This module, mod_headers and the writer of the answer may all have set Retry-After and
 * Cache-Control for a denied request: keeps the longest Retry-After, and the last Cache-Control
 * in err_headers_out. Call it when no more fields are set. */
void rl_denial_unify_header(request_rec *r);

/* Runs the handler that RateLimitDenyHandler names on r, if r was denied and a handler is
 * named. Takes the status that the hook is about to return, and returns the status that it has
 * to return: DONE if the handler has answered. */
int rl_denial_run_handler(request_rec *r, int status);

/* insert_error_filter: has the default answer written instead of httpd's own page for a denial.
 */
void rl_denial_insert_error_filter(request_rec *r);

/* insert_filter: has the default answer written instead of a deny handler's, if the handler
 * fails. */
void rl_denial_insert_filter(request_rec *r);

/* handler, right before httpd's default handler, which would send the denied file: returns
 * HTTP_NOT_FOUND if r is denied and no handler has the name that RateLimitDenyHandler gives,
 * else DECLINED. */
int rl_denial_missing_handler(request_rec *r);

#endif
