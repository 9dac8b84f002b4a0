/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <string.h>

#include "html.h"
#include "limited.h"

enum { KEY, USED, STATE, OVER, REQUESTS, SEEN, ACTIONS };
static const char *const columns[] = {"Key",       "Used",      "State",   "#Over limit",
                                      "#Requests", "Last seen", "Actions", NULL};
static const char *const columns_without_actions[] = {
    "Key", "Used", "State", "#Over limit", "#Requests", "Last seen", NULL};

unsigned rl_rule_row_number(const rl_report_t *report, const rl_rule_row_t *row)
{
    return row->figures != NULL ? (unsigned)(row->figures - report->all) : 0;
}

static bool has_forms(const rl_key_table_t *table)
{
    return *table->report->token != '\0';
}

/* ---- cells ---- */

/* The name of the key's rule, which leads to it if it is one of the page. */
static void key_rule(rl_output_t *out, const rl_report_t *report, const rl_rule_row_t *rule)
{
    const unsigned number = rl_rule_row_number(report, rule);
    rl_out(out, " <span class=\"of\">of ");
    if (number > 0) {
        rl_out(out, "<a href=\"#r");
        rl_out_number(out, number);
        rl_out(out, "\">");
    }
    rl_out_html(out, rule->name);
    rl_out(out, number > 0 ? "</a> on " : " on ");
    rl_out_html(out, rule->vhost);
    rl_out(out, "</span>");
}

static void key_head(rl_output_t *out, const rl_key_table_t *table, const rl_key_row_t *row)
{
    char value[RL_VALUES_BYTES];
    rl_html_cell_head_begin(out);
    rl_out(out, "<code>");
    rl_out_html(out, row->tag);
    rl_out(out, "</code>");
    if (table->with_rules) {
        key_rule(out, table->report, row->rule);
    }
    for (unsigned i = 0; rl_key_row_value(row, i, value); i++) {
        rl_out(out, "<span class=\"value\">");
        rl_out_html(out, value);
        rl_out(out, "</span>");
    }
    rl_html_cell_head_end(out);
}

static const char *bar_style(rl_key_state_e state)
{
    return state == RL_KEY_LIMITED ? "bad" : state == RL_KEY_OBSERVED ? "warn" : "calm";
}

static void key_used(rl_output_t *out, const rl_key_row_t *row)
{
    rl_html_cell_begin(out, columns[USED]);
    rl_out(out, "<span class=\"used\">");
    rl_html_count(out, row->used);
    rl_out(out, " of ");
    rl_html_count(out, row->limit);
    rl_html_bar(out, row->used, row->limit, bar_style(rl_key_row_state(row)));
    rl_out(out, "</span>");
    rl_html_cell_end(out);
}

static void key_time(rl_output_t *out, const char *before, uint32_t seconds, const char *after)
{
    if (seconds > 0) {
        rl_out(out, "<span class=\"until\">");
        rl_out(out, before);
        rl_html_duration(out, seconds);
        rl_out(out, after);
        rl_out(out, "</span>");
    }
}

static uint32_t seconds_since(const rl_key_table_t *table, uint32_t moment)
{
    return moment < table->report->now_s ? table->report->now_s - moment : 0;
}

static void key_state_cell(rl_output_t *out, const rl_key_table_t *table,
                           const rl_key_row_t *row)
{
    static const char *const badges[] = {
        [RL_KEY_IDLE] = "<span class=\"quiet\">idle</span>",
        [RL_KEY_IN_USE] = "<span class=\"quiet\">in use</span>",
        [RL_KEY_EXEMPT] = "<b class=\"badge good\">exempt</b>",
        [RL_KEY_OBSERVED] = "<b class=\"badge warn\">observed</b>",
        [RL_KEY_LIMITED] = "<b class=\"badge bad\">limited</b>",
    };
    const rl_key_state_e state = rl_key_row_state(row);
    rl_html_cell_begin(out, columns[STATE]);
    rl_out(out, "<span>");
    rl_out(out, badges[state]);
    if (state >= RL_KEY_OBSERVED && row->since_s > 0) {
        key_time(out, "began ", seconds_since(table, row->since_s), " ago");
    }
    key_time(out, "for ", row->exempt_s, "");
    key_time(out, "penalty ends in ", row->penalty_s, "");
    if (state != RL_KEY_IDLE && row->reset_s > row->penalty_s) {
        key_time(out, "resets in ", row->reset_s, "");
    }
    rl_out(out, "</span>");
    rl_html_cell_end(out);
}

static void key_count(rl_output_t *out, const rl_key_row_t *row, int column)
{
    rl_html_cell_begin(out, columns[column]);
    if (row->requests == 0) { /* it is none of those that are counted */
        rl_out(out, "-");
    }
    else {
        rl_html_count(out, column == OVER ? row->denied : row->requests);
    }
    rl_html_cell_end(out);
}

static void key_seen(rl_output_t *out, const rl_key_table_t *table, const rl_key_row_t *row)
{
    rl_html_cell_begin(out, columns[SEEN]);
    if (row->seen_s == 0) {
        rl_out(out, "-");
    }
    else {
        rl_html_duration(out, seconds_since(table, row->seen_s));
        rl_out(out, " ago");
    }
    rl_html_cell_end(out);
}

/* ---- what can be done ---- */

static void key_button(rl_output_t *out, const rl_key_row_t *row, const char *action,
                       const char *text)
{
    rl_out(out, "<button name=\"action\" value=\"");
    rl_out(out, action);
    rl_out(out, "\" aria-label=\"");
    rl_out(out, text);
    rl_out(out, ": key ");
    rl_out_html(out, row->tag);
    rl_out(out, " of ");
    rl_out_html(out, row->rule->name);
    rl_out(out, "\">");
    rl_out(out, text);
    rl_out(out, "</button>");
}

static void key_form(rl_output_t *out, const rl_key_table_t *table, const rl_key_row_t *row)
{
    rl_html_cell_begin(out, columns[ACTIONS]);
    rl_out(out, "<form method=\"post\" class=\"act\">");
    rl_html_hidden(out, "token", table->report->token);
    rl_html_hidden(out, "rule", row->rule->name);
    rl_html_hidden(out, "vhost", row->rule->vhost);
    rl_html_hidden(out, "tag", row->tag);
    rl_html_hidden(out, "for", "1h");
    if (strcmp(row->rule->algorithm, "concurrent") != 0) { /* counts nothing to be cleared */
        key_button(out, row, "clear", "Clear");
        rl_out(out, " ");
    }
    key_button(out, row, "exempt", "Exempt for 1 hour");
    rl_out(out, "</form>");
    rl_html_cell_end(out);
}

/* ---- the table ---- */

void rl_key_table_begin(rl_output_t *out, const rl_key_table_t *table, const char *caption)
{
    rl_out(out, "<div class=\"keys\">");
    rl_html_table_begin(out, caption, has_forms(table) ? columns : columns_without_actions);
}

void rl_key_table_row(rl_output_t *out, const rl_key_table_t *table, const rl_key_row_t *row,
                      size_t place)
{
    rl_out(out, "<tr role=\"row\" id=\"");
    rl_out(out, table->id);
    rl_out_number(out, place);
    rl_out(out, "-");
    rl_out_html(out, row->tag);
    rl_out(out, "\">");
    key_head(out, table, row);
    key_used(out, row);
    key_state_cell(out, table, row);
    key_count(out, row, OVER);
    key_count(out, row, REQUESTS);
    key_seen(out, table, row);
    if (has_forms(table)) {
        key_form(out, table, row);
    }
    rl_out(out, "</tr>\n");
}

void rl_key_table_end(rl_output_t *out, const rl_key_table_t *table)
{
    (void)table;
    rl_html_table_end(out);
    rl_out(out, "</div>\n");
}
