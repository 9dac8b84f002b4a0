/* SPDX-License-Identifier: Apache-2.0 */
#include "denial.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <mod_core.h>
#include <stdbool.h>
#include <string.h>
#include <util_filter.h>

#include "../config/config.h"
#include "../core/number.h"
#include "../httpd/module.h"
#include "../key/body.h"
#include "../request/log.h"
#include "../request/record.h"
#include "text/challenge_text.h"
#include "text/denial_text.h"

/* Who writes the answer
 *
 * A denial is an error like any other: the hook returns its status, and httpd's ap_die() makes
 * the response, whichever hook it was, over HTTP/2 and for mod_proxy's requests too. An
 * ErrorDocument is httpd's business entirely. Where there is none, httpd would write a page of
 * its own; an output filter, added when httpd begins to, writes the default answer instead.
 *
 * A deny handler that is a URL path becomes the request's own ErrorDocument: httpd does the
 * internal redirect, sets its variables, and takes care when the target fails. Then it comes
 * back to the denied request and writes a page again: the default answer. A handler's name
 * can't be left to ap_die(); the hook runs the handler, and returns DONE, or the denial's
 * status if the handler failed.
 *
 * When a CGI or PHP program dies, httpd sees an answer with status 500, not an error. The same
 * filter covers that: it stands after a deny handler, and writes the default answer if the
 * status is that of a failed program or gateway.
 */

static ap_filter_rec_t *answer_handle;

/* The filter's context: what it is there for. Compared by address. */
static char replacing[] = "replacing", watching[] = "watching", answered[] = "answered";

/* Returns true if httpd has a name for the status. It treats a status that it has no name for
 * as 500. */
static bool has_name(int status)
{
    return status == HTTP_INTERNAL_SERVER_ERROR ||
           ap_index_of_response(status) != ap_index_of_response(HTTP_INTERNAL_SERVER_ERROR);
}

/* Returns the status line for a status that httpd has no name for, else NULL: httpd makes it.
 */
static const char *status_line(const request_rec *r, int status)
{
    return has_name(status) ? NULL : apr_psprintf(r->pool, "%d Too Many Requests", status);
}

static bool is_path(const char *deny_handler)
{
    return deny_handler[0] == '/';
}

/* Sets who writes the answer: RateLimitDenyHandler, else ErrorDocument, else the filter. With
 * an empty text as the request's ErrorDocument httpd doesn't write a page that would be thrown
 * away, and doesn't take the ErrorDocument 500 for a status that it has no name for. */
static void choose_answer(request_rec *r, rl_request_t *request, int status)
{
    const char *handler = rl_dir_deny_handler(rl_dir_config(r));
    request->denied.handler = handler;
    request->denied.default_answer =
        handler != NULL || !has_name(status) ||
        ap_response_code_string(r, ap_index_of_response(status)) == NULL;
    if (request->denied.default_answer) {
        ap_custom_response(r, status, handler != NULL && is_path(handler) ? handler : "");
    }
    if (handler != NULL) {
        request->denied.own_header = apr_table_copy(r->pool, r->err_headers_out);
    }
}

/* What another module has set for the denial stands (mod_ratelimit_cache.h). */
static void set_unless_set(request_rec *r, const char *name, const char *value)
{
    if (apr_table_get(r->err_headers_out, name) == NULL) {
        apr_table_setn(r->err_headers_out, name, value);
    }
}

/* A denial is answered in the protocol in which the request came. mod_http2 upgrades where a
 * handler runs, and an ErrorDocument's handler does run: mod_http2 would process the denied
 * request anew as a stream, and take an unread body for requests. */
static void refuse_upgrade(request_rec *r)
{
    apr_table_unset(r->headers_in, "Upgrade");
    apr_table_unset(r->headers_in, "HTTP2-Settings");
}

int rl_denial_prepare(request_rec *r, int status, const char *retry_after)
{
    rl_request_t *request = rl_request_get(r);
    refuse_upgrade(r);
    set_unless_set(r, "Retry-After", retry_after);
    set_unless_set(r, "Cache-Control", "no-store");
    request->denied.retry_after = apr_table_get(r->err_headers_out, "Retry-After");
    if (rl_body_is_unread(r, request->body)) {
        rl_body_abandon(r); /* otherwise httpd reads all of it before it answers */
    }
    r->status_line = status_line(r, status);
    choose_answer(r, request, status);
    return status;
}

/* ---- the default answer ---- */

/* Fills in the names of all rules that deny, not only of the one that is reported. Returns how
 * many. */
static size_t find_violated(const rl_request_t *request, const char **names)
{
    size_t n = 0;
    for (int i = 0; i < request->n; i++) {
        const rl_claim_t *claim = &request->claims[i];
        if (!claim->step.granted && !claim->uncounted && !claim->observe) {
            names[n++] = claim->name;
        }
    }
    return n;
}

/* Returns the answer in this form, in r's pool, and sets its length. */
static const char *compose(request_rec *r, const rl_request_t *request, rl_media_e media,
                           apr_size_t *len)
{
    const size_t n = (size_t)request->n;
    const char **names = apr_palloc(r->pool, n * sizeof(*names));
    const size_t size = RL_DENIAL_TEXT_MAX + n * RL_DENIAL_TEXT_RULE_MAX;
    char *buffer = apr_palloc(r->pool, size);
    const rl_denial_text_t denial = {
        .status = request->denied.status,
        .retry_s = (uint32_t)apr_atoi64(request->environment.retry_after),
        .tag = request->environment.key,
        .uncounted = request->denied.claim < 0,
        .rules = names,
        .rules_n = find_violated(request, names),
    };
    rl_text_t text;
    rl_text_begin(&text, buffer, size);
    rl_denial_text_write(&denial, media, &text);
    *len = rl_text_end(&text);
    return buffer;
}

/* Returns the page of the challenge, in r's pool, and sets its length. */
static const char *compose_challenge(request_rec *r, const rl_request_t *request,
                                     apr_size_t *len)
{
    const rl_environment_t *environment = &request->environment;
    const rl_challenge_text_t challenge = {
        .token = environment->challenge,
        .path = environment->challenge_path,
        .retry_s = (uint32_t)apr_atoi64(environment->retry_after),
        .tag = environment->key,
    };
    const size_t size =
        RL_CHALLENGE_TEXT_MAX + strlen(challenge.token) + strlen(challenge.path);
    char *buffer = apr_palloc(r->pool, size);
    rl_text_t text;
    rl_text_begin(&text, buffer, size);
    rl_challenge_text_write(&challenge, &text);
    *len = rl_text_end(&text);
    return buffer;
}

/* The page is for this client only, and for as long as it has no pass. */
static void guard_challenge(request_rec *r)
{
    apr_table_setn(r->headers_out, "Content-Security-Policy", rl_challenge_text_policy());
    apr_table_mergen(r->headers_out, "Vary", "Cookie");
}

/* Makes r, whatever it was about to answer, the denial. What a failed handler has said of its
 * own answer (a Content-Encoding, say) is wrong for this one; header fields of a CGI program
 * stand in err_headers_out as well. */
static void become_denial(request_rec *r, const rl_request_t *request)
{
    r->status = request->denied.status;
    r->status_line = status_line(r, r->status);
    if (request->denied.own_header != NULL) {
        r->headers_out = apr_table_copy(r->pool, request->denied.own_header);
        r->err_headers_out = apr_table_make(r->pool, 2);
    }
    r->content_encoding = NULL;
    r->content_languages = NULL;
    r->clength = 0;
}

static void log_failed_handler(request_rec *r, const rl_request_t *request)
{
    const int i = request->denied.claim > 0 ? request->denied.claim : 0;
    const rl_rule_t *rule = request->claims[i].rule;
    if (request->denied.handler != NULL && rule != NULL) {
        rl_log_deny_handler(r, rule, request->denied.handler);
    }
}

static apr_status_t write_default(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    const rl_request_t *request = rl_request_get(r);
    const rl_media_e media = rl_accept_choose(apr_table_get(r->headers_in, "Accept"));
    apr_size_t len;
    const bool challenged = request->environment.challenge != NULL;
    const char *body =
        challenged ? compose_challenge(r, request, &len) : compose(r, request, media, &len);
    log_failed_handler(r, request);
    become_denial(r, request);
    ap_set_content_type(r, rl_denial_text_type(media));
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    if (challenged) {
        guard_challenge(r);
    }
    apr_brigade_cleanup(bb);
    APR_BRIGADE_INSERT_TAIL(
        bb, apr_bucket_pool_create(body, len, r->pool, r->connection->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(r->connection->bucket_alloc));
    return ap_pass_brigade(f->next, bb);
}

/* Returns true if the handler has failed. 503 doesn't count: a handler may well choose that
 * status. */
static bool has_failed(const request_rec *r, const rl_request_t *request)
{
    return r->status != request->denied.status &&
           (r->status == HTTP_INTERNAL_SERVER_ERROR || r->status == HTTP_BAD_GATEWAY ||
            r->status == HTTP_GATEWAY_TIME_OUT);
}

/* The output filter. It decides when the first bytes or the end come by, for then the status is
 * final. */
static apr_status_t answer_denial(ap_filter_t *f, apr_bucket_brigade *bb)
{
    if (f->ctx == answered) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    if (f->ctx == watching && !has_failed(f->r, rl_request_get(f->r))) {
        ap_filter_t *next = f->next;
        ap_remove_output_filter(f);
        return ap_pass_brigade(next, bb);
    }
    f->ctx = answered;
    return write_default(f, bb);
}

void rl_denial_register(void)
{
    answer_handle =
        ap_register_output_filter("RATELIMIT_DENIAL", answer_denial, NULL, AP_FTYPE_RESOURCE);
}

void rl_denial_insert_error_filter(request_rec *r)
{
    const rl_request_t *request = rl_request_get(r);
    if (request != NULL && request->denied.default_answer && request->denied.r == r &&
        request->denied.status == r->status) {
        ap_add_output_filter_handle(answer_handle, replacing, r, r->connection);
    }
}

/* ---- fields ---- */

/* Returns the seconds of a Retry-After, -1 if it isn't a plain number. */
static int64_t seconds_of_field(const char *value)
{
    uint64_t n;
    return value != NULL && rl_number_parse(value, strlen(value), UINT32_MAX, &n) ? (int64_t)n
                                                                                  : -1;
}

/* Returns the last of several values of one field: httpd appends what a program sets to what
 * was there. */
static const char *last_value(const char *values)
{
    const char *comma = values != NULL ? strrchr(values, ',') : NULL;
    return comma != NULL ? comma + 1 + strspn(comma + 1, " ") : values;
}

/* Whoever writes the answer may set a longer wait, but not a shorter one. */
static void unify_retry_after(request_rec *r, const char *ours)
{
    const char *said = last_value(apr_table_get(r->headers_out, "Retry-After"));
    const char *always = last_value(apr_table_get(r->err_headers_out, "Retry-After"));
    const char *longest = ours;
    longest = seconds_of_field(said) > seconds_of_field(longest) ? said : longest;
    longest = seconds_of_field(always) > seconds_of_field(longest) ? always : longest;
    apr_table_unset(r->headers_out, "Retry-After");
    apr_table_setn(r->err_headers_out, "Retry-After", longest);
}

static void unify_cache_control(request_rec *r)
{
    const char *always = last_value(apr_table_get(r->err_headers_out, "Cache-Control"));
    const char *said = apr_table_get(r->headers_out, "Cache-Control");
    if (always != NULL) {
        apr_table_setn(r->err_headers_out, "Cache-Control", always);
        if (said != NULL) {
            apr_table_unset(r->headers_out, "Cache-Control");
        }
    }
}

void rl_denial_unify_header(request_rec *r)
{
    const rl_request_t *request = rl_request_get(r);
    if (request != NULL && request->denied.retry_after != NULL &&
        r->status >= HTTP_BAD_REQUEST) {
        unify_retry_after(r, request->denied.retry_after);
        unify_cache_control(r);
    }
}

/* ---- deny handlers ---- */

/* Returns true if r is being answered by a deny handler: r is the denied request itself, or
 * what it was redirected to. */
static bool is_handled(const request_rec *r, const rl_request_t *request)
{
    return request != NULL && request->denied.handler != NULL &&
           (request->denied.r == r || rl_request_is_error_document(r));
}

void rl_denial_insert_filter(request_rec *r)
{
    const rl_request_t *request;
    if (r->status == HTTP_OK || r->main != NULL) {
        return;
    }
    request = rl_request_get(r);
    if (is_handled(r, request)) {
        if (r->status == request->denied.status && r->status_line == NULL) {
            r->status_line = status_line(r, r->status);
        }
        ap_add_output_filter_handle(answer_handle, watching, r, r->connection);
    }
}

RL_EACH_REQUEST int rl_denial_missing_handler(request_rec *r)
{
    const rl_request_t *request;
    if (r->status == HTTP_OK) {
        return DECLINED;
    }
    request = rl_request_get(r);
    return is_handled(r, request) && request->denied.r == r ? HTTP_NOT_FOUND : DECLINED;
}

/* Runs the named handler on r. mod_proxy must not take r for a request to pass on. */
static int run_handler(request_rec *r, const rl_request_t *request)
{
    const char *handler = r->handler;
    const int status = r->status;
    int result;
    r->handler = request->denied.handler;
    r->proxyreq = PROXYREQ_NONE;
    r->no_local_copy = 1;
    r->status = request->denied.status;
    result = ap_invoke_handler(r);
    r->handler = handler;
    if (ap_is_HTTP_VALID_RESPONSE(result)) {
        r->status = status;
    }
    return result;
}

int rl_denial_run_handler(request_rec *r, int status)
{
    rl_request_t *request = rl_request_get(r);
    int result;
    if (request == NULL || request->denied.r != r || request->denied.handler == NULL ||
        is_path(request->denied.handler)) {
        return status;
    }
    result = run_handler(r, request);
    if (ap_is_HTTP_VALID_RESPONSE(result)) {
        return status; /* the handler failed, and the default answer is ready */
    }
    request->denied.status = DONE;
    return result == OK ? DONE : result;
}
