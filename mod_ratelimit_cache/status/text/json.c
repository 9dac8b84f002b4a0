/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

/* ---- members ---- */

/* Names are our own, and need no escapes. */
static void json_name(rl_output_t *out, const char *before, const char *name)
{
    rl_out(out, before);
    rl_out(out, "\"");
    rl_out(out, name);
    rl_out(out, "\":");
}

static void json_text(rl_output_t *out, const char *before, const char *name, const char *text)
{
    json_name(out, before, name);
    rl_out_json(out, text);
}

static void json_number(rl_output_t *out, const char *name, uint64_t number)
{
    json_name(out, ",", name);
    rl_out_number(out, number);
}

static void json_seconds(rl_output_t *out, const char *name, int64_t us)
{
    json_name(out, ",", name);
    rl_out_seconds(out, us);
}

/* Writes what separates an element from the one before. */
static void json_next(rl_output_t *out, size_t i)
{
    rl_out(out, i > 0 ? ",\n" : "\n");
}

/* ---- figures ---- */

static void json_series(rl_output_t *out, const char *before, const char *name,
                        const rl_interval_t *of, int n, rl_figure_e figure)
{
    json_name(out, before, name);
    rl_out(out, "[");
    for (int i = 0; i < n; i++) {
        rl_out(out, i > 0 ? "," : "");
        rl_out_number(out, of[i].n[figure]);
    }
    rl_out(out, "]");
}

static void json_history(rl_output_t *out, const char *name, const rl_interval_t *of, int n)
{
    json_name(out, ",", name);
    json_series(out, "{", "allowed", of, n, RL_FIGURE_ALLOWED);
    json_series(out, ",", "denied", of, n, RL_FIGURE_DENIED);
    json_series(out, ",", "observed", of, n, RL_FIGURE_OBSERVED);
    rl_out(out, "}");
}

static void json_histories(rl_output_t *out, const rl_figures_t *figures, uint32_t now_s)
{
    rl_interval_t minutes[RL_MINUTES], hours[RL_HOURS];
    rl_figures_minutes(figures, now_s, minutes);
    rl_figures_hours(figures, now_s, hours);
    json_history(out, "minutes", minutes, RL_MINUTES);
    json_history(out, "hours", hours, RL_HOURS);
}

static void json_requests(rl_output_t *out, const rl_report_t *report)
{
    uint64_t all = 0;
    for (int i = 0; i < RL_FIGURES_CHECKED; i++) {
        all += report->requests[i];
    }
    json_name(out, ",\n", "requests");
    json_name(out, "{", "checked");
    rl_out_number(out, all);
    json_number(out, "allowed", report->requests[RL_FIGURE_ALLOWED]);
    json_number(out, "denied", report->requests[RL_FIGURE_DENIED]);
    json_number(out, "observed", report->requests[RL_FIGURE_OBSERVED]);
    json_number(out, "error", report->requests[RL_FIGURE_ERROR]);
    json_histories(out, report->all, report->now_s);
    rl_out(out, "}");
}

/* ---- rules and keys ---- */

static void json_rule_row(rl_output_t *out, const rl_rule_row_t *row, uint32_t now_s)
{
    json_text(out, "{", "name", row->name);
    json_text(out, ",", "vhost", row->vhost);
    json_text(out, ",", "section", row->section);
    json_text(out, ",", "rate", row->rate);
    json_text(out, ",", "key", row->key);
    json_text(out, ",", "algorithm", row->algorithm);
    json_text(out, ",", "action", row->observe ? "observe" : "deny");
    json_number(out, "checked", rl_rule_row_checked(row));
    json_number(out, "allowed", row->n[RL_FIGURE_ALLOWED]);
    json_number(out, "denied", row->n[RL_FIGURE_DENIED]);
    json_number(out, "observed", row->n[RL_FIGURE_OBSERVED]);
    json_number(out, "other", row->n[RL_FIGURE_OTHER]);
    json_number(out, "error", row->n[RL_FIGURE_ERROR]);
    json_number(out, "refunded", row->n[RL_FIGURE_REFUNDED]);
    json_number(out, "cleared", row->n[RL_FIGURE_CLEARED]);
    json_number(out, "missing", row->n[RL_FIGURE_MISSING]);
    json_number(out, "waiting", row->waiting);
    json_number(out, "in_flight", row->in_flight);
    json_histories(out, row->figures, now_s);
    rl_out(out, "}");
}

static void json_rule_rows(rl_output_t *out, const rl_report_t *report)
{
    json_name(out, ",\n", "rules");
    rl_out(out, "[");
    for (size_t i = 0; i < report->nrules; i++) {
        json_next(out, i);
        json_rule_row(out, &report->rules[i], report->now_s);
    }
    rl_out(out, "]");
}

static void json_values(rl_output_t *out, const rl_key_row_t *row)
{
    char value[RL_VALUES_BYTES];
    json_name(out, ",", "values");
    rl_out(out, "[");
    for (unsigned i = 0; rl_key_row_value(row, i, value); i++) {
        rl_out(out, i > 0 ? "," : "");
        rl_out_json(out, value);
    }
    rl_out(out, "]");
}

static void json_key_row(rl_output_t *out, const rl_key_row_t *row)
{
    json_text(out, "{", "rule", row->rule->name);
    json_text(out, ",", "vhost", row->rule->vhost);
    json_text(out, ",", "section", row->rule->section);
    json_text(out, ",", "tag", row->tag);
    json_number(out, "used", row->used);
    json_number(out, "limit", row->limit);
    json_number(out, "reset", row->reset_s);
    json_number(out, "penalty", row->penalty_s);
    json_number(out, "exempt", row->exempt_s);
    json_number(out, "requests", row->requests);
    json_number(out, "denied", row->denied);
    json_number(out, "seen", row->seen_s);
    json_number(out, "since", row->since_s);
    json_values(out, row);
    rl_out(out, "}");
}

static void json_key_rows(rl_output_t *out, const rl_key_row_t *rows, size_t n)
{
    json_name(out, ",\n", "keys");
    rl_out(out, "[");
    for (size_t i = 0; i < n; i++) {
        json_next(out, i);
        json_key_row(out, &rows[i]);
    }
    rl_out(out, "]");
}

/* ---- stores and the table ---- */

static void json_server(rl_output_t *out, const rl_server_row_t *row)
{
    json_text(out, "{", "name", row->name);
    json_text(out, ",", "state", row->state);
    json_number(out, "round_trips", row->traffic.round_trips);
    json_seconds(out, "seconds", (int64_t)row->traffic.sum_us);
    json_number(out, "errors", row->traffic.errors);
    json_number(out, "outages", row->traffic.outages);
    json_seconds(out, "outage", row->traffic.outage_us);
    json_number(out, "outage_local", row->outage_local);
    json_seconds(out, "last_outage", row->traffic.last_outage_us);
    json_number(out, "last_outage_local", row->last_outage_local);
    json_seconds(out, "all_outages", row->traffic.all_outages_us);
    rl_out(out, "}");
}

/* Returns the longest present outage of a server. */
static int64_t outage_of(const rl_store_row_t *row)
{
    int64_t longest = 0;
    for (size_t i = 0; i < row->nservers; i++) {
        const int64_t us = row->servers[i].traffic.outage_us;
        longest = us > longest ? us : longest;
    }
    return longest;
}

static void json_fellow(rl_output_t *out, const rl_fellow_row_t *row)
{
    bool any = false;
    json_text(out, "{", "host", row->host);
    json_number(out, "seen", row->seen_s);
    json_name(out, ",", "differs");
    rl_out(out, "[");
    for (int i = 0; i < RL_ALIKE_KINDS; i++) {
        if ((row->differs >> i & 1) != 0) {
            rl_out(out, any ? "," : "");
            rl_out_json(out, rl_alike_word((rl_alike_e)i));
            any = true;
        }
    }
    rl_out(out, "]}");
}

static void json_fleet(rl_output_t *out, const rl_store_row_t *row)
{
    json_name(out, ",", "fleet");
    rl_out(out, "[");
    for (size_t i = 0; i < row->nfleet; i++) {
        rl_out(out, i > 0 ? "," : "");
        json_fellow(out, &row->fleet[i]);
    }
    rl_out(out, "]");
}

static void json_store(rl_output_t *out, const rl_store_row_t *row)
{
    json_text(out, "{", "name", row->name);
    json_name(out, ",", "servers");
    rl_out(out, "[");
    for (size_t i = 0; i < row->nservers; i++) {
        rl_out(out, i > 0 ? "," : "");
        json_server(out, &row->servers[i]);
    }
    rl_out(out, "]");
    json_number(out, "local_decisions", row->local);
    json_number(out, "lease_decisions", row->leased);
    json_seconds(out, "outage", outage_of(row));
    json_fleet(out, row);
    rl_out(out, "}");
}

static void json_stores(rl_output_t *out, const rl_report_t *report)
{
    json_name(out, ",\n", "stores");
    rl_out(out, "[");
    for (size_t i = 0; i < report->nstores; i++) {
        json_next(out, i);
        json_store(out, &report->stores[i]);
    }
    rl_out(out, "]");
}

static void json_table(rl_output_t *out, const rl_table_row_t *table)
{
    json_name(out, ",\n", "table");
    json_name(out, "{", "bytes");
    rl_out_number(out, table->bytes);
    json_number(out, "cells", table->cells);
    json_number(out, "used", table->used);
    json_number(out, "expired", table->expired);
    json_number(out, "evictions", table->evictions);
    rl_out(out, "}");
}

/* ---- busy ---- */

static void json_hundredths(rl_output_t *out, const char *before, const char *name,
                            uint32_t hundredths)
{
    json_name(out, before, name);
    rl_out_hundredths(out, hundredths);
}

static void json_measure(rl_output_t *out, const rl_measure_row_t *row)
{
    json_text(out, "{", "name", row->name);
    if (row->known) {
        json_hundredths(out, ",", "value", row->value);
    }
    json_hundredths(out, ",", "high", row->high);
    json_hundredths(out, ",", "low", row->low);
    rl_out(out, "}");
}

static void json_busy(rl_output_t *out, const rl_report_t *report)
{
    json_name(out, ",", "busy");
    rl_out(out, report->busy ? "true" : "false");
    json_number(out, "busy_for", report->busy_s);
    json_name(out, ",", "measures");
    rl_out(out, "[");
    for (size_t i = 0; i < report->nmeasures; i++) {
        rl_out(out, i > 0 ? "," : "");
        json_measure(out, &report->measures[i]);
    }
    rl_out(out, "]");
}

void rl_json_write(rl_output_t *out, const rl_report_t *report)
{
    json_text(out, "{", "version", report->version);
    json_number(out, "time", report->now_s);
    json_busy(out, report);
    json_requests(out, report);
    json_rule_rows(out, report);
    json_key_rows(out, report->keys, report->nkeys);
    json_stores(out, report);
    json_table(out, &report->table);
    json_text(out, ",\n", "token", report->token);
    rl_out(out, "}\n");
}

void rl_json_write_deed(rl_output_t *out, const rl_report_t *report)
{
    json_text(out, "{", "action", report->deed->action);
    json_name(out, ",", "done");
    rl_out(out, report->deed->done ? "true" : "false");
    json_text(out, ",", "text", report->deed->text);
    json_key_rows(out, report->found, report->nfound);
    rl_out(out, "}\n");
}
