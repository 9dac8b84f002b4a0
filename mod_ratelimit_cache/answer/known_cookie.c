/* SPDX-License-Identifier: Apache-2.0 */
#include "known_cookie.h"

#include <http_protocol.h>
#include <util_filter.h>

#include "../request/judgement.h"
#include "../request/known.h"
#include "../request/outcome_watch.h"
#include "cookie.h"

/* The cookie is set by an output filter when the response begins, because only then is the
 * outcome known, whoever made the answer: a program, a backend, a redirect. The filter is one
 * of the last before httpd makes the header section, so that mod_cache has stored the response
 * without one browser's cookie. Responses whose header httpd doesn't write have none.
 */

static ap_filter_rec_t *cookie_handle;

/* A cache that several people share must not hand the cookie on. What a CGI program says of
 * caches stands in err_headers_out. */
static void keep_from_caches(request_rec *r)
{
    static const char name[] = "Cache-Control";
    apr_table_t *headers =
        apr_table_get(r->err_headers_out, name) != NULL ? r->err_headers_out : r->headers_out;
    const char *value = apr_table_get(headers, name);
    if (value == NULL || (!ap_find_token(r->pool, value, "private") &&
                          !ap_find_token(r->pool, value, "no-store"))) {
        apr_table_mergen(headers, name, "private");
    }
}

/* The application's own cookies stay. */
static void set_cookie(request_rec *r, const rl_known_t *known, int64_t now_s)
{
    char value[RL_KNOWN_TEXT_MAX];
    rl_known_write(known, value);
    apr_table_addn(r->headers_out, "Set-Cookie",
                   rl_cookie_field(r, RL_KNOWN_COOKIE, value, rl_known_expires(known) - now_s));
    keep_from_caches(r);
}

/* Returns true if the outcome is a success for the claim, or has cleared its counter already.
 */
static bool is_success(const rl_request_t *request, int i, const rl_ending_t *ending)
{
    return request->claims[i].cleared || rl_judge_succeeds(request, i, ending);
}

/* Gives the browser an entry for each account that it has just logged in to. */
static void greet(request_rec *r, const rl_request_t *request)
{
    const int64_t now_s = apr_time_sec(apr_time_now());
    const rl_ending_t ending = rl_outcome_leaving(r, request);
    rl_known_t known = *rl_known_of_browser(r);
    bool renewed = false;
    for (int i = 0; i < request->n; i++) {
        const rl_claim_t *claim = &request->claims[i];
        renewed |= claim->account != NULL && is_success(request, i, &ending) &&
                   rl_known_renew(claim, now_s, &known);
    }
    if (renewed) {
        set_cookie(r, &known, now_s);
    }
}

/* An empty brigade begins no response. */
static apr_status_t greet_at_begin(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const rl_request_t *request = rl_request_get(f->r);
    ap_filter_t *next = f->next;
    if (!APR_BRIGADE_EMPTY(bb)) {
        greet(f->r, request);
        ap_remove_output_filter(f);
    }
    return ap_pass_brigade(next, bb);
}

void rl_known_cookie_register(void)
{
    cookie_handle = ap_register_output_filter("RATELIMIT_KNOWN", greet_at_begin, NULL,
                                              (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
}

static bool may_be_known(const rl_request_t *request)
{
    for (int i = 0; i < request->n; i++) {
        if (request->claims[i].account != NULL) {
            return true;
        }
    }
    return false;
}

void rl_known_cookie_insert(request_rec *r)
{
    const rl_request_t *request = r->main == NULL ? rl_request_get(r) : NULL;
    if (request != NULL && request->outcome.matters && request->denied.r == NULL &&
        may_be_known(request)) {
        ap_add_output_filter_handle(cookie_handle, NULL, r, r->connection);
    }
}
