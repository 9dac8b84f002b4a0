/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "error.h"
#include "report/key.h"
#include "memory.h"
#include "text/paragraph.h"
#include "text/safe.h"
#include "server/server.h"

static const rlctl_usage_t usage = {
    .text = "usage: rlctl top [OPTION...] [--rule RULE] [--denied]\n"
            "\n"
            "Shows the busiest keys of all rules: who makes most requests.\n"
            "\n"
            "  --rule RULE           of this rule only\n"
            "  --denied              those most over their limit\n"
            "  --lines N             how many (20)\n"
            "  --vhost HOST          of this virtual host only\n",
    .takes = RLCTL_TAKES_TOP | RLCTL_TAKES_VHOST,
    .most = 0};

/* A key, and what it is sorted by. */
typedef struct ranked {
    json_t *key;
    int64_t by, requests;
    size_t place; /* in the report, which decides between equals */
} ranked_t;

static int compare_rows(const void *a, const void *b)
{
    const ranked_t *left = a, *right = b;
    if (left->by != right->by) {
        return left->by < right->by ? 1 : -1;
    }
    if (left->requests != right->requests) {
        return left->requests < right->requests ? 1 : -1;
    }
    return left->place < right->place ? -1 : 1;
}

/* Returns the keys in order, those most over their limit first or the busiest; the caller
 * decreases its references. */
static json_t *sorted(json_t *keys, bool denied)
{
    const size_t n = json_array_size(keys);
    ranked_t *ranked = rlctl_allocate(n * sizeof(*ranked));
    json_t *result = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *key = json_array_get(keys, i);
        ranked[i] = (ranked_t){key, rlctl_count(key, denied ? "denied" : "requests"),
                               rlctl_count(key, "requests"), i};
    }
    qsort(ranked, n, sizeof(*ranked), compare_rows);
    for (size_t i = 0; i < n && ranked[i].by > 0; i++) {
        json_array_append(result, ranked[i].key);
    }
    free(ranked);
    return result;
}

static void put_nothing(const rlctl_settings_t *settings)
{
    rlctl_paragraph(
        RLCTL_GOOD,
        settings->denied
            ? "No key was over its limit in the last minutes. `rlctl top` shows the "
              "busiest keys, `rlctl show` what each rule denied in the last hour."
            : "No requests in the last minutes. `rlctl show` shows the rules, and "
              "their figures of the last hour.");
}

static void top_put_json(json_t *keys, size_t most)
{
    json_t *json = json_object();
    while (json_array_size(keys) > most) {
        json_array_remove(keys, json_array_size(keys) - 1);
    }
    json_object_set(json, "keys", keys);
    rlctl_json_write(json);
    json_decref(json);
}

static void put_top(const rlctl_server_t *server, json_t *keys)
{
    const rlctl_settings_t *settings = &server->settings;
    const size_t most = (size_t)settings->lines;
    if (settings->json) {
        top_put_json(keys, most);
    }
    else if (json_array_size(keys) == 0) {
        put_nothing(settings);
    }
    else {
        rlctl_keys_write(server->report, keys, settings->rule == NULL, most);
    }
}

static int top(const rlctl_server_t *server)
{
    const rlctl_settings_t *settings = &server->settings;
    json_t *keys, *best;
    if (settings->rule != NULL &&
        rlctl_rule_named(server->report, settings->rule, settings->vhost) == NULL) {
        char *safe = rlctl_safe(settings->rule);
        rlctl_error("no rule is called %s%s; `rlctl show` lists them", safe,
                    settings->vhost != NULL ? " in that virtual host" : "");
        free(safe);
        return RLCTL_FAILS;
    }
    keys = rlctl_rows(server->report, "keys", "rule", settings->rule, settings->vhost);
    best = sorted(keys, settings->denied);
    put_top(server, best);
    json_decref(best);
    json_decref(keys);
    return RLCTL_DONE;
}

int rlctl_top(int argc, char *argv[])
{
    rlctl_server_t server;
    int status = rlctl_server_open(&server, &usage, argc, argv);
    if (status < 0) {
        status = top(&server);
    }
    rlctl_server_close(&server);
    return status;
}
