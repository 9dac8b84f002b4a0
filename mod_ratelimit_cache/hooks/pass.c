/* SPDX-License-Identifier: Apache-2.0 */
#include "pass.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <stdbool.h>
#include <string.h>

#include "../answer/cookie.h"
#include "../answer/text/challenge_text.h"
#include "../challenge/issue.h"
#include "../challenge/seal_of.h"
#include "../challenge/shown.h"
#include "../config/config.h"
#include "../core/form/form.h"
#include "../core/pass/token.h"
#include "../httpd/module.h"
#include "../key/body.h"

APLOG_USE_MODULE(ratelimit_cache);

/* The path is answered before httpd looks for what it stands for. So it works whatever the
 * site's configuration says of the path: under rewrites of everything, behind ProxyPass /, in
 * a location that asks for a password. For the same reason no rule applies to it, which might
 * challenge the answer to a challenge; what limits it is issue=. */

#define BODY_MAX 4096 /* bytes */
#define BODY_TIME                                                                              \
    (10 * APR_USEC_PER_SEC) /* for all of it; each read waits as long as Timeout */

/* ---- answers ---- */

static void begin_answer(request_rec *r, int status)
{
    r->status = status;
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
}

/* Sends the page, which has a link to a local path. Returns OK. */
static int answer_notice(request_rec *r, int status, rl_notice_e why, const char *link,
                         int64_t retry_s)
{
    const size_t size = RL_NOTICE_TEXT_MAX(strlen(link));
    char *page = apr_palloc(r->pool, size);
    size_t len;
    rl_text_t text;
    rl_text_begin(&text, page, size);
    rl_notice_text_write(why, link, (uint32_t)retry_s, &text);
    len = rl_text_end(&text);
    begin_answer(r, status);
    apr_table_setn(r->headers_out, "Content-Security-Policy", rl_challenge_text_policy());
    if (retry_s > 0) {
        apr_table_setn(r->headers_out, "Retry-After",
                       apr_psprintf(r->pool, "%" APR_INT64_T_FMT, retry_s));
    }
    ap_set_content_type(r, "text/html; charset=utf-8");
    ap_set_content_length(r, (apr_off_t)len);
    ap_run_insert_filter(r);
    ap_rwrite(page, (int)len, r);
    return OK;
}

/* Sends the client back to where it was, with its pass. */
static int answer_pass(request_rec *r, const rl_pass_settings_t *settings, const char *pass,
                       const char *path)
{
    begin_answer(r, HTTP_SEE_OTHER);
    apr_table_addn(r->headers_out, "Set-Cookie",
                   rl_cookie_field(r, RL_PASS_COOKIE, pass, settings->life_s));
    apr_table_set(r->headers_out, "Location", path);
    ap_set_content_length(r, 0);
    ap_run_insert_filter(r);
    return OK;
}

/* ---- what was posted ---- */

/* Reads the body. Returns how many bytes, or -1 if it has BODY_MAX and more, takes too long, or
 * can't be read. */
static int read_posted(request_rec *r, char body[BODY_MAX])
{
    const apr_time_t until = apr_time_now() + BODY_TIME;
    int len = 0;
    if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) != OK) {
        return -1;
    }
    if (!ap_should_client_block(r)) {
        return 0;
    }
    while (len < BODY_MAX && apr_time_now() < until) {
        const long n = ap_get_client_block(r, body + len, (apr_size_t)(BODY_MAX - len));
        if (n <= 0) {
            return n == 0 ? len : -1;
        }
        len += (int)n;
    }
    return -1;
}

static bool is_urlencoded(const request_rec *r)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    return type != NULL && ap_cstr_casecmpn(type, form, sizeof(form) - 1) == 0;
}

/* Sets where the token that was posted leads to. */
static rl_token_e read_token(request_rec *r, const rl_pass_settings_t *settings,
                             char path[RL_TOKEN_PATH_MAX + 1])
{
    char body[BODY_MAX], token[RL_TOKEN_LENGTH_MAX];
    rl_form_field_t field = {
        .name = "token", .name_len = 5, .value = token, .value_cap = sizeof(token)};
    const int len = is_urlencoded(r) ? read_posted(r, body) : -1;
    rl_urlencoded_t parser;
    rl_seal_t seal;
    if (len < 0) {
        rl_body_abandon(r);
        return RL_TOKEN_FALSE;
    }
    rl_urlencoded_init(&parser, &field, 1);
    rl_urlencoded_feed(&parser, body, (size_t)len);
    rl_urlencoded_finish(&parser, true);
    if (!rl_form_field_sure(&field, 0)) {
        return RL_TOKEN_FALSE;
    }
    rl_challenge_seal(r, settings, &seal);
    return rl_token_read(&seal, token, field.value_len, apr_time_sec(r->request_time), path);
}

/* ---- the button ---- */

static int give_pass(request_rec *r, const rl_pass_settings_t *settings, const char *path)
{
    char pass[RL_PASS_TEXT_LENGTH + 1];
    int64_t retry_s = 0;
    const int status = rl_pass_issue(r, settings, pass, &retry_s);
    if (status == OK) {
        return answer_pass(r, settings, pass, path);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  status == HTTP_TOO_MANY_REQUESTS
                      ? "ratelimit: no pass: the network has got as many as issue= of "
                        "RateLimitPass allows"
                      : "ratelimit: no pass: how many the network has got can't be told");
    return answer_notice(r, status,
                         status == HTTP_TOO_MANY_REQUESTS ? RL_NOTICE_MANY : RL_NOTICE_UNABLE,
                         path, retry_s);
}

static int answer_button(request_rec *r, const rl_pass_settings_t *settings)
{
    char path[RL_TOKEN_PATH_MAX + 1];
    switch (read_token(r, settings, path)) {
    case RL_TOKEN_GOOD:
        return give_pass(r, settings, path);
    case RL_TOKEN_EXPIRED:
        return answer_notice(r, HTTP_FORBIDDEN, RL_NOTICE_EXPIRED, path, 0);
    case RL_TOKEN_FALSE:
        break;
    }
    return answer_notice(r, HTTP_FORBIDDEN, RL_NOTICE_FALSE, "/", 0);
}

static int answer_other_method(request_rec *r)
{
    if (r->method_number != M_GET) {
        rl_body_abandon(r);
    }
    apr_table_setn(r->headers_out, "Allow", "POST");
    return answer_notice(r, HTTP_METHOD_NOT_ALLOWED, RL_NOTICE_GET, "/", 0);
}

RL_EACH_REQUEST int rl_pass_quick_handler(request_rec *r, int lookup)
{
    const rl_pass_settings_t *settings = rl_server_pass(rl_server_config(r->server));
    if (settings == NULL || lookup || r->main != NULL || r->proxyreq != PROXYREQ_NONE ||
        r->uri == NULL || strcmp(r->uri, settings->path) != 0) {
        return DECLINED;
    }
    return r->method_number == M_POST ? answer_button(r, settings) : answer_other_method(r);
}
