/* SPDX-License-Identifier: Apache-2.0 */
#include "authentication.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>
#include <string.h>

#include "../answer/denial.h"
#include "../answer/environment.h"
#include "../config/config.h"
#include "../config/exemption.h"
#include "../request/due.h"
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
        rl_environment_report(request, apr_time_now());
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

/* ---- look-ups and error documents ---- */

/* httpd checks passwords also where it looks something up (an index lists a directory only for
 * who may enter it; an include tells a file's date), and for an ErrorDocument. The answer tells
 * what came of it, so that is a try, and charged to the rules there that count what credentials
 * are worth. No other rules apply there. */

static bool is_beside(const request_rec *r)
{
    return r->main != NULL || rl_request_is_error_document(r);
}

static bool counts_credentials(const rl_rule_set_t *rules)
{
    for (int i = 0; rules != NULL && i < rules->n; i++) {
        const rl_rule_t *rule = rules->rules[i];
        if (rule->phase == RL_PHASE_EARLY && rule->count != NULL &&
            rl_outcomes_read_auth(rule->count)) {
            return true;
        }
    }
    return false;
}

/* Returns the record of the client request; makes it if r's location has such rules. */
static rl_request_t *record_beside(request_rec *r, const rl_dir_config_t *conf)
{
    request_rec *page = authentication_page(r);
    rl_request_t *request = rl_request_get(page);
    if (request == NULL && counts_credentials(conf->rules) &&
        rl_dir_engine(conf) != RL_ENGINE_OFF && !rl_exemption_applies(r, conf->exempt, false)) {
        request = rl_request_make(page, conf->rules->n);
    }
    return request;
}

/* Charges the rules of r's location that were not charged before. Claims last as long as the
 * page, not the look-up. Returns OK, or the status of a denial. */
static int charge_beside(request_rec *r, rl_request_t *request)
{
    const rl_dir_config_t *conf = rl_dir_config(r);
    request_rec *page = authentication_page(r);
    apr_pool_t *own = r->pool;
    rl_visit_t visit = {
        .r = r, .request = request, .conf = conf, .phase = RL_PHASE_EARLY, .look_up = true};
    const int before = request->n;
    int n;
    if (!is_beside(r) || !counts_credentials(conf->rules) ||
        rl_dir_engine(conf) == RL_ENGINE_OFF) {
        return OK;
    }
    r->pool = page->pool;
    request->now = 0;
    n = rl_due_collect(&visit, false);
    n += conf->rules->tenants ? rl_due_collect(&visit, true) : 0;
    r->pool = own;
    if (n == 0 || request->n == before) {
        return OK;
    }
    request->outcome.pending = true;
    return rl_decide_look_up(page, request, request->n - n);
}

/* ---- the hook ---- */

static int authentication_charge(request_rec *r, rl_request_t *request)
{
    const int status = charge_again(r, request);
    return status == OK ? charge_beside(r, request) : status;
}

static int authenticate(request_rec *r, rl_request_t *request)
{
    const char *before = r->user;
    int result;
    rl_environment_make(authentication_page(r), request); /* a look-up's claims aren't told */
    result = authentication_charge(r, request);
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
    const rl_dir_config_t *conf = rl_dir_config(r);
    rl_request_t *request = is_beside(r) ? record_beside(r, conf) : rl_request_get(r);
    const bool concerned =
        request != NULL &&
        (request->outcome.reads_auth || (is_beside(r) && counts_credentials(conf->rules)));
    return !concerned || request->outcome.checking || request->denied.r != NULL ||
                   request->exempt
               ? DECLINED
               : authenticate(r, request);
}

void rl_authentication_end(request_rec *r, rl_request_t *request)
{
    if (request->outcome.pending && request->denied.r == NULL && !request->exempt) {
        authentication_settle(r, request, RL_AUTH_NONE);
    }
}
