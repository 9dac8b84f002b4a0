/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include <stdio.h>
#include <string.h>

#include "text/safe.h"

#define DIGITS 12 /* of what is measured in microseconds */

const char *rlctl_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

int64_t rlctl_count(const json_t *object, const char *name)
{
    const double most = 9e15; /* exact in a double */
    const double number = json_number_value(json_object_get(object, name));
    return number >= most ? (int64_t)most : number <= -most ? -(int64_t)most : (int64_t)number;
}

char *rlctl_safe_text(const json_t *object, const char *name)
{
    return rlctl_safe(rlctl_text(object, name));
}

int64_t rlctl_recent(const json_t *rule, const char *figure, size_t n)
{
    const json_t *minutes = json_object_get(json_object_get(rule, "minutes"), figure);
    const size_t size = json_array_size(minutes);
    int64_t sum = 0;
    for (size_t i = size > n ? size - n : 0; i < size; i++) {
        sum += json_integer_value(json_array_get(minutes, i));
    }
    return sum;
}

static bool is_text(const json_t *row, const char *member, const char *text)
{
    return text == NULL || strcmp(rlctl_text(row, member), text) == 0;
}

bool rlctl_is_of(const json_t *row, const char *vhost)
{
    return is_text(row, "vhost", vhost);
}

json_t *rlctl_rule_named(const json_t *report, const char *name, const char *vhost)
{
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(report, "rules"), i, rule)
    {
        if (is_text(rule, "name", name) && rlctl_is_of(rule, vhost)) {
            return rule;
        }
    }
    return NULL;
}

json_t *rlctl_rule_of(const json_t *report, const json_t *key)
{
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(report, "rules"), i, rule)
    {
        if (is_text(rule, "name", rlctl_text(key, "rule")) &&
            rlctl_is_of(rule, rlctl_text(key, "vhost")) &&
            is_text(rule, "section", rlctl_text(key, "section"))) {
            return rule;
        }
    }
    return NULL;
}

json_t *rlctl_key_tagged(const json_t *report, const char *tag)
{
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(report, "keys"), i, key)
    {
        if (is_text(key, "tag", tag)) {
            return key;
        }
    }
    return NULL;
}

bool rlctl_several_hosts(const json_t *report, const char *name)
{
    const json_t *first = rlctl_rule_named(report, name, NULL);
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(report, "rules"), i, rule)
    {
        if (is_text(rule, "name", name) && !rlctl_is_of(rule, rlctl_text(first, "vhost"))) {
            return true;
        }
    }
    return false;
}

bool rlctl_hosts_differ(const json_t *rows)
{
    const char *first = rlctl_text(json_array_get(rows, 0), "vhost");
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (!rlctl_is_of(row, first)) {
            return true;
        }
    }
    return false;
}

json_t *rlctl_rows(const json_t *report, const char *list, const char *by, const char *name,
                   const char *vhost)
{
    json_t *rows = json_array();
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(report, list), i, row)
    {
        if (is_text(row, by, name) && rlctl_is_of(row, vhost)) {
            json_array_append(rows, row);
        }
    }
    return rows;
}

void rlctl_json_write(json_t *json)
{
    json_object_del(json, "token");
    json_dumpf(json, stdout,
               JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(DIGITS));
    putchar('\n');
}
