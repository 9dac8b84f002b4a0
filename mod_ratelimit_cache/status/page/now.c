/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"
#include "keys.h"
#include "limited.h"
#include "regions.h"

#define KEYS_TOLD  10
#define RULES_TOLD 10

/* ---- the most important numbers ---- */

static rl_interval_t recent_of_all(const rl_report_t *report)
{
    rl_interval_t minutes[RL_MINUTES], sum = {.n = {0}};
    rl_figures_minutes(report->all, report->now_s, minutes);
    for (int i = RL_MINUTES - 5; i < RL_MINUTES; i++) {
        for (int j = 0; j < RL_FIGURES_IN_TIME; j++) {
            sum.n[j] += minutes[i].n[j];
        }
    }
    return sum;
}

static void tile_begin(rl_output_t *out, const char *style, const char *name)
{
    rl_out(out, "<div class=\"tile ");
    rl_out(out, style);
    rl_out(out, "\"><dt>");
    rl_out(out, name);
    rl_out(out, "</dt><dd><b>");
}

static void tile_more(rl_output_t *out)
{
    rl_out(out, "</b> <span>");
}

static void tile_end(rl_output_t *out)
{
    rl_out(out, "</span></dd></div>\n");
}

static void tile_keys(rl_output_t *out, const rl_limited_t *limited)
{
    tile_begin(out, limited->keys > 0 ? "bad" : "good", "Keys limited");
    rl_html_count(out, limited->keys);
    rl_out(out, limited->or_more ? "+" : "");
    tile_more(out);
    if (limited->observed > 0) {
        rl_out(out, "and ");
        rl_html_count(out, limited->observed);
        rl_out(out, " only observed");
    }
    tile_end(out);
}

static void tiles_requests(rl_output_t *out, const rl_report_t *report)
{
    const rl_interval_t recent = recent_of_all(report);
    uint64_t all = 0;
    for (int j = 0; j < RL_FIGURES_IN_TIME; j++) {
        all += recent.n[j];
    }
    tile_begin(out, recent.n[RL_FIGURE_DENIED] > 0 ? "bad" : "good", "Denied in 5 minutes");
    rl_html_count(out, recent.n[RL_FIGURE_DENIED]);
    tile_more(out);
    rl_html_share(out, recent.n[RL_FIGURE_DENIED], all);
    rl_out(out, " of ");
    rl_html_counted(out, all, "request");
    tile_end(out);
    tile_begin(out, "calm", "Allowed in 5 minutes");
    rl_html_count(out, recent.n[RL_FIGURE_ALLOWED]);
    tile_more(out);
    if (recent.n[RL_FIGURE_OBSERVED] > 0) {
        rl_out(out, "and ");
        rl_html_count(out, recent.n[RL_FIGURE_OBSERVED]);
        rl_out(out, " observed");
    }
    tile_end(out);
}

static void tile_store(rl_output_t *out, const rl_report_t *report)
{
    uint64_t servers = 0, down = 0;
    for (size_t i = 0; i < report->nstores; i++) {
        for (size_t j = 0; j < report->stores[i].nservers; j++) {
            servers++;
            down += report->stores[i].servers[j].state[0] == 'd';
        }
    }
    if (servers == 0) {
        return;
    }
    tile_begin(out, down > 0 ? "bad" : "good", "memcached servers");
    rl_html_count(out, servers - down);
    rl_out(out, " of ");
    rl_html_count(out, servers);
    tile_more(out);
    rl_out(out, down > 0 ? "the others don't answer" : "none is away");
    tile_end(out);
}

static void tile_table(rl_output_t *out, const rl_table_row_t *table)
{
    tile_begin(out, table->evictions > 0 ? "warn" : "calm", "Table in use");
    rl_html_share(out, table->used, table->cells);
    tile_more(out);
    rl_html_counted(out, table->evictions, "eviction");
    tile_end(out);
}

/* RateLimitBusy. */
static void tile_busy(rl_output_t *out, const rl_report_t *report)
{
    if (report->nmeasures == 0) {
        return;
    }
    tile_begin(out, report->busy ? "warn" : "good", "Server");
    rl_out(out, report->busy ? "busy" : "not busy");
    tile_more(out);
    rl_out_html(out, report->busy_text);
    if (report->busy) {
        rl_out(out, ", for ");
        rl_html_duration(out, report->busy_s);
    }
    tile_end(out);
}

/* ---- keys and rules over a limit ---- */

static bool key_is_over(const rl_key_row_t *row)
{
    return rl_key_row_state(row) >= RL_KEY_OBSERVED;
}

/* Those that only observe come after the others. */
static uint64_t key_rank(const rl_key_row_t *row)
{
    return row->denied + ((uint64_t)!row->rule->observe << 32);
}

/* Returns the key that comes after `last` by how often it was over its limit, or NULL; the
 * first of all if last is NULL. */
static const rl_key_row_t *next_key(const rl_report_t *report, const rl_key_row_t *last)
{
    const rl_key_row_t *best = NULL;
    for (size_t i = 0; i < report->nkeys; i++) {
        const rl_key_row_t *row = &report->keys[i];
        const bool comes_after = last == NULL || key_rank(row) < key_rank(last) ||
                                 (key_rank(row) == key_rank(last) && row > last);
        if (key_is_over(row) && comes_after &&
            (best == NULL || key_rank(row) > key_rank(best))) {
            best = row;
        }
    }
    return best;
}

static void now_keys(rl_output_t *out, const rl_report_t *report, const rl_limited_t *limited)
{
    const rl_key_table_t table = {.report = report, .id = "now-", .with_rules = true};
    const rl_key_row_t *row = next_key(report, NULL);
    if (row == NULL) {
        return;
    }
    rl_key_table_begin(out, &table, "Keys over their limits now");
    for (int i = 0; i < KEYS_TOLD && row != NULL; i++) {
        rl_key_table_row(out, &table, row, rl_rule_row_number(report, row->rule));
        row = next_key(report, row);
    }
    rl_key_table_end(out, &table);
    if (row != NULL) {
        rl_out(out, "<p class=\"quiet\">These are the ten that were denied most, of ");
        rl_html_count(out, limited->keys + limited->observed);
        rl_out(out, limited->or_more ? " or more" : "");
        rl_out(out, ". The others stand with their rules.</p>\n");
    }
}

/* As next_key(), by what the rules had over their limits of late. */
static const rl_rule_row_t *next_rule(const rl_report_t *report, const rl_rule_row_t *last)
{
    const rl_rule_row_t *best = NULL;
    for (size_t i = 0; i < report->nrules; i++) {
        const rl_rule_row_t *row = &report->rules[i];
        const uint64_t over = rl_rule_row_over(row);
        const bool comes_after = last == NULL || over < rl_rule_row_over(last) ||
                                 (over == rl_rule_row_over(last) && row > last);
        if (over > 0 && comes_after && (best == NULL || over > rl_rule_row_over(best))) {
            best = row;
        }
    }
    return best;
}

static void now_rule(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *row,
                     const char *const *columns)
{
    rl_out(out, "<tr role=\"row\" id=\"over-");
    rl_out_number(out, rl_rule_row_number(report, row));
    rl_out(out, "\">");
    rl_html_cell_head_begin(out);
    rl_out(out, "<a href=\"#r");
    rl_out_number(out, rl_rule_row_number(report, row));
    rl_out(out, "\">");
    rl_out_html(out, row->name);
    rl_out(out, "</a> <span class=\"of\">on ");
    rl_out_html(out, row->vhost);
    rl_out(out, "</span>");
    rl_html_cell_head_end(out);
    rl_html_cell_count(out, columns[1], row->recent.n[RL_FIGURE_ALLOWED]);
    rl_html_cell_count(out, columns[2], row->recent.n[RL_FIGURE_DENIED]);
    rl_html_cell_count(out, columns[3], row->recent.n[RL_FIGURE_OBSERVED]);
    rl_out(out, "</tr>\n");
}

static void now_rules(rl_output_t *out, const rl_report_t *report)
{
    static const char *const columns[] = {"Rule", "#Allowed", "#Denied", "#Observed", NULL};
    const rl_rule_row_t *row = next_rule(report, NULL);
    if (row == NULL) {
        rl_out(out, "<p>No request was over a limit in the last five minutes.</p>\n");
        return;
    }
    rl_html_table_begin(out, "Rules over a limit in the last five minutes", columns);
    for (int i = 0; i < RULES_TOLD && row != NULL; i++) {
        now_rule(out, report, row, columns);
        row = next_rule(report, row);
    }
    rl_html_table_end(out);
    if (row != NULL) {
        rl_out(out, "<p class=\"quiet\">These are the ten that had most.</p>\n");
    }
}

void rl_region_now(rl_output_t *out, const rl_report_t *report)
{
    const rl_limited_t limited = rl_limited_count(report);
    rl_out(out, "<section id=\"now\" tabindex=\"-1\" aria-labelledby=\"now-h\">\n"
                "<h2 id=\"now-h\">Limited now</h2>\n<dl class=\"tiles\">\n");
    tile_keys(out, &limited);
    tiles_requests(out, report);
    tile_store(out, report);
    tile_busy(out, report);
    tile_table(out, &report->table);
    rl_out(out, "</dl>\n");
    now_keys(out, report, &limited);
    now_rules(out, report);
    rl_out(out, "</section>\n");
}
