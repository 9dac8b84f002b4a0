/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "httpd_ratelimit_"

typedef struct rl_metrics {
    rl_output_t *out;
    const rl_report_t *report;
    rl_metrics_e form;
} rl_metrics_t;

const char *rl_metrics_type(rl_metrics_e form)
{
    return form == RL_METRICS_OPEN
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- families ---- */

/* In OpenMetrics a family of counters, or of info, is named without the suffix of its samples.
 */
static void metrics_head(const rl_metrics_t *metrics, const char *what, const char *name,
                         const char *suffix, const char *text)
{
    rl_out(metrics->out, "# ");
    rl_out(metrics->out, what);
    rl_out(metrics->out, " " PREFIX);
    rl_out(metrics->out, name);
    rl_out(metrics->out, metrics->form == RL_METRICS_OPEN ? "" : suffix);
    rl_out(metrics->out, " ");
    rl_out(metrics->out, text);
    rl_out(metrics->out, "\n");
}

static void begin_counter(const rl_metrics_t *metrics, const char *name, const char *help)
{
    metrics_head(metrics, "HELP", name, "_total", help);
    metrics_head(metrics, "TYPE", name, "_total", "counter");
}

static void begin_gauge(const rl_metrics_t *metrics, const char *name, const char *help)
{
    metrics_head(metrics, "HELP", name, "", help);
    metrics_head(metrics, "TYPE", name, "", "gauge");
}

/* ---- samples ---- */

static void metrics_sample(const rl_metrics_t *metrics, const char *name)
{
    rl_out(metrics->out, PREFIX);
    rl_out(metrics->out, name);
}

static void metrics_label(const rl_metrics_t *metrics, const char *before, const char *name,
                          const char *value)
{
    rl_out(metrics->out, before);
    rl_out(metrics->out, name);
    rl_out(metrics->out, "=");
    rl_out_label(metrics->out, value);
}

static void metrics_value(const rl_metrics_t *metrics, const char *before, uint64_t value)
{
    rl_out(metrics->out, before);
    rl_out(metrics->out, " ");
    rl_out_number(metrics->out, value);
    rl_out(metrics->out, "\n");
}

static void metrics_of_rule(const rl_metrics_t *metrics, const char *name,
                            const rl_rule_row_t *row)
{
    metrics_sample(metrics, name);
    metrics_label(metrics, "{", "rule", row->name);
    metrics_label(metrics, ",", "vhost", row->vhost);
}

/* ---- rules ---- */

static const char *const outcomes[RL_FIGURES_CHECKED] = {
    [RL_FIGURE_ALLOWED] = "allowed",   [RL_FIGURE_DENIED] = "denied",
    [RL_FIGURE_OBSERVED] = "observed", [RL_FIGURE_OTHER] = "other",
    [RL_FIGURE_ERROR] = "error",
};

static void write_requests(const rl_metrics_t *metrics)
{
    begin_counter(metrics, "requests",
                  "Requests that a rule was checked for, by what became of them.");
    for (size_t i = 0; i < metrics->report->nrules; i++) {
        for (int outcome = 0; outcome < RL_FIGURES_CHECKED; outcome++) {
            metrics_of_rule(metrics, "requests_total", &metrics->report->rules[i]);
            metrics_label(metrics, ",", "outcome", outcomes[outcome]);
            metrics_value(metrics, "}", metrics->report->rules[i].n[outcome]);
        }
    }
}

static void write_figure(const rl_metrics_t *metrics, const char *family, const char *sample,
                         rl_figure_e figure, const char *help)
{
    begin_counter(metrics, family, help);
    for (size_t i = 0; i < metrics->report->nrules; i++) {
        metrics_of_rule(metrics, sample, &metrics->report->rules[i]);
        metrics_value(metrics, "}", metrics->report->rules[i].n[figure]);
    }
}

static bool counts_at_once(const rl_rule_row_t *row)
{
    return strcmp(row->algorithm, "concurrent") == 0;
}

static void write_at_once(const rl_metrics_t *metrics)
{
    begin_gauge(metrics, "in_flight", "Slots of a rule of COUNT/concurrent that are held.");
    for (size_t i = 0; i < metrics->report->nrules; i++) {
        if (counts_at_once(&metrics->report->rules[i])) {
            metrics_of_rule(metrics, "in_flight", &metrics->report->rules[i]);
            metrics_value(metrics, "}", metrics->report->rules[i].in_flight);
        }
    }
    begin_gauge(metrics, "waiting", "Requests that wait for a slot of a rule.");
    for (size_t i = 0; i < metrics->report->nrules; i++) {
        if (counts_at_once(&metrics->report->rules[i])) {
            metrics_of_rule(metrics, "waiting", &metrics->report->rules[i]);
            metrics_value(metrics, "}", metrics->report->rules[i].waiting);
        }
    }
}

static void write_rules(const rl_metrics_t *metrics)
{
    write_requests(metrics);
    write_figure(metrics, "refunds", "refunds_total", RL_FIGURE_REFUNDED,
                 "Requests whose outcome did not count, so that their units were given back.");
    write_figure(metrics, "clears", "clears_total", RL_FIGURE_CLEARED,
                 "Requests whose outcome cleared the counter of their key.");
    write_figure(metrics, "missing", "missing_total", RL_FIGURE_MISSING,
                 "Requests without a value for a part of the key.");
    write_at_once(metrics);
}

/* ---- stores ---- */

/* Returns true if an earlier store has this server, too: the traffic is counted by server. */
static bool is_repeated(const rl_report_t *report, size_t store, size_t server)
{
    const char *name = report->stores[store].servers[server].name;
    for (size_t i = 0; i <= store; i++) {
        const size_t n = i < store ? report->stores[i].nservers : server;
        for (size_t j = 0; j < n; j++) {
            if (strcmp(report->stores[i].servers[j].name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

typedef void server_fn(const rl_metrics_t *metrics, const rl_server_row_t *server);

static void each_server(const rl_metrics_t *metrics, server_fn *write)
{
    for (size_t i = 0; i < metrics->report->nstores; i++) {
        const rl_store_row_t *store = &metrics->report->stores[i];
        for (size_t j = 0; j < store->nservers; j++) {
            if (!is_repeated(metrics->report, i, j)) {
                write(metrics, &store->servers[j]);
            }
        }
    }
}

static void write_errors_of(const rl_metrics_t *metrics, const rl_server_row_t *server)
{
    metrics_sample(metrics, "store_errors_total");
    metrics_label(metrics, "{", "server", server->name);
    metrics_value(metrics, "}", server->traffic.errors);
}

static void write_state_of(const rl_metrics_t *metrics, const rl_server_row_t *server)
{
    metrics_sample(metrics, "store_up");
    metrics_label(metrics, "{", "server", server->name);
    metrics_value(metrics, "}", strcmp(server->state, "down") != 0);
}

static void write_servers(const rl_metrics_t *metrics)
{
    begin_counter(metrics, "store_errors",
                  "Commands that a memcached server did not carry out, or not for sure.");
    each_server(metrics, write_errors_of);
    begin_gauge(metrics, "store_up", "Whether a memcached server answers, as far as is known.");
    each_server(metrics, write_state_of);
}

static void add_traffic(rl_traffic_sums_t *all, const rl_traffic_sums_t *more)
{
    for (int i = 0; i < RL_TRAFFIC_BUCKETS; i++) {
        all->buckets[i] += more->buckets[i];
    }
    all->round_trips += more->round_trips;
    all->sum_us += more->sum_us;
}

/* The traffic with all servers together. */
static rl_traffic_sums_t sum_of_traffic(const rl_report_t *report)
{
    rl_traffic_sums_t all = {.round_trips = 0};
    for (size_t i = 0; i < report->nstores; i++) {
        const rl_store_row_t *store = &report->stores[i];
        for (size_t j = 0; j < store->nservers; j++) {
            if (!is_repeated(report, i, j)) {
                add_traffic(&all, &store->servers[j].traffic);
            }
        }
    }
    return all;
}

/* rl_traffic_bounds in seconds, in the shortest form, as clients compare labels as text. */
static const char *const bounds[RL_TRAFFIC_BUCKETS] = {"5e-05", "0.0001", "0.0002", "0.0005",
                                                       "0.001", "0.002",  "0.005",  "0.01",
                                                       "0.02",  "0.05",   "0.1",    "+Inf"};

static void write_durations(const rl_metrics_t *metrics)
{
    static const char name[] = "store_duration_seconds";
    const rl_traffic_sums_t all = sum_of_traffic(metrics->report);
    uint64_t so_far = 0;
    metrics_head(metrics, "HELP", name, "", "How long round trips to memcached took.");
    metrics_head(metrics, "TYPE", name, "", "histogram");
    if (metrics->form == RL_METRICS_OPEN) {
        metrics_head(metrics, "UNIT", name, "", "seconds");
    }
    for (int i = 0; i < RL_TRAFFIC_BUCKETS; i++) {
        so_far += all.buckets[i];
        metrics_sample(metrics, "store_duration_seconds_bucket");
        metrics_label(metrics, "{", "le", bounds[i]);
        metrics_value(metrics, "}", so_far);
    }
    metrics_sample(metrics, "store_duration_seconds_sum ");
    rl_out_seconds(metrics->out, (int64_t)all.sum_us);
    rl_out(metrics->out, "\n");
    metrics_sample(metrics, "store_duration_seconds_count");
    metrics_value(metrics, "", all.round_trips);
}

static void write_decisions(const rl_metrics_t *metrics)
{
    uint64_t local = 0, leased = 0;
    for (size_t i = 0; i < metrics->report->nstores; i++) {
        local += metrics->report->stores[i].local;
        leased += metrics->report->stores[i].leased;
    }
    begin_counter(metrics, "local_decisions",
                  "Decisions by RateLimitOnError, because memcached did not answer.");
    metrics_sample(metrics, "local_decisions_total");
    metrics_value(metrics, "", local);
    begin_counter(metrics, "lease_decisions",
                  "Decisions by a lease, without a round trip to memcached.");
    metrics_sample(metrics, "lease_decisions_total");
    metrics_value(metrics, "", leased);
}

/* ---- the rest ---- */

static void write_cells(const rl_metrics_t *metrics, const char *state, uint64_t n)
{
    metrics_sample(metrics, "table_cells");
    metrics_label(metrics, "{", "state", state);
    metrics_value(metrics, "}", n);
}

static void write_table(const rl_metrics_t *metrics)
{
    const rl_table_row_t *table = &metrics->report->table;
    const uint64_t taken = table->used + table->expired;
    begin_gauge(metrics, "table_cells", "Cells of the table of counters, by state.");
    write_cells(metrics, "used", table->used);
    write_cells(metrics, "expired", table->expired);
    write_cells(metrics, "free", table->cells > taken ? table->cells - taken : 0);
    begin_counter(metrics, "evictions",
                  "Keys that lost their cell, still in use, because the table is full.");
    metrics_sample(metrics, "evictions_total");
    metrics_value(metrics, "", table->evictions);
}

static void write_busy(const rl_metrics_t *metrics)
{
    begin_gauge(metrics, "busy", "Whether the server counts as busy.");
    metrics_sample(metrics, "busy");
    metrics_value(metrics, "", metrics->report->busy);
}

static void write_build_info(const rl_metrics_t *metrics)
{
    metrics_head(metrics, "HELP", "build", "_info", "The version of the module.");
    metrics_head(metrics, "TYPE", "build", "_info",
                 metrics->form == RL_METRICS_OPEN ? "info" : "gauge");
    metrics_sample(metrics, "build_info");
    metrics_label(metrics, "{", "version", metrics->report->version);
    metrics_value(metrics, "}", 1);
}

void rl_metrics_write(rl_output_t *out, const rl_report_t *report, rl_metrics_e form)
{
    const rl_metrics_t metrics = {.out = out, .report = report, .form = form};
    write_rules(&metrics);
    write_servers(&metrics);
    write_durations(&metrics);
    write_decisions(&metrics);
    write_table(&metrics);
    write_busy(&metrics);
    write_build_info(&metrics);
    if (form == RL_METRICS_OPEN) {
        rl_out(out, "# EOF\n");
    }
}

/* ---- rules in several sections ---- */

static int by_label(const void *a, const void *b)
{
    const rl_rule_row_t *left = a, *right = b;
    const int names = strcmp(left->name, right->name);
    return names != 0 ? names : strcmp(left->vhost, right->vhost);
}

size_t rl_metrics_merge_rules(rl_rule_row_t *rows, size_t n)
{
    size_t kept = 0;
    qsort(rows, n, sizeof(rows[0]), by_label);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || by_label(&rows[kept - 1], &rows[i]) != 0) {
            rows[kept++] = rows[i];
            continue;
        }
        for (int j = 0; j < RL_FIGURES; j++) {
            rows[kept - 1].n[j] += rows[i].n[j];
        }
        rows[kept - 1].in_flight += rows[i].in_flight;
        rows[kept - 1].waiting += rows[i].waiting;
    }
    return kept;
}
