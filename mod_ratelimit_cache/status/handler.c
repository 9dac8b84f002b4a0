/* SPDX-License-Identifier: Apache-2.0 */
#include "handler.h"

#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

#include "../httpd/module.h"
#include "deed.h"
#include "gather.h"
#include "health.h"
#include "page/page.h"
#include "text/json.h"
#include "text/metrics.h"

#define NAME "ratelimit-status"

static void status_take(void *context, const char *bytes, size_t len)
{
    ap_rwrite(bytes, (int)len, context);
}

/* Writes the report in one form. */
typedef void write_fn(rl_output_t *out, const rl_report_t *report);

static void send_report(request_rec *r, const rl_report_t *report, const char *type,
                        write_fn *write)
{
    rl_output_t out;
    ap_set_content_type(r, type);
    rl_output_begin(&out, status_take, r);
    write(&out, report);
    rl_output_end(&out);
}

static int answer_report(request_rec *r, rl_gather_e how, const char *type, write_fn *write)
{
    rl_report_t report;
    ap_set_content_type(r, type);
    if (!r->header_only) {
        rl_report_gather(r, how, &report);
        send_report(r, &report, type, write);
    }
    return OK;
}

static void write_openmetrics(rl_output_t *out, const rl_report_t *report)
{
    rl_metrics_write(out, report, RL_METRICS_OPEN);
}

static void write_prometheus(rl_output_t *out, const rl_report_t *report)
{
    rl_metrics_write(out, report, RL_METRICS_PROMETHEUS);
}

static void guard_page(request_rec *r)
{
    apr_table_setn(r->headers_out, "Content-Security-Policy", rl_page_policy());
    apr_table_setn(r->headers_out, "X-Frame-Options", "DENY");
}

static int answer_page(request_rec *r)
{
    guard_page(r);
    return answer_report(r, RL_GATHER_ALL, "text/html; charset=utf-8", rl_page_write);
}

static int answer_json(request_rec *r)
{
    return answer_report(r, RL_GATHER_ALL, "application/json", rl_json_write);
}

static int answer_openmetrics(request_rec *r)
{
    return answer_report(r, RL_GATHER_MERGED, rl_metrics_type(RL_METRICS_OPEN),
                         write_openmetrics);
}

static int answer_prometheus(request_rec *r)
{
    return answer_report(r, RL_GATHER_MERGED, rl_metrics_type(RL_METRICS_PROMETHEUS),
                         write_prometheus);
}

static const struct {
    const char *name;
    int (*answer)(request_rec *r);
} forms[] = {
    {"", answer_page},
    {"html", answer_page},
    {"json", answer_json},
    {"openmetrics", answer_openmetrics},
    {"prometheus", answer_prometheus},
    {"health", rl_status_health},
};

/* Returns true if the query string asks for this form. Other parameters are ignored. */
static bool asks_for(const char *args, const char *form)
{
    static const char name[] = "format=";
    const size_t len = strlen(form);
    for (const char *at = args; at != NULL; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, name, sizeof(name) - 1) == 0) {
            const char *value = at + sizeof(name) - 1;
            return strcspn(value, "&") == len && strncmp(value, form, len) == 0;
        }
    }
    return len == 0;
}

/* ---- POST ---- */

/* Does what a form asks for. The page that answers is as it is afterwards. */
static int answer_deed(request_rec *r, bool json)
{
    rl_report_t deed = {.deed = NULL}, report;
    r->status = rl_deed_do(r, &deed);
    r->status_line = NULL;
    if (json) {
        send_report(r, &deed, "application/json", rl_json_write_deed);
        return OK;
    }
    rl_report_gather(r, RL_GATHER_ALL, &report);
    report.deed = deed.deed;
    report.found = deed.found;
    report.nfound = deed.nfound;
    guard_page(r);
    send_report(r, &report, "text/html; charset=utf-8", rl_page_write);
    return OK;
}

static int refuse_form(request_rec *r)
{
    r->status = HTTP_BAD_REQUEST;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    ap_rputs("format= is one of html, json, openmetrics, prometheus, health\n", r);
    return OK;
}

RL_RARELY static int show_status(request_rec *r)
{
    if (strcmp(r->handler, NAME) != 0) {
        return DECLINED;
    }
    ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, M_POST, -1);
    if (r->method_number != M_GET && r->method_number != M_POST) {
        return r->method_number == M_OPTIONS ? DECLINED : HTTP_METHOD_NOT_ALLOWED;
    }
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    if (r->method_number == M_POST) {
        return answer_deed(r, asks_for(r->args, "json"));
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (asks_for(r->args, forms[i].name)) {
            return forms[i].answer(r);
        }
    }
    return refuse_form(r);
}

RL_EACH_REQUEST int rl_status_handler(request_rec *r)
{
    return r->handler != NULL && *r->handler == *NAME ? show_status(r) : DECLINED;
}
