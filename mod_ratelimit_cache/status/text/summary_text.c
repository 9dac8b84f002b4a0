/* SPDX-License-Identifier: Apache-2.0 */
#include "summary_text.h"

#include <string.h>

static size_t count_away(const rl_report_t *report)
{
    size_t away = 0;
    for (size_t i = 0; i < report->nstores; i++) {
        for (size_t j = 0; j < report->stores[i].nservers; j++) {
            away += strcmp(report->stores[i].servers[j].state, "down") == 0;
        }
    }
    return away;
}

static uint64_t count_local(const rl_report_t *report)
{
    uint64_t local = 0;
    for (size_t i = 0; i < report->nstores; i++) {
        local += report->stores[i].local;
    }
    return local;
}

static uint64_t count_checked(const rl_report_t *report)
{
    uint64_t checked = 0;
    for (int i = 0; i < RL_FIGURES_CHECKED; i++) {
        checked += report->requests[i];
    }
    return checked;
}

/* What the summary tells, in both forms. */
typedef struct rl_summary_line {
    const char *word, *text;
    uint64_t number;
} rl_summary_line_t;

#define SUMMARY_LINES 11

static void sum_up(const rl_report_t *report, rl_summary_line_t lines[SUMMARY_LINES])
{
    const rl_summary_line_t all[SUMMARY_LINES] = {
        {"Busy", "Busy", report->busy},
        {"Checked", "Requests checked", count_checked(report)},
        {"Allowed", "allowed", report->requests[RL_FIGURE_ALLOWED]},
        {"Denied", "denied", report->requests[RL_FIGURE_DENIED]},
        {"Observed", "over a limit that is only observed",
         report->requests[RL_FIGURE_OBSERVED]},
        {"Errors", "not counted", report->requests[RL_FIGURE_ERROR]},
        {"TableCells", "Cells of the table", report->table.cells},
        {"TableUsed", "in use", report->table.used},
        {"Evictions", "evicted while in use", report->table.evictions},
        {"StoreServersDown", "memcached servers that don't answer", count_away(report)},
        {"LocalDecisions", "Decisions without memcached", count_local(report)},
    };
    memcpy(lines, all, sizeof(all));
}

void rl_summary_write_short(rl_output_t *out, const rl_report_t *report)
{
    rl_summary_line_t lines[SUMMARY_LINES];
    sum_up(report, lines);
    for (int i = 0; i < SUMMARY_LINES; i++) {
        rl_out(out, "RateLimit");
        rl_out(out, lines[i].word);
        rl_out(out, ": ");
        rl_out_number(out, lines[i].number);
        rl_out(out, "\n");
    }
}

static void summary_rule(rl_output_t *out, const rl_rule_row_t *row)
{
    rl_out(out, "<tr><td>");
    rl_out_html(out, row->name);
    rl_out(out, "</td><td>");
    rl_out_html(out, row->vhost);
    rl_out(out, "</td><td>");
    rl_out_number(out, row->n[RL_FIGURE_ALLOWED]);
    rl_out(out, "</td><td>");
    rl_out_number(out, row->n[RL_FIGURE_DENIED]);
    rl_out(out, "</td><td>");
    rl_out_number(out, row->n[RL_FIGURE_OBSERVED]);
    rl_out(out, "</td></tr>\n");
}

void rl_summary_write_html(rl_output_t *out, const rl_report_t *report)
{
    rl_summary_line_t lines[SUMMARY_LINES];
    sum_up(report, lines);
    rl_out(out, "<hr>\n<h1>Rate limits</h1>\n<dl>\n");
    for (int i = 0; i < SUMMARY_LINES; i++) {
        rl_out(out, "<dt>");
        rl_out(out, lines[i].text);
        rl_out(out, ": ");
        rl_out_number(out, lines[i].number);
        rl_out(out, "</dt>\n");
    }
    rl_out(out, "</dl>\n<table border=\"0\"><tr><th>Rule</th><th>Host</th><th>Allowed</th>"
                "<th>Denied</th><th>Observed</th></tr>\n");
    for (size_t i = 0; i < report->nrules; i++) {
        summary_rule(out, &report->rules[i]);
    }
    rl_out(out, "</table>\n");
}
