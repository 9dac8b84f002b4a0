/* SPDX-License-Identifier: Apache-2.0 */
#include "authentication.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>
#include <string.h>

#include "../answer/denial.h"
#include "../answer/environment.h"
#include "decide.h"
#include "settle.h"

/* A unit is held while httpd checks the credentials, and no longer: guesses in parallel can't
 * get past the limit, and a page with forty images holds a unit for a moment for each, not
 * until the last byte of the answer is out.
 *
 * httpd has no hook after a password check that failed. So the first hook of the check runs all
 * others by itself, and sees what comes of it, whichever module it is that authenticates.
 *
 * A request may be authenticated more than once: where a rewrite or DirectoryIndex leads, and
 * in the look-ups of an index of a directory. Each check is a try. So what was given back after
 * the first is charged again before the next. A refusal is final: it is charged once for each
 * client request, and no success after it clears anything.
 */

/* ---- what the check said ---- */

/* Returns the field in which the client sends credentials; NULL if it sent none, or httpd
 * doesn't look there. */
static const char *credentials_field(request_rec *r)
{
    const char *type = ap_auth_type(r);
    const char *value = apr_table_get(
        r->headers_in, r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authorization" : "Authorization");
    const bool in_session = type != NULL && ap_cstr_casecmp(type, "form") == 0;
    return value != NULL && *value != '\0' && !in_session ? value : NULL;
}

/* Returns true if the password was right, and Digest authentication asks for it once more
 * because the nonce is too old. mod_auth_digest says `stale` of a wrong password as well, if
 * the client sends an `opaque` that it doesn't know. */
static bool is_stale(const request_rec *r, const char *field)
{
    const char *challenge =
        apr_table_get(r->err_headers_out, r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authenticate"
                                                                        : "WWW-Authenticate");
    return field != NULL && challenge != NULL && ap_cstr_casecmpn(field, "Digest ", 7) == 0 &&
           ap_strcasestr(field, "opaque") == NULL &&
           ap_strcasestr(challenge, "stale=true") != NULL;
}

/* Returns true if the client has shown credentials. Modules that take them from elsewhere set
 * r->user before they check the password; `before` is what it was until then. */
static bool has_credentials(const request_rec *r, const char *field, const char *before)
{
    return field != NULL || (r->user != NULL && r->user != before);
}

/* Returns what the result of check_authn says. A redirect is a refusal: mod_auth_form sends one
 * also for a wrong password. A failure of the server's says nothing. */
static rl_auth_e auth_of(request_rec *r, int result, const char *before)
{
    const int status = result == DONE ? r->status : result;
    const char *field = credentials_field(r);
    if (result == OK) {
        return r->user != NULL && r->ap_auth_type != NULL ? RL_AUTH_OK : RL_AUTH_NONE;
    }
    return status >= HTTP_MULTIPLE_CHOICES && status < HTTP_INTERNAL_SERVER_ERROR &&
                   has_credentials(r, field, before) && !is_stale(r, field)
               ? RL_AUTH_FAILED
               : RL_AUTH_NONE;
}

/* ---- the check ---- */

/* Returns the request_rec of the client request that r belongs to. */
static request_rec *authentication_page(request_rec *r)
{
    while (r->main != NULL) {
        r = r->main;
    }
    return r;
}

/* Settles what authentication decides, and has the environment show it. */
static void authentication_settle(request_rec *page, rl_request_t *request, rl_auth_e auth)
{
    if (rl_settle_authentication(page, request, auth)) {
        rl_decide_report(page, request);
        rl_environment_show(page, request);
    }
}

/* Charges again what was given back after an earlier authentication of the request. Returns OK,
 * or the status of a denial. */
static int charge_again(request_rec *r, rl_request_t *request)
{
    const int first = rl_request_take_returned(request);
    request_rec *page = authentication_page(r);
    int status;
    if (first == request->n) {
        return OK;
    }
    request->now = 0;
    request->outcome.pending = true;
    status = r == page ? rl_decide(r, request, first) : rl_decide_look_up(page, request, first);
    rl_environment_show(page, request);
    return status == OK || r != page ? status : rl_denial_run_handler(r, status);
}

static int authenticate(request_rec *r, rl_request_t *request)
{
    const char *before = r->user;
    int result = charge_again(r, request);
    if (result != OK) {
        return result;
    }
    request->outcome.checking = true;
    result = ap_run_check_user_id(r);
    request->outcome.checking = false;
    if (result == OK && r->main == NULL && r->ap_auth_type != NULL) {
        request->outcome.user = r->user;
    }
    authentication_settle(authentication_page(r), request, auth_of(r, result, before));
    return result;
}

int rl_authentication_check(request_rec *r)
{
    rl_request_t *request = rl_request_get(authentication_page(r));
    return request == NULL || !request->outcome.reads_auth || request->outcome.checking ||
                   request->denied.r != NULL || request->exempt
               ? DECLINED
               : authenticate(r, request);
}

void rl_authentication_end(request_rec *r, rl_request_t *request)
{
    if (request->outcome.pending && request->denied.r == NULL && !request->exempt) {
        authentication_settle(r, request, RL_AUTH_NONE);
    }
}
