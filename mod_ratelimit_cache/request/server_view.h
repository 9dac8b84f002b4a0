/* SPDX-License-Identifier: Apache-2.0 */
/* What the server's own rules see of a request: environment variables and header fields as
 * they are without .htaccess files. With what these set or unset, a tenant could lift the
 * server's rules. */
#ifndef RL_REQUEST_SERVER_VIEW_H
#define RL_REQUEST_SERVER_VIEW_H

#include <stdbool.h>

#include "../httpd/htaccess.h"
#include "record.h"

/* What a request had before it was given the server's view; NULL: that was left alone. */
typedef struct rl_own_view {
    apr_table_t *env, *headers;
} rl_own_view_t;

/* What of the view is needed. */
typedef struct rl_view_needs {
    bool env, headers;
} rl_view_needs_t;

/* To be called before the header_parser hooks run for r: keeps what is needed, as it is then.
 */
void rl_server_view_keep(request_rec *r, rl_request_t *request, rl_view_needs_t needs);

/* To be called in fixups, for r: from now on the server's SetEnv counts. */
void rl_server_view_note_fixups(const request_rec *r, rl_request_t *request);

/* Gives r the server's view, if an .htaccess file was read for it. Returns what
 * rl_server_view_leave() puts back. */
rl_own_view_t rl_server_view_enter(request_rec *r, rl_request_t *request,
                                   rl_view_needs_t needs);

void rl_server_view_leave(request_rec *r, const rl_own_view_t *own);

#endif
