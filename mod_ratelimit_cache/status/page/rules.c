/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../core/number.h"
#include "find.h"
#include "html.h"
#include "keys.h"
#include "limited.h"
#include "plot.h"
#include "regions.h"

/* Keys of a rule lie side by side in the report. */
typedef struct rl_rule_keys {
    const rl_key_row_t *first;
    size_t n, shown, limited;
} rl_rule_keys_t;

/* Which rules come first when not all can be shown. */
typedef enum { RULE_HOT, RULE_USED, RULE_UNUSED, RULE_RANKS } rl_rule_rank_e;

/* How much may still be shown, so that the page is bounded. */
typedef struct rl_rule_budget {
    size_t rules[RULE_RANKS];
    size_t each; /* keys of a rule */
    size_t keys; /* of all rules */
} rl_rule_budget_t;

/* ---- what it is ---- */

static void rule_id(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *row,
                    const char *what)
{
    rl_out(out, "r");
    rl_out_number(out, rl_rule_row_number(report, row));
    rl_out(out, what);
}

static void rule_head(rl_output_t *out, const rl_rule_row_t *row)
{
    rl_out(out, "<h3>");
    rl_out_html(out, row->name);
    rl_out(out, " <span class=\"of\">on ");
    rl_out_html(out, row->vhost);
    rl_out(out, "</span>");
    rl_out(out, row->observe ? " <b class=\"badge warn\">only observes</b>" : "");
    rl_out(out, "</h3>\n");
}

/* Requests that hold slots at this moment, of a rule of COUNT/concurrent. */
static void rule_at_once(rl_output_t *out, const rl_rule_row_t *row)
{
    rl_out(out, "<p class=\"what\"><b>");
    rl_html_count(out, row->in_flight);
    rl_out(out, "</b> in flight, <b>");
    rl_html_count(out, row->waiting);
    rl_out(out, "</b> waiting</p>\n");
}

static void rule_limit(rl_output_t *out, const rl_rule_row_t *row)
{
    const bool concurrent = strcmp(row->algorithm, "concurrent") == 0;
    if (*row->rate == '\0') {
        rl_out(out, "<p class=\"what\">All rules of .htaccess files together</p>\n");
        return;
    }
    rl_out(out, "<p class=\"what\"><b>");
    rl_out_html(out, row->rate);
    rl_out(out, "</b> for each <code>");
    rl_out_html(out, row->key);
    rl_out(out, "</code>");
    if (!concurrent) {
        rl_out(out, ", ");
        rl_out_html(out, row->algorithm);
    }
    rl_out(out, "</p>\n<p class=\"where\"><code>");
    rl_out_html(out, row->section);
    rl_out(out, "</code></p>\n");
    if (concurrent) {
        rule_at_once(out, row);
    }
}

/* ---- figures ---- */

static void rule_figure(rl_output_t *out, const rl_rule_row_t *row, rl_figure_e figure,
                        const char *name, const char *style)
{
    rl_out(out, "<div class=\"");
    rl_out(out, style);
    rl_out(out, row->n[figure] == 0 ? " none" : "");
    rl_out(out, "\"><dt>");
    rl_out(out, name);
    rl_out(out, "</dt><dd><b>");
    rl_html_count(out, row->n[figure]);
    rl_out(out, "</b> <span>");
    rl_html_count(out, row->recent.n[figure]);
    rl_out(out, " in 5 min</span></dd></div>\n");
}

static void rule_figures(rl_output_t *out, const rl_rule_row_t *row)
{
    rl_out(out, "<dl class=\"figures\">\n");
    rule_figure(out, row, RL_FIGURE_ALLOWED, "Allowed", "allowed");
    rule_figure(out, row, RL_FIGURE_DENIED, "Denied", "denied");
    rule_figure(out, row, RL_FIGURE_OBSERVED, "Observed", "observed");
    rl_out(out, "</dl>\n");
}

static void rule_more(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *row)
{
    rl_out(out, "<details id=\"");
    rule_id(out, report, row, "-more\"><summary>All figures</summary>\n<dl class=\"more\">\n");
    rl_html_figure(out, "Checked", rl_rule_row_checked(row));
    rl_html_figure(out, "Denied by another rule", row->n[RL_FIGURE_OTHER]);
    rl_html_figure(out, "Not counted, for an error", row->n[RL_FIGURE_ERROR]);
    rl_html_figure(out, "Given back", row->n[RL_FIGURE_REFUNDED]);
    rl_html_figure(out, "Cleared", row->n[RL_FIGURE_CLEARED]);
    rl_html_figure(out, "Without a value", row->n[RL_FIGURE_MISSING]);
    rl_out(out, "</dl></details>\n");
}

static void rule_spark(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *row)
{
    rl_interval_t minutes[RL_MINUTES];
    char id[1 + RL_DIGITS_MAX + 1] = {0};
    char *number = rl_number_write(id + sizeof(id) - 1, rl_rule_row_number(report, row));
    const rl_series_t series = {.id = number - 1,
                                .title = "Requests of the last hour",
                                .step = "minute",
                                .of = minutes,
                                .n = RL_MINUTES,
                                .begin_s = (report->now_s / 60 - (RL_MINUTES - 1)) * 60,
                                .step_s = 60};
    number[-1] = 's';
    rl_figures_minutes(row->figures, report->now_s, minutes);
    rl_plot_write_small(out, &series);
}

/* ---- keys ---- */

static rl_rule_keys_t rule_keys_of(const rl_report_t *report, const rl_rule_row_t *row,
                                   size_t *at)
{
    rl_rule_keys_t keys = {.first = &report->keys[*at]};
    while (*at < report->nkeys && report->keys[*at].rule == row) {
        keys.limited += rl_key_row_state(&report->keys[*at]) >= RL_KEY_OBSERVED;
        keys.n++;
        (*at)++;
    }
    return keys;
}

static void rule_keys_summary(rl_output_t *out, const rl_rule_keys_t *keys)
{
    rl_out(out, "<summary>");
    rl_html_counted(out, keys->n, "key");
    if (keys->limited > 0) {
        rl_out(out, ", <b>");
        rl_html_count(out, keys->limited);
        rl_out(out, " over the limit</b>");
    }
    rl_out(out, "</summary>\n");
}

static void rule_keys(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *row,
                      const rl_rule_keys_t *keys)
{
    const rl_key_table_t table = {.report = report, .id = "k", .with_rules = false};
    if (keys->n == 0) {
        return;
    }
    rl_out(out, "<details id=\"");
    rule_id(out, report, row, "-keys\">");
    rule_keys_summary(out, keys);
    rl_key_table_begin(out, &table, "Most over the limit, and the busiest");
    for (size_t i = 0; i < keys->shown; i++) {
        rl_key_table_row(out, &table, &keys->first[i], rl_rule_row_number(report, row));
    }
    rl_key_table_end(out, &table);
    if (keys->shown < keys->n) {
        rl_out(out, "<p class=\"quiet\">");
        rl_html_count(out, keys->n - keys->shown);
        rl_out(out, " more: see <a href=\"?format=json\">JSON</a>.</p>\n");
    }
    rl_out(out, "</details>\n");
}

/* ---- all of them ---- */

static rl_rule_rank_e rank_of(const rl_rule_row_t *row)
{
    return rl_rule_row_over(row) > 0      ? RULE_HOT
           : rl_figures_any(row->figures) ? RULE_USED
                                          : RULE_UNUSED;
}

static rl_rule_budget_t budget_for(const rl_report_t *report)
{
    rl_rule_budget_t budget = {.each = report->nkeys, .keys = RL_PAGE_KEYS};
    size_t left = RL_PAGE_RULES, with_keys = 0;
    for (size_t i = 0; i < report->nrules; i++) {
        budget.rules[rank_of(&report->rules[i])]++;
    }
    for (int rank = 0; rank < RULE_RANKS; rank++) {
        budget.rules[rank] = budget.rules[rank] < left ? budget.rules[rank] : left;
        left -= budget.rules[rank];
    }
    for (size_t i = 0; i < report->nkeys; i++) {
        with_keys += i == 0 || report->keys[i].rule != report->keys[i - 1].rule;
    }
    if (report->nkeys > RL_PAGE_KEYS) {
        budget.each = with_keys < RL_PAGE_KEYS ? RL_PAGE_KEYS / with_keys : 1;
    }
    return budget;
}

static bool take_rule(rl_rule_budget_t *budget, rl_rule_rank_e rank)
{
    if (budget->rules[rank] == 0) {
        return false;
    }
    budget->rules[rank]--;
    return true;
}

static void take_keys(rl_rule_budget_t *budget, rl_rule_keys_t *keys)
{
    keys->shown = keys->n < budget->each ? keys->n : budget->each;
    keys->shown = keys->shown < budget->keys ? keys->shown : budget->keys;
    budget->keys -= keys->shown;
}

static void list_rule(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *row,
                      const rl_rule_keys_t *keys)
{
    rl_out(out, "<li id=\"");
    rule_id(out, report, row,
            row->recent.n[RL_FIGURE_DENIED] > 0 ? "\" class=\"denying\">"
            : rank_of(row) == RULE_HOT          ? "\" class=\"over\">"
                                                : "\">");
    rl_out(out, "<article>\n<div class=\"name\">");
    rule_head(out, row);
    rule_limit(out, row);
    rl_out(out, "</div>\n");
    rule_spark(out, report, row);
    rule_figures(out, row);
    rl_out(out, "<div class=\"fold\">\n");
    rule_keys(out, report, row, keys);
    rule_more(out, report, row);
    rl_find_form(out, report, row);
    rl_out(out, "</div></article></li>\n");
}

/* Lists rules in the order of the configuration: those without a request, or the others. */
static void list_rules(rl_output_t *out, const rl_report_t *report, rl_rule_budget_t *budget,
                       bool unused)
{
    size_t at = 0;
    rl_out(out, "<ul class=\"rules\">\n");
    for (size_t i = 0; i < report->nrules; i++) {
        const rl_rule_row_t *row = &report->rules[i];
        const rl_rule_rank_e rank = rank_of(row);
        rl_rule_keys_t keys = rule_keys_of(report, row, &at);
        if ((rank == RULE_UNUSED) == unused && take_rule(budget, rank)) {
            take_keys(budget, &keys);
            list_rule(out, report, row, &keys);
        }
    }
    rl_out(out, "</ul>\n");
}

static void list_unused_rules(rl_output_t *out, const rl_report_t *report,
                              rl_rule_budget_t *budget, bool open)
{
    if (budget->rules[RULE_UNUSED] == 0) {
        return;
    }
    rl_out(out, "<details id=\"unused\"");
    rl_out(out, open ? " open><summary>" : "><summary>");
    rl_html_counted(out, budget->rules[RULE_UNUSED], "rule");
    rl_out(out, " without a request</summary>\n");
    list_rules(out, report, budget, true);
    rl_out(out, "</details>\n");
}

static void rules_left_out(rl_output_t *out, const rl_report_t *report)
{
    if (report->nrules <= RL_PAGE_RULES) {
        return;
    }
    rl_out(out, "<p>These are ");
    rl_html_count(out, RL_PAGE_RULES);
    rl_out(out, " of ");
    rl_html_counted(out, report->nrules, "rule");
    rl_out(out, ", those that were over a limit of late before others. "
                "<a href=\"?format=json\">JSON</a> has all.</p>\n");
    rl_find_form_any(out, report);
}

void rl_region_rules(rl_output_t *out, const rl_report_t *report)
{
    rl_rule_budget_t budget = budget_for(report);
    const bool any_used = budget.rules[RULE_HOT] + budget.rules[RULE_USED] > 0;
    rl_out(out, "<section id=\"rules\" tabindex=\"-1\" aria-labelledby=\"rules-h\">\n"
                "<h2 id=\"rules-h\">Rules</h2>\n"
                "<p class=\"quiet\">Requests since httpd was started.</p>\n");
    if (any_used) {
        list_rules(out, report, &budget, false);
    }
    list_unused_rules(out, report, &budget, !any_used);
    rules_left_out(out, report);
    rl_out(out, "</section>\n");
}
