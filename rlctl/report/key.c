/* SPDX-License-Identifier: Apache-2.0 */
#include "report/key.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text/paragraph.h"
#include "text/safe.h"
#include "text/words.h"

enum { RULE, TAG, STATE, USED, REQUESTS, OVER, SEEN, HOST, VALUES, COLUMNS };

static const rlctl_column_t columns[COLUMNS] = {
    [RULE] = {"RULE", false, 8, 0},        [TAG] = {"TAG", false, 0, 0},
    [STATE] = {"NOW", false, 0, 0},        [USED] = {"USED", true, 0, 3},
    [REQUESTS] = {"REQUESTS", true, 0, 4}, [OVER] = {"DENIED", true, 0, 2},
    [SEEN] = {"LAST SEEN", true, 0, 5},    [HOST] = {"HOST", false, 10, 6},
    [VALUES] = {"KEY", false, 33, 1},
};

bool rlctl_observes(const json_t *rule)
{
    return strcmp(rlctl_text(rule, "action"), "observe") == 0;
}

rlctl_key_e rlctl_key_state(const json_t *key, const json_t *rule)
{
    const int64_t limit = rlctl_count(key, "limit");
    if (rlctl_count(key, "exempt") > 0) {
        return RLCTL_KEY_EXEMPT;
    }
    if (rlctl_count(key, "penalty") > 0) {
        return RLCTL_KEY_PENALTY;
    }
    if (limit == 0) {
        return strncmp(rlctl_text(rule, "rate"), "0/", 2) == 0 ? RLCTL_KEY_CLOSED
                                                               : RLCTL_KEY_FREE;
    }
    return rlctl_count(key, "used") >= limit ? RLCTL_KEY_FULL : RLCTL_KEY_FREE;
}

char *rlctl_key_values(const json_t *key)
{
    char *all = rlctl_copy("");
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(key, "values"), i, value)
    {
        const char *text = json_string_value(value);
        char *safe = rlctl_safe(text != NULL ? text : "");
        char *longer = rlctl_format("%s%s%s", all, i > 0 ? " " : "", safe);
        free(safe);
        free(all);
        all = longer;
    }
    return all;
}

/* Returns "denied 11 min": how the key is, and for how long if that is known. */
static char *key_state(const char *name, int64_t seconds)
{
    char *left = rlctl_short_duration(seconds);
    char *text = seconds > 0 ? rlctl_format("%s %s", name, left) : rlctl_copy(name);
    free(left);
    return text;
}

static void put_state(rlctl_table_t *table, const json_t *key, const json_t *rule)
{
    static const char *const names[] = {"", "denied", "penalty", "exempt", "denied"};
    static const rlctl_style_e styles[] = {RLCTL_PLAIN, RLCTL_BAD, RLCTL_BAD, RLCTL_GOOD,
                                           RLCTL_BAD};
    static const char *const times[] = {"", "reset", "penalty", "exempt", ""};
    const rlctl_key_e state = rlctl_key_state(key, rule);
    const bool observed =
        state != RLCTL_KEY_FREE && state != RLCTL_KEY_EXEMPT && rlctl_observes(rule);
    rlctl_table_cell(
        table, observed ? RLCTL_DOUBT : styles[state],
        key_state(observed ? "over" : names[state], rlctl_count(key, times[state])));
}

static char *used_of(const json_t *key)
{
    char *used = rlctl_number(rlctl_count(key, "used"));
    char *limit = rlctl_number(rlctl_count(key, "limit"));
    char *text = rlctl_format("%s of %s", used, limit);
    free(used);
    free(limit);
    return text;
}

static char *seen_of(const json_t *key, int64_t now)
{
    const int64_t seen = rlctl_count(key, "seen");
    char *ago, *text;
    if (seen <= 0) {
        return rlctl_copy("");
    }
    ago = rlctl_short_duration(now - seen);
    text = rlctl_format("%s ago", ago);
    free(ago);
    return text;
}

/* How often a key came is known of busy ones only. */
static void put_requests(rlctl_table_t *table, const json_t *key, const json_t *rule)
{
    const int64_t requests = rlctl_count(key, "requests");
    const int64_t denied = rlctl_count(key, "denied");
    rlctl_table_cell(table, RLCTL_PLAIN,
                     requests > 0 ? rlctl_number(requests) : rlctl_copy(""));
    rlctl_table_cell(table,
                     denied == 0            ? RLCTL_PLAIN
                     : rlctl_observes(rule) ? RLCTL_DOUBT
                                            : RLCTL_BAD,
                     requests > 0 ? rlctl_number(denied) : rlctl_copy(""));
}

static void put_key(rlctl_table_t *table, const json_t *report, const json_t *key, bool named,
                    bool hosts)
{
    const json_t *rule = rlctl_rule_of(report, key);
    rlctl_table_cell(table, RLCTL_PLAIN, named ? rlctl_safe_text(key, "rule") : rlctl_copy(""));
    rlctl_table_cell(table, RLCTL_PLAIN, rlctl_safe_text(key, "tag"));
    put_state(table, key, rule);
    rlctl_table_cell(table, RLCTL_PLAIN, used_of(key));
    put_requests(table, key, rule);
    rlctl_table_cell(table, RLCTL_PLAIN, seen_of(key, rlctl_count(report, "time")));
    rlctl_table_cell(table, RLCTL_FAINT,
                     hosts ? rlctl_safe_text(key, "vhost") : rlctl_copy(""));
    rlctl_table_cell(table, RLCTL_PLAIN, rlctl_key_values(key));
}

void rlctl_keys_write(const json_t *report, const json_t *keys, bool named, size_t most)
{
    rlctl_table_t *table = rlctl_table_new(columns, COLUMNS);
    const bool hosts = rlctl_hosts_differ(keys);
    size_t i;
    json_t *key;
    json_array_foreach(keys, i, key)
    {
        if (i == most) {
            break;
        }
        put_key(table, report, key, named, hosts);
    }
    rlctl_table_write(table, rlctl_terminal_width());
    rlctl_table_free(table);
}
