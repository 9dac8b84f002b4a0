/* SPDX-License-Identifier: Apache-2.0 */
#include "server_view.h"

/* Of a redirected request the header fields are those of the first, to which RequestHeader may
 * have been applied since; the environment is made anew for each. */
void rl_server_view_keep(request_rec *r, rl_request_t *request, rl_view_needs_t needs)
{
    rl_server_view_t *view = &request->server_view;
    if (needs.headers && view->headers == NULL) {
        view->headers = apr_table_copy(r->pool, r->headers_in);
    }
    if (needs.env) {
        view->r = r;
        view->env_before = apr_table_copy(r->pool, r->subprocess_env);
        view->stage = RL_ENV_OF_SETENVIF;
        view->conf = NULL;
    }
}

void rl_server_view_note_fixups(const request_rec *r, rl_request_t *request)
{
    rl_server_view_t *view = &request->server_view;
    if (view->r == r && view->stage != RL_ENV_OF_SETENV) {
        view->stage = RL_ENV_OF_SETENV;
        view->conf = NULL;
    }
}

/* mod_dir and others put another target in the request's place, with a configuration of its
 * own; then the variables are found out anew. */
static apr_table_t *view_env(request_rec *r, rl_server_view_t *view)
{
    if (view->conf != r->per_dir_config) {
        view->env = rl_env_without_htaccess(r, view->env_before, view->stage);
        view->conf = r->per_dir_config;
    }
    return view->env;
}

rl_own_view_t rl_server_view_enter(request_rec *r, rl_request_t *request, rl_view_needs_t needs)
{
    rl_server_view_t *view = &request->server_view;
    rl_own_view_t own = {.env = NULL, .headers = NULL};
    if ((!needs.env && !needs.headers) || !rl_htaccess_was_read(r)) {
        return own;
    }
    if (needs.headers && view->headers != NULL) {
        own.headers = r->headers_in;
        r->headers_in = view->headers;
    }
    if (needs.env && view->r == r) {
        own.env = r->subprocess_env;
        r->subprocess_env = view_env(r, view);
    }
    return own;
}

void rl_server_view_leave(request_rec *r, const rl_own_view_t *own)
{
    if (own->env != NULL) {
        r->subprocess_env = own->env;
    }
    if (own->headers != NULL) {
        r->headers_in = own->headers;
    }
}
