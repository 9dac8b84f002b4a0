/* SPDX-License-Identifier: Apache-2.0 */
#include "response_fields.h"

#include <apr_strings.h>
#include <string.h>
#include <util_filter.h>

#include "../config/config.h"
#include "../request/record.h"
#include "denial.h"
#include "environment.h"
#include "text/field_text.h"

/* The fields are set by an output filter when the response begins, because only then is it
 * known which of them the application has set itself: the application's win. The filter is the
 * last one before httpd makes the header section, so mod_headers has run, and mod_cache has
 * stored the response without one client's state. It is added for every response of a limited
 * request: when a handler is about to run, and again when httpd writes an error.
 *
 * Responses whose header httpd doesn't write have no fields: those of nph- CGI programs, of
 * upgraded connections (WebSocket), and what mod_cache's quick handler serves.
 */

static ap_filter_rec_t *fields_handle;

/* Returns the fields, as bits, that the locations ask for through which the request has passed.
 * The location of an error document is not one of them. */
static int asked_for(const request_rec *r)
{
    int bits = 0;
    for (; r != NULL; r = r->prev) {
        if (!rl_request_is_error_document(r)) {
            bits |= rl_dir_response_fields(rl_dir_config(r));
        }
    }
    return bits;
}

/* ---- what the application has set ---- */

static bool is_standard(const char *name)
{
    return ap_cstr_casecmp(name, "RateLimit") == 0 ||
           ap_cstr_casecmp(name, "RateLimit-Policy") == 0;
}

static bool is_legacy(const char *name)
{
    return ap_cstr_casecmpn(name, "X-RateLimit-", 12) == 0;
}

/* Returns the bits of those families (standard, legacy) of which the table has a field. The
 * first letter is compared first, because few fields begin with it. */
static int families_in(const apr_table_t *headers)
{
    const apr_array_header_t *fields = apr_table_elts(headers);
    int bits = 0;
    for (int i = 0; i < fields->nelts; i++) {
        const char *name = APR_ARRAY_IDX(fields, i, apr_table_entry_t).key;
        if ((*name == 'R' || *name == 'r') && is_standard(name)) {
            bits |= RL_FIELDS_STANDARD;
        }
        else if ((*name == 'X' || *name == 'x') && is_legacy(name)) {
            bits |= RL_FIELDS_LEGACY;
        }
    }
    return bits;
}

/* ---- what there is to tell ---- */

/* Returns true if the request was denied because the shared store didn't answer, or a rate
 * could not be computed. What was seen of other claims then was never charged. */
static bool is_uncounted(const rl_request_t *request)
{
    return request->denied.status != 0 && request->denied.claim < 0 &&
           request->environment.status != NULL &&
           strcmp(request->environment.status, "error") == 0;
}

/* Returns true if the state of claim i is to be shown rather than that of the one found so far
 * (shown, -1: none yet). Of personal keys, which others use as well, the first is shown, and
 * only if there are no other keys: to choose the one closest to its limit would tell what
 * others have used. */
static bool shows_more(const rl_request_t *request, int i, int shown)
{
    if (shown < 0) {
        return true;
    }
    if (request->claims[i].personal || request->claims[shown].personal) {
        return !request->claims[i].personal;
    }
    return rl_claim_is_closer(&request->claims[i], &request->claims[shown]);
}

/* Returns the index of the claim whose state is shown: the one that denied, else the closest to
 * its limit of those that were counted; -1 if none was. */
static int find_shown(const rl_request_t *request)
{
    int shown = request->denied.claim;
    if (shown >= 0 || is_uncounted(request)) {
        return shown;
    }
    for (int i = 0; i < request->n; i++) {
        if (!request->claims[i].uncounted && shows_more(request, i, shown)) {
            shown = i;
        }
    }
    return shown;
}

static bool is_denied(const rl_request_t *request)
{
    return request->denied.claim >= 0;
}

/* Returns true if it may be told what is left to claim i. Of a personal key it isn't, as long
 * as the request is admitted: the quota is shared with whoever tries the same name, and would
 * tell one about the other. That nothing is left is what the denial tells anyway. */
static bool is_told(const rl_request_t *request, int i)
{
    return is_denied(request) || !request->claims[i].personal;
}

static int64_t remaining_of(const rl_request_t *request, int i)
{
    const rl_claim_t *claim = &request->claims[i];
    return claim->personal ? 0 : rl_claim_remaining(claim);
}

/* Returns when more is left, in microseconds since the epoch. A personal key's denial tells no
 * more than its Retry-After. */
static int64_t renewal_of(const rl_request_t *request, int i)
{
    const rl_claim_t *claim = &request->claims[i];
    return claim->personal ? claim->step.retry : rl_claim_more_at(claim);
}

/* Returns the seconds until then; if that is when the request may be repeated, those of
 * Retry-After. Else the clock is read again, because the response may come long after the
 * decision. */
static int64_t seconds_of(const rl_request_t *request, int i)
{
    const int64_t renewal = renewal_of(request, i);
    if (request->claims[i].op.meter.algorithm == RL_CONCURRENT) {
        return -1;
    }
    return is_denied(request) && renewal == request->claims[i].step.retry
               ? apr_atoi64(request->environment.retry_after)
               : rl_seconds_until(renewal, apr_time_now());
}

/* ---- the fields ---- */

static void add_policy(rl_text_t *text, const rl_claim_t *claim)
{
    const rl_meter_t *meter = &claim->op.meter;
    if (meter->algorithm == RL_CONCURRENT) {
        rl_field_text_add_concurrent(text, claim->name, rl_meter_quota(meter));
    }
    else {
        rl_field_text_add_policy(text, claim->name, rl_meter_quota(meter),
                                 rl_meter_quota_us(meter));
    }
}

static void set_policies(request_rec *r, const rl_request_t *request)
{
    const int n = request->n;
    const size_t size = (size_t)n * RL_FIELD_ITEM_MAX;
    char *buffer = apr_palloc(r->pool, size);
    rl_text_t text;
    rl_text_begin(&text, buffer, size);
    for (int i = 0; i < n; i++) {
        add_policy(&text, &request->claims[i]);
    }
    rl_text_end(&text);
    apr_table_setn(r->headers_out, "RateLimit-Policy", buffer);
}

static void set_standard(request_rec *r, const rl_request_t *request, int shown)
{
    char *buffer;
    rl_text_t text;
    set_policies(r, request);
    if (shown < 0 || !is_told(request, shown)) {
        return; /* an item without r says nothing */
    }
    buffer = apr_palloc(r->pool, RL_FIELD_ITEM_MAX);
    rl_text_begin(&text, buffer, RL_FIELD_ITEM_MAX);
    rl_field_text_add_state(&text, request->claims[shown].name, remaining_of(request, shown),
                            seconds_of(request, shown));
    rl_text_end(&text);
    apr_table_setn(r->headers_out, "RateLimit", buffer);
}

static void set_number(request_rec *r, const char *name, int64_t number)
{
    char *buffer = apr_palloc(r->pool, RL_FIELD_NUMBER_MAX);
    rl_text_t text;
    rl_text_begin(&text, buffer, RL_FIELD_NUMBER_MAX);
    rl_text_add_number(&text, (uint64_t)number);
    rl_text_end(&text);
    apr_table_setn(r->headers_out, name, buffer);
}

static void set_legacy(request_rec *r, const rl_request_t *request, int shown)
{
    set_number(r, "X-RateLimit-Limit", rl_meter_quota(&request->claims[shown].op.meter));
    if (is_told(request, shown)) {
        set_number(r, "X-RateLimit-Remaining", remaining_of(request, shown));
        set_number(r, "X-RateLimit-Reset", rl_field_text_epoch(renewal_of(request, shown)));
    }
}

static void set_fields(request_rec *r, const rl_request_t *request)
{
    const int shown = find_shown(request);
    const int bits =
        asked_for(r) & ~(families_in(r->headers_out) | families_in(r->err_headers_out));
    if ((bits & RL_FIELDS_STANDARD) != 0) {
        set_standard(r, request, shown);
    }
    if ((bits & RL_FIELDS_LEGACY) != 0 && shown >= 0) {
        set_legacy(r, request, shown);
    }
}

static apr_status_t add_fields(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const rl_request_t *request = rl_request_get(f->r);
    ap_filter_t *next = f->next;
    if (request != NULL) {
        set_fields(f->r, request);
    }
    rl_denial_unify_header(f->r);
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, bb);
}

void rl_response_fields_register(void)
{
    fields_handle = ap_register_output_filter("RATELIMIT_FIELDS", add_fields, NULL,
                                              (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
}

void rl_response_fields_insert(request_rec *r)
{
    const rl_request_t *request;
    if (r->main != NULL || (rl_dir_config(r)->rules == NULL && r->prev == NULL)) {
        return;
    }
    request = rl_request_get(r);
    if (request != NULL && !request->exempt && request->n > 0 &&
        (request->denied.r != NULL || asked_for(r) != 0)) {
        ap_add_output_filter_handle(fields_handle, NULL, r, r->connection);
    }
}
