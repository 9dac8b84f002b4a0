/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include <apr_time.h>
#include <stdbool.h>

/* Its SHA-256 stands in the policy; t/96-status-formats.t compares them. */
#define STYLE                                                                                  \
    ":root{color-scheme:light dark}"                                                           \
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:75rem;margin:0 auto;padding:0 1rem}"    \
    "h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}"                                 \
    ".scroll{overflow-x:auto}"                                                                 \
    "table{border-collapse:collapse}"                                                          \
    "caption{text-align:left;padding:.3rem 0}"                                                 \
    "th,td{padding:.2rem .7rem .2rem 0;text-align:left;vertical-align:top;"                    \
    "border-bottom:1px solid GrayText}"                                                        \
    ".n{text-align:right;font-variant-numeric:tabular-nums}"

#define STYLE_SHA256 "sha256-aeD+qxykkdgwKCDP72WY/o0ODyoP4X09ZIqVLyS6VhE="

const char *rl_page_policy(void)
{
    return "default-src 'none'; style-src '" STYLE_SHA256
           "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

/* ---- tables ---- */

/* Begins a table; heads are its columns', those that begin with "#" have numbers. */
static void begin_table(rl_output_t *out, const char *caption, const char *const *heads)
{
    rl_out(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    rl_out(out, caption);
    rl_out(out, "\"><table><caption>");
    rl_out(out, caption);
    rl_out(out, "</caption>\n<thead><tr>");
    for (; *heads != NULL; heads++) {
        const int number = **heads == '#';
        rl_out(out, number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        rl_out(out, *heads + number);
        rl_out(out, "</th>");
    }
    rl_out(out, "</tr></thead>\n<tbody>\n");
}

static void end_table(rl_output_t *out)
{
    rl_out(out, "</tbody></table></div>\n");
}

static void cell_head(rl_output_t *out, const char *text)
{
    rl_out(out, "<tr><th scope=\"row\">");
    rl_out_html(out, text);
    rl_out(out, "</th>");
}

static void cell_text(rl_output_t *out, const char *text)
{
    rl_out(out, "<td>");
    rl_out_html(out, text);
    rl_out(out, "</td>");
}

static void cell_number(rl_output_t *out, uint64_t number)
{
    rl_out(out, "<td class=\"n\">");
    rl_out_number(out, number);
    rl_out(out, "</td>");
}

static void cell_seconds(rl_output_t *out, int64_t us)
{
    rl_out(out, "<td class=\"n\">");
    rl_out_seconds(out, us);
    rl_out(out, "</td>");
}

static void end_row(rl_output_t *out)
{
    rl_out(out, "</tr>\n");
}

static void page_digits(rl_output_t *out, int number)
{
    rl_out(out, number < 10 ? "0" : "");
    rl_out_number(out, (uint64_t)number);
}

/* Writes "2026-11-26 09:41:07". */
static void out_time(rl_output_t *out, uint32_t seconds)
{
    apr_time_exp_t at;
    apr_time_exp_gmt(&at, apr_time_from_sec((apr_time_t)seconds));
    rl_out_number(out, (uint64_t)at.tm_year + 1900);
    rl_out(out, "-");
    page_digits(out, at.tm_mon + 1);
    rl_out(out, "-");
    page_digits(out, at.tm_mday);
    rl_out(out, " ");
    page_digits(out, at.tm_hour);
    rl_out(out, ":");
    page_digits(out, at.tm_min);
    rl_out(out, ":");
    page_digits(out, at.tm_sec);
}

/* ---- what is being limited ---- */

static void page_now(rl_output_t *out, const rl_report_t *report)
{
    static const char *const heads[] = {"Rule",    "Host",      "Section",
                                        "#Denied", "#Observed", NULL};
    bool any = false;
    rl_out(out, "<h2 id=\"now\">Limited now</h2>\n");
    for (size_t i = 0; i < report->nrules; i++) {
        const rl_rule_row_t *row = &report->rules[i];
        if (row->recent.n[RL_FIGURE_DENIED] + row->recent.n[RL_FIGURE_OBSERVED] == 0) {
            continue;
        }
        if (!any) {
            begin_table(out, "Over a limit in the last five minutes", heads);
        }
        any = true;
        cell_head(out, row->name);
        cell_text(out, row->vhost);
        cell_text(out, row->section);
        cell_number(out, row->recent.n[RL_FIGURE_DENIED]);
        cell_number(out, row->recent.n[RL_FIGURE_OBSERVED]);
        end_row(out);
    }
    if (any) {
        end_table(out);
    }
    else {
        rl_out(out, "<p>No request was over a limit in the last five minutes.</p>\n");
    }
}

/* ---- traffic ---- */

static void page_interval(rl_output_t *out, uint32_t begin, const rl_interval_t *of, int n)
{
    rl_interval_t sum = {.n = {0}};
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < RL_FIGURES_IN_TIME; j++) {
            sum.n[j] += of[i].n[j];
        }
    }
    rl_out(out, "<tr><th scope=\"row\">");
    out_time(out, begin);
    rl_out(out, "</th>");
    for (int j = 0; j < RL_FIGURES_IN_TIME; j++) {
        cell_number(out, sum.n[j]);
    }
    end_row(out);
}

#define STEP_MINUTES 5

static void page_traffic(rl_output_t *out, const rl_report_t *report)
{
    static const char *const heads[] = {"From (UTC)", "#Allowed", "#Denied", "#Observed", NULL};
    const uint32_t minute = report->now_s / 60, hour = report->now_s / 3600;
    rl_interval_t minutes[RL_MINUTES], hours[RL_HOURS];
    rl_figures_minutes(report->all, report->now_s, minutes);
    rl_figures_hours(report->all, report->now_s, hours);
    rl_out(out, "<h2 id=\"traffic\">Requests</h2>\n");
    begin_table(out, "The last hour, in steps of five minutes", heads);
    for (int i = RL_MINUTES - STEP_MINUTES; i >= 0; i -= STEP_MINUTES) {
        page_interval(out, (minute - (RL_MINUTES - 1) + (uint32_t)i) * 60, &minutes[i],
                      STEP_MINUTES);
    }
    end_table(out);
    begin_table(out, "The last day, by hours", heads);
    for (int i = RL_HOURS - 1; i >= 0; i--) {
        page_interval(out, (hour - (RL_HOURS - 1) + (uint32_t)i) * 3600, &hours[i], 1);
    }
    end_table(out);
}

/* ---- rules and keys ---- */

static void page_rule(rl_output_t *out, const rl_rule_row_t *row)
{
    cell_head(out, row->name);
    cell_text(out, row->vhost);
    cell_text(out, row->section);
    cell_text(out, row->rate);
    cell_text(out, row->key);
    cell_text(out, row->algorithm);
    cell_text(out, row->observe ? "observe" : "deny");
    cell_number(out, rl_rule_row_checked(row));
    for (int i = 0; i < RL_FIGURES; i++) {
        cell_number(out, row->n[i]);
    }
    end_row(out);
}

static void page_rules(rl_output_t *out, const rl_report_t *report)
{
    static const char *const heads[] = {"Rule",
                                        "Host",
                                        "Section",
                                        "Rate",
                                        "Key",
                                        "Algorithm",
                                        "Action",
                                        "#Checked",
                                        "#Allowed",
                                        "#Denied",
                                        "#Observed",
                                        "#Denied by another rule",
                                        "#Not counted",
                                        "#Given back",
                                        "#Cleared",
                                        "#Without a value",
                                        NULL};
    rl_out(out, "<h2 id=\"rules\">Rules</h2>\n");
    begin_table(out, "Requests that each rule was checked for, since httpd was started", heads);
    for (size_t i = 0; i < report->nrules; i++) {
        page_rule(out, &report->rules[i]);
    }
    end_table(out);
}

static void page_key(rl_output_t *out, const rl_key_row_t *row)
{
    char value[RL_VALUES_BYTES];
    cell_head(out, row->tag);
    cell_text(out, row->rule->name);
    cell_text(out, row->rule->vhost);
    cell_number(out, row->used);
    cell_number(out, row->limit);
    cell_number(out, row->reset_s);
    cell_number(out, row->penalty_s);
    cell_number(out, row->requests);
    cell_number(out, row->denied);
    rl_out(out, "<td>");
    out_time(out, row->seen_s);
    rl_out(out, "</td><td>");
    for (unsigned i = 0; rl_key_row_value(row, i, value); i++) {
        rl_out(out, i > 0 ? "<br>" : "");
        rl_out_html(out, value);
    }
    rl_out(out, "</td>");
    end_row(out);
}

static void page_keys(rl_output_t *out, const rl_report_t *report)
{
    static const char *const heads[] = {
        "Key",       "Rule",        "Host",      "#Used",           "#Limit",
        "#Reset, s", "#Penalty, s", "#Requests", "#Over the limit", "Last seen (UTC)",
        "Values",    NULL};
    rl_out(out, "<h2 id=\"keys\">Keys</h2>\n");
    begin_table(out, "Keys of each rule that were most over the limit, and the busiest", heads);
    for (size_t i = 0; i < report->nkeys; i++) {
        page_key(out, &report->keys[i]);
    }
    end_table(out);
}

/* ---- stores and the table ---- */

static void page_server(rl_output_t *out, const rl_server_row_t *row)
{
    cell_head(out, row->name);
    cell_text(out, row->state);
    cell_number(out, row->traffic.round_trips);
    cell_seconds(out, row->traffic.round_trips > 0
                          ? (int64_t)(row->traffic.sum_us / row->traffic.round_trips)
                          : 0);
    cell_number(out, row->traffic.errors);
    cell_number(out, row->traffic.outages);
    cell_seconds(out, row->traffic.outage_us);
    cell_seconds(out, row->traffic.last_outage_us);
    end_row(out);
}

static void page_store(rl_output_t *out, const rl_store_row_t *row)
{
    static const char *const heads[] = {"Server",         "State",           "#Round trips",
                                        "#Mean, s",       "#Errors",         "#Outages",
                                        "#Down since, s", "#Last outage, s", NULL};
    rl_out(out, "<h3>");
    rl_out_html(out, row->name);
    rl_out(out, "</h3>\n");
    if (row->nservers == 0) {
        rl_out(out, "<p>Counters in this server's shared memory.</p>\n");
        return;
    }
    rl_out(out, "<p>Decisions without the store: ");
    rl_out_number(out, row->local);
    rl_out(out, ". By leases, without a round trip: ");
    rl_out_number(out, row->leased);
    rl_out(out, ".</p>\n");
    begin_table(out, "memcached servers", heads);
    for (size_t i = 0; i < row->nservers; i++) {
        page_server(out, &row->servers[i]);
    }
    end_table(out);
}

static void page_stores(rl_output_t *out, const rl_report_t *report)
{
    const rl_table_row_t *table = &report->table;
    static const char *const heads[] = {"Bytes",    "#Cells",     "#In use",
                                        "#Expired", "#Evictions", NULL};
    rl_out(out, "<h2 id=\"stores\">Stores</h2>\n");
    for (size_t i = 0; i < report->nstores; i++) {
        page_store(out, &report->stores[i]);
    }
    rl_out(out, "<h2 id=\"table\">Table</h2>\n");
    begin_table(out, "The table of counters in shared memory", heads);
    rl_out(out, "<tr><th scope=\"row\">");
    rl_out_number(out, table->bytes);
    rl_out(out, "</th>");
    cell_number(out, table->cells);
    cell_number(out, table->used);
    cell_number(out, table->expired);
    cell_number(out, table->evictions);
    end_row(out);
    end_table(out);
}

void rl_page_write(rl_output_t *out, const rl_report_t *report)
{
    rl_out(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n"
                "<title>Rate limits</title>\n<style>" STYLE "</style></head>\n<body>\n"
                "<main>\n<h1>Rate limits</h1>\n<p>");
    out_time(out, report->now_s);
    rl_out(out, " UTC, mod_ratelimit_cache ");
    rl_out_html(out, report->version);
    rl_out(out, ". Also as <a href=\"?format=json\">JSON</a>, "
                "<a href=\"?format=openmetrics\">OpenMetrics</a>, "
                "<a href=\"?format=prometheus\">Prometheus</a>, "
                "<a href=\"?format=health\">health</a>.</p>\n");
    page_now(out, report);
    page_traffic(out, report);
    page_rules(out, report);
    page_keys(out, report);
    page_stores(out, report);
    rl_out(out, "</main>\n</body>\n</html>\n");
}
