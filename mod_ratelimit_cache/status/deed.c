/* SPDX-License-Identifier: Apache-2.0 */
#include "deed.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_log.h>
#include <string.h>
#include <util_script.h>

#include "../core/rate.h"
#include "../fleet/exempt_key.h"
#include "../httpd/module.h"
#include "../limiter/counter.h"
#include "../request/session.h"
#include "find.h"
#include "gather.h"
#include "token.h"

APLOG_USE_MODULE(ratelimit_cache);

#define FORM_FIELDS_MAX 64
#define FORM_BYTES_MAX  8192

typedef struct rl_deed {
    request_rec *r;
    const char *token, *action;
    rl_wanted_t wanted;
    const char *lasts; /* for=; NULL: not given */
    int64_t lasts_us;  /* for= as a number; 0: the exemption ends */
    bool all_told;     /* the shared store could be told, or asked, each time */
    const char *text;  /* what came of it */
} rl_deed_t;

/* ---- the form ---- */

static void take_form_field(rl_deed_t *deed, const char *name, const char *value)
{
    static const char prefix[] = "value.";
    if (strcmp(name, "token") == 0) {
        deed->token = value;
    }
    else if (strcmp(name, "action") == 0) {
        deed->action = value;
    }
    else if (strcmp(name, "for") == 0) {
        deed->lasts = value;
    }
    else if (*value == '\0') { /* an input that was left empty */
        return;
    }
    else if (strcmp(name, "tag") == 0) {
        deed->wanted.tag = value;
    }
    else if (strcmp(name, "rule") == 0) {
        deed->wanted.rule = value;
    }
    else if (strcmp(name, "vhost") == 0) {
        deed->wanted.vhost = value;
    }
    else if (strcmp(name, "key") == 0) {
        *(const char **)apr_array_push(deed->wanted.values) = value;
    }
    else if (strncmp(name, prefix, sizeof(prefix) - 1) == 0) {
        *(const char **)apr_array_push(deed->wanted.values) =
            apr_pstrcat(deed->r->pool, name + sizeof(prefix) - 1, "=", value, NULL);
    }
}

/* Returns the field's value; NULL if it has a NUL. */
static const char *field_value(request_rec *r, const ap_form_pair_t *pair)
{
    char *value;
    apr_size_t len;
    if (apr_brigade_pflatten(pair->value, &value, &len, r->pool) != APR_SUCCESS ||
        memchr(value, '\0', len) != NULL) {
        return NULL;
    }
    return apr_pstrmemdup(r->pool, value, len);
}

static int read_form(rl_deed_t *deed)
{
    apr_array_header_t *pairs = NULL;
    const int rv = ap_parse_form_data(deed->r, NULL, &pairs, FORM_FIELDS_MAX, FORM_BYTES_MAX);
    if (rv != OK || pairs == NULL) {
        deed->text = "This is not a form that the page sends.";
        return rv == HTTP_REQUEST_ENTITY_TOO_LARGE ? rv : HTTP_BAD_REQUEST;
    }
    for (int i = 0; i < pairs->nelts; i++) {
        const ap_form_pair_t *pair = &APR_ARRAY_IDX(pairs, i, ap_form_pair_t);
        const char *value = field_value(deed->r, pair);
        if (value == NULL) {
            deed->text = "A field of the form holds what can't be read.";
            return HTTP_BAD_REQUEST;
        }
        take_form_field(deed, pair->name, value);
    }
    return OK;
}

/* ---- what is to be done ---- */

static void bind_to(const rl_found_t *found, rl_session_t *session, rl_operation_t *op)
{
    *op = found->op;
    rl_session_begin_in(found->server, session);
    rl_source_bind(&session->source, op, apr_time_now());
}

static bool do_show(const rl_deed_t *deed, const rl_found_t *found)
{
    rl_session_t session;
    rl_operation_t op;
    bool told;
    (void)deed;
    bind_to(found, &session, &op);
    told = rl_counter_learn(&session.source, &op);
    rl_session_end(&session);
    return told;
}

/* Logs who did what to a key; `lasts` ends the line. */
static void log_deed(const rl_deed_t *deed, const rl_found_t *found, const char *verb,
                     const char *lasts)
{
    char tag[RL_TAG_LENGTH + 1];
    const request_rec *r = deed->r;
    rl_digest_tag(&found->op.key, tag);
    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                  "ratelimit: status page: %s %s rule %s, key %s%s",
                  r->user != NULL ? r->user : "somebody", verb,
                  found->rule != NULL ? found->rule->name : ".htaccess", tag, lasts);
}

static bool do_clear(const rl_deed_t *deed, const rl_found_t *found)
{
    rl_session_t session;
    rl_operation_t op;
    bool told;
    bind_to(found, &session, &op);
    rl_counter_learn(&session.source, &op);
    told = rl_counter_clear(&session.source, &op);
    rl_session_end(&session);
    log_deed(deed, found, "cleared", "");
    return told;
}

static bool do_exempt(const rl_deed_t *deed, const rl_found_t *found)
{
    rl_session_t session;
    rl_operation_t op;
    bool told;
    bind_to(found, &session, &op);
    told = rl_exempt_key_set(&session.source, &op, op.now + deed->lasts_us);
    rl_session_end(&session);
    log_deed(deed, found, deed->lasts_us > 0 ? "exempted" : "ended the exemption of",
             deed->lasts_us > 0 ? apr_psprintf(deed->r->pool, ", for %" APR_INT64_T_FMT " s",
                                               deed->lasts_us / RL_USEC_PER_SEC)
                                : "");
    return told;
}

static const struct {
    const char *name;
    bool (*act)(const rl_deed_t *deed, const rl_found_t *found);
    const char *past; /* after "... keys were" */
} actions[] = {{"show", do_show, "found"},
               {"clear", do_clear, "cleared"},
               {"exempt", do_exempt, "exempted"}};

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static size_t find_action(const rl_deed_t *deed)
{
    size_t i = 0;
    while (i < ACTIONS &&
           (deed->action == NULL || strcmp(deed->action, actions[i].name) != 0)) {
        i++;
    }
    return i;
}

/* Reads for=. Returns false, with the text set, if it is wrong. */
static bool read_lasts(rl_deed_t *deed)
{
    const char *reason;
    if (deed->lasts == NULL) {
        deed->text = "Say for how long: for=1h, for example.";
        return false;
    }
    if (strcmp(deed->lasts, "0") == 0) {
        return true;
    }
    reason = rl_duration_parse(deed->lasts, &deed->lasts_us);
    deed->text = apr_psprintf(deed->r->pool, "for=%s: %s", deed->lasts, reason);
    return reason == NULL;
}

/* ---- what is answered ---- */

static const char *done_text(const rl_deed_t *deed, size_t action, int n)
{
    const bool exempts = actions[action].act == do_exempt;
    const bool ends = exempts && deed->lasts_us == 0;
    return apr_psprintf(deed->r->pool, "%d key%s %s%s%s.%s", n, n == 1 ? "" : "s",
                        ends ? "no longer exempt" : actions[action].past,
                        exempts && !ends ? " for " : "", exempts && !ends ? deed->lasts : "",
                        deed->all_told
                            ? ""
                            : " The shared store did not answer: this is true of this server "
                              "alone.");
}

/* Returns true if a key counts nothing, so that there is nothing to clear. */
static bool any_has_slots(const apr_array_header_t *found)
{
    for (int i = 0; i < found->nelts; i++) {
        if (APR_ARRAY_IDX(found, i, rl_found_t).op.meter.algorithm == RL_CONCURRENT) {
            return true;
        }
    }
    return false;
}

static int deed_act(rl_deed_t *deed, size_t action, rl_report_t *report)
{
    apr_array_header_t *found;
    const int status = rl_find(deed->r->pool, &deed->wanted, &found, &deed->text);
    if (status != OK) {
        return status;
    }
    if (actions[action].act == do_clear && any_has_slots(found)) {
        deed->text = "Slots of COUNT/concurrent can't be cleared: they are free when their "
                     "requests are answered. Exempt the key, or raise COUNT.";
        return HTTP_BAD_REQUEST;
    }
    for (int i = 0; i < found->nelts; i++) {
        deed->all_told &= actions[action].act(deed, &APR_ARRAY_IDX(found, i, rl_found_t));
    }
    rl_report_found(deed->r, found, report);
    deed->text = done_text(deed, action, found->nelts);
    return OK;
}

/* Refuses what doesn't come from the page. */
static int check_sender(rl_deed_t *deed)
{
    if (!rl_token_origin_is_own(deed->r)) {
        deed->text = "This was sent by a page of another site; nothing was done.";
        return HTTP_FORBIDDEN;
    }
    if (!rl_token_is_good(deed->r, deed->token)) {
        deed->text = "The page was loaded too long ago, or for somebody else; load it again.";
        return HTTP_FORBIDDEN;
    }
    return OK;
}

static int deed_do(rl_deed_t *deed, rl_report_t *report)
{
    int status = read_form(deed);
    size_t action = 0;
    if (status == OK) {
        status = check_sender(deed);
    }
    if (status != OK) {
        return status;
    }
    action = find_action(deed);
    if (action == ACTIONS) {
        deed->text = "action= is show, clear or exempt.";
        return HTTP_BAD_REQUEST;
    }
    if (actions[action].act == do_exempt && !read_lasts(deed)) {
        return HTTP_BAD_REQUEST;
    }
    return deed_act(deed, action, report);
}

int rl_deed_do(request_rec *r, rl_report_t *report)
{
    rl_deed_t deed = {.r = r, .all_told = true, .text = ""};
    rl_deed_row_t *row = apr_pcalloc(r->pool, sizeof(*row));
    int status;
    deed.wanted.values = apr_array_make(r->pool, 4, sizeof(const char *));
    status = deed_do(&deed, report);
    row->done = status == OK;
    row->action = find_action(&deed) < ACTIONS ? deed.action : "";
    row->text = deed.text;
    report->deed = row;
    return status == OK ? HTTP_OK : status;
}
