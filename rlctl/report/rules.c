/* SPDX-License-Identifier: Apache-2.0 */
#include "report/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/key.h"
#include "memory.h"
#include "text/paragraph.h"
#include "report/report.h"
#include "text/safe.h"
#include "text/table.h"
#include "text/words.h"

#define FIVE_MINUTES 5
#define HOUR         60

enum { RULE, LIMIT, KEY, NOTE, IN5, OVER5, IN60, OVER60, FLIGHT, HOST, SECTION, COLUMNS };

static const rlctl_column_t columns[COLUMNS] = {
    [RULE] = {"RULE", false, 8, 0},        [LIMIT] = {"LIMIT", false, 6, 0},
    [KEY] = {"FOR EACH", false, 16, 5},    [NOTE] = {"ACTION", false, 0, 4},
    [IN5] = {"ALLOWED/5M", true, 0, 6},    [OVER5] = {"DENIED/5M", true, 0, 0},
    [IN60] = {"ALLOWED/H", true, 0, 3},    [OVER60] = {"DENIED/H", true, 0, 2},
    [FLIGHT] = {"IN FLIGHT", true, 0, 7},  [HOST] = {"HOST", false, 10, 1},
    [SECTION] = {"SECTION", false, 12, 8},
};

/* What was over the limit: denied, or only observed. */
static int64_t over(const json_t *rule, size_t minutes)
{
    return rlctl_recent(rule, "denied", minutes) + rlctl_recent(rule, "observed", minutes);
}

static void put_over(rlctl_table_t *table, const json_t *rule, size_t minutes)
{
    const int64_t n = over(rule, minutes);
    rlctl_table_cell(table,
                     n == 0                 ? RLCTL_PLAIN
                     : rlctl_observes(rule) ? RLCTL_DOUBT
                                            : RLCTL_BAD,
                     rlctl_number(n));
}

static void put_recent(rlctl_table_t *table, const json_t *rule, size_t minutes)
{
    rlctl_table_cell(table, RLCTL_PLAIN, rlctl_number(rlctl_recent(rule, "allowed", minutes)));
    put_over(table, rule, minutes);
}

static void rules_put_rule(rlctl_table_t *table, const json_t *rule, bool hosts)
{
    const int64_t flight = rlctl_count(rule, "in_flight");
    rlctl_table_cell(table, RLCTL_PLAIN, rlctl_safe_text(rule, "name"));
    rlctl_table_cell(table, RLCTL_PLAIN, rlctl_safe_text(rule, "rate"));
    rlctl_table_cell(table, RLCTL_PLAIN, rlctl_safe_text(rule, "key"));
    rlctl_table_cell(table, RLCTL_DOUBT, rlctl_copy(rlctl_observes(rule) ? "observe" : ""));
    put_recent(table, rule, FIVE_MINUTES);
    put_recent(table, rule, HOUR);
    rlctl_table_cell(table, RLCTL_PLAIN, flight > 0 ? rlctl_number(flight) : rlctl_copy(""));
    rlctl_table_cell(table, RLCTL_PLAIN,
                     hosts ? rlctl_safe_text(rule, "vhost") : rlctl_copy(""));
    rlctl_table_cell(table, RLCTL_FAINT, rlctl_safe_text(rule, "section"));
}

void rlctl_rules_write(const json_t *rules)
{
    rlctl_table_t *table = rlctl_table_new(columns, COLUMNS);
    const bool hosts = rlctl_hosts_differ(rules);
    size_t i;
    json_t *rule;
    json_array_foreach(rules, i, rule)
    {
        rules_put_rule(table, rule, hosts);
    }
    rlctl_table_write(table, rlctl_terminal_width());
    rlctl_table_free(table);
}

/* ---- one rule ---- */

static void put_head(const json_t *rule)
{
    char *name = rlctl_safe_text(rule, "name");
    char *rate = rlctl_safe_text(rule, "rate");
    char *key = rlctl_safe_text(rule, "key");
    char *algorithm = rlctl_safe_text(rule, "algorithm");
    char *vhost = rlctl_safe_text(rule, "vhost");
    char *section = rlctl_safe_text(rule, "section");
    const bool named = *algorithm != '\0' && strcmp(algorithm, "concurrent") != 0;
    char *head =
        rlctl_format("Rule %s: %s%s%s%s%s%s%s%s of %s", name, rate,
                     *key != '\0' ? " for each " : "", key, named ? ", " : "",
                     named ? algorithm : "", rlctl_observes(rule) ? ", only observes" : "",
                     *section != '\0' ? ", in " : ",", section, vhost);
    rlctl_paragraph(RLCTL_TITLE, head);
    free(head);
    free(name);
    free(rate);
    free(key);
    free(algorithm);
    free(vhost);
    free(section);
}

static void put_figure(const json_t *rule, const char *name, const char *words, bool *first)
{
    const int64_t n = rlctl_count(rule, name);
    char *number;
    if (n == 0) {
        return;
    }
    number = rlctl_number(n);
    printf("%s%s %s", *first ? "Since the start: " : ", ", number, words);
    *first = false;
    free(number);
}

static void put_figures(const json_t *rule)
{
    static const char *const figures[][2] = {
        {"allowed", "allowed"},        {"denied", "denied"},
        {"observed", "only observed"}, {"other", "denied by another rule"},
        {"error", "not counted"},      {"refunded", "given back"},
        {"cleared", "cleared"},        {"missing", "without a value"},
        {"waiting", "waiting"},        {"in_flight", "in flight"}};
    bool first = true;
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        put_figure(rule, figures[i][0], figures[i][1], &first);
    }
    puts(first ? "No request was checked yet." : ".");
}

void rlctl_rule_tell(const json_t *rule)
{
    put_head(rule);
    put_figures(rule);
}

/* ---- stores ---- */

static void put_server(const json_t *store, const json_t *server)
{
    const bool down = strcmp(rlctl_text(server, "state"), "down") == 0;
    char *name = rlctl_safe_text(server, "name");
    char *state = rlctl_safe_text(server, "state");
    char *outage = rlctl_duration(rlctl_count(server, "outage"));
    char *decided = rlctl_number(rlctl_count(store, "local_decisions"));
    char *text = down ? rlctl_format("memcached %s: down for %s; decided without it so far: %s",
                                     name, outage, decided)
                      : rlctl_format("memcached %s: %s", name, state);
    rlctl_paragraph(down ? RLCTL_BAD : RLCTL_FAINT, text);
    free(name);
    free(state);
    free(outage);
    free(decided);
    free(text);
}

static void put_table(const json_t *table)
{
    char *used = rlctl_number(rlctl_count(table, "used"));
    char *cells = rlctl_number(rlctl_count(table, "cells"));
    char *evictions = rlctl_number(rlctl_count(table, "evictions"));
    const bool lost = rlctl_count(table, "evictions") > 0;
    char *text =
        rlctl_format("table: %s of %s cells in use%s%s%s", used, cells, lost ? ", " : "",
                     lost ? evictions : "", lost ? " keys forgotten for want of room" : "");
    rlctl_paragraph(lost ? RLCTL_DOUBT : RLCTL_FAINT, text);
    free(used);
    free(cells);
    free(evictions);
    free(text);
}

void rlctl_stores_write(const json_t *report)
{
    size_t i, j;
    json_t *store, *server;
    json_array_foreach(json_object_get(report, "stores"), i, store)
    {
        json_array_foreach(json_object_get(store, "servers"), j, server)
        {
            put_server(store, server);
        }
    }
    if (json_is_object(json_object_get(report, "table"))) {
        put_table(json_object_get(report, "table"));
    }
}
