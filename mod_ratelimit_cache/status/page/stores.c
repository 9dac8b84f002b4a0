/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "html.h"
#include "regions.h"

static const char *const columns[] = {"Server",       "State",   "#Round trips", "#Mean time",
                                      "#99% within",  "#Errors", "#Outages",     "Down since",
                                      "#Last outage", NULL};
enum { SERVER, STATE, TRIPS, MEAN, SLOW, ERRORS, OUTAGES, SINCE, LAST };

/* ---- servers ---- */

/* Returns the place of the bucket that 99 of 100 round trips are in, or in one before it. */
static int slow_bucket(const rl_traffic_sums_t *traffic)
{
    uint64_t sum = 0;
    int i = 0;
    for (; i < RL_TRAFFIC_BUCKETS - 1; i++) {
        sum += traffic->buckets[i];
        if ((double)sum >= 0.99 * (double)traffic->round_trips) {
            break;
        }
    }
    return i;
}

static void server_times(rl_output_t *out, const rl_traffic_sums_t *traffic)
{
    rl_html_cell_begin(out, columns[MEAN]);
    if (traffic->round_trips > 0) {
        rl_html_milliseconds(out, traffic->sum_us / traffic->round_trips);
    }
    rl_html_cell_end(out);
    rl_html_cell_begin(out, columns[SLOW]);
    if (traffic->round_trips > 0) {
        const int i = slow_bucket(traffic);
        rl_out(out, i == RL_TRAFFIC_BUCKETS - 1 ? "over " : "");
        rl_html_milliseconds(
            out, rl_traffic_bounds[i < RL_TRAFFIC_BUCKETS - 1 ? i : RL_TRAFFIC_BUCKETS - 2]);
    }
    rl_html_cell_end(out);
}

static void server_state(rl_output_t *out, const char *state)
{
    const char *style = strcmp(state, "up") == 0     ? "good"
                        : strcmp(state, "down") == 0 ? "bad"
                                                     : "calm";
    rl_html_cell_begin(out, columns[STATE]);
    rl_out(out, "<b class=\"badge ");
    rl_out(out, style);
    rl_out(out, "\">");
    rl_out_html(out, state);
    rl_out(out, "</b>");
    rl_html_cell_end(out);
}

static void server_outage(rl_output_t *out, const char *column, int64_t us)
{
    rl_html_cell_begin(out, column);
    if (us > 0) {
        rl_html_duration(out, (uint64_t)us / 1000000);
    }
    rl_html_cell_end(out);
}

static void stores_server(rl_output_t *out, const rl_server_row_t *row)
{
    rl_out(out, "<tr role=\"row\">");
    rl_html_cell_head_begin(out);
    rl_out_html(out, row->name);
    rl_html_cell_head_end(out);
    server_state(out, row->state);
    rl_html_cell_count(out, columns[TRIPS], row->traffic.round_trips);
    server_times(out, &row->traffic);
    rl_html_cell_count(out, columns[ERRORS], row->traffic.errors);
    rl_html_cell_count(out, columns[OUTAGES], row->traffic.outages);
    server_outage(out, columns[SINCE], row->traffic.outage_us);
    server_outage(out, columns[LAST], row->traffic.last_outage_us);
    rl_out(out, "</tr>\n");
}

/* ---- the fleet ---- */

/* What another server has otherwise: "its secret, its rules". */
static void fellow_differences(rl_output_t *out, const rl_fellow_row_t *row)
{
    static const char *const texts[RL_ALIKE_KINDS] = {
        [RL_ALIKE_SECRET] = "its secret",
        [RL_ALIKE_SERVERS] = "its list of memcached servers",
        [RL_ALIKE_RULES] = "its rules",
        [RL_ALIKE_SETTINGS] = "prefix lengths, how forms are read, or RateLimitInherit",
        [RL_ALIKE_CONDITIONS] = "methods=, when= or unless= of its rules",
        [RL_ALIKE_GAPS] = "missing= or absent= of its rules",
        [RL_ALIKE_UNITS] = "cost= or initial= of its rules",
        [RL_ALIKE_OUTCOMES] = "count=, clear= or known= of its rules",
        [RL_ALIKE_PENALTIES] = "penalty= of its rules",
        [RL_ALIKE_VERSION] = "its version of mod_ratelimit_cache",
    };
    bool any = false;
    for (size_t i = 0; i < RL_ALIKE_KINDS; i++) {
        if ((row->differs >> i & 1) != 0) {
            rl_out(out, any ? ", " : "");
            rl_out(out, texts[i]);
            any = true;
        }
    }
    rl_out(out, any ? "" : "nothing");
}

static void stores_fleet(rl_output_t *out, const rl_store_row_t *row)
{
    static const char *const heads[] = {"Other server", "Differs in", "Seen", NULL};
    if (row->nfleet == 0) {
        return;
    }
    rl_html_table_begin(out, "The fleet", heads);
    for (size_t i = 0; i < row->nfleet; i++) {
        const rl_fellow_row_t *fellow = &row->fleet[i];
        rl_out(out, "<tr role=\"row\">");
        rl_html_cell_head_begin(out);
        rl_out_html(out, fellow->host[0] != '\0' ? fellow->host : "?");
        rl_html_cell_head_end(out);
        rl_html_cell_begin(out, heads[1]);
        fellow_differences(out, fellow);
        rl_html_cell_end(out);
        rl_html_cell_begin(out, heads[2]);
        rl_html_time(out, fellow->seen_s);
        rl_html_cell_end(out);
        rl_out(out, "</tr>\n");
    }
    rl_html_table_end(out);
}

/* ---- stores ---- */

static void stores_store(rl_output_t *out, const rl_store_row_t *row)
{
    rl_out(out, "<article><h3>");
    rl_out_html(out, row->name);
    rl_out(out, "</h3>\n");
    if (row->nservers == 0) {
        rl_out(out, "<p>Counters in this server's shared memory.</p></article>\n");
        return;
    }
    rl_html_table_begin(out, "memcached servers", columns);
    for (size_t i = 0; i < row->nservers; i++) {
        stores_server(out, &row->servers[i]);
    }
    rl_html_table_end(out);
    stores_fleet(out, row);
    rl_out(out, "<dl class=\"more\">\n");
    rl_html_figure(out, "Decided without the store, while it was away", row->local);
    rl_html_figure(out, "Decided by leases, without a round trip", row->leased);
    rl_out(out, "</dl></article>\n");
}

static void stores_table(rl_output_t *out, const rl_table_row_t *table)
{
    rl_out(out, "<article><h3>Table of counters</h3>\n<dl class=\"more\">\n");
    rl_html_figure_begin(out, "In use");
    rl_html_count(out, table->used);
    rl_out(out, " of ");
    rl_html_count(out, table->cells);
    rl_out(out, " cells (");
    rl_html_share(out, table->used, table->cells);
    rl_out(out, ")");
    rl_html_bar(out, table->used, table->cells, "calm");
    rl_html_figure_end(out);
    rl_html_figure(out, "Expired, not yet used again", table->expired);
    rl_html_figure(out, "Evictions of keys in use", table->evictions);
    rl_html_figure_begin(out, "Memory");
    rl_html_count(out, table->bytes / 1024);
    rl_out(out, " KiB");
    rl_html_figure_end(out);
    rl_out(out, "</dl></article>\n");
}

void rl_region_stores(rl_output_t *out, const rl_report_t *report)
{
    rl_out(out, "<section id=\"stores\" tabindex=\"-1\" aria-labelledby=\"stores-h\">\n"
                "<h2 id=\"stores-h\">Stores</h2>\n");
    for (size_t i = 0; i < report->nstores; i++) {
        stores_store(out, &report->stores[i]);
    }
    stores_table(out, &report->table);
    rl_out(out, "</section>\n");
}
