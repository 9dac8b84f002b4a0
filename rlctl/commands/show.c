/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "report/key.h"
#include "memory.h"
#include "text/paragraph.h"
#include "report/rules.h"
#include "text/safe.h"
#include "server/server.h"

#define TAG_LENGTH 12

static const rlctl_usage_t usage = {
    .text = "usage: rlctl show [OPTION...] [RULE [PART=VALUE...]]\n"
            "\n"
            "Shows all rules, with the requests of the last five minutes and of the last hour; "
            "with\n"
            "RULE, that rule and its busiest keys; with values, that key as it is now:\n"
            "\n"
            "  rlctl show login ip=192.0.2.7 form:username=admin\n"
            "\n"
            "  --vhost HOST          of this virtual host only\n",
    .takes = RLCTL_TAKES_VHOST,
    .most = -1};

/* ---- all rules ---- */

static int show_rules(const rlctl_server_t *server)
{
    const char *vhost = server->settings.vhost;
    json_t *rules = rlctl_rows(server->report, "rules", "name", NULL, vhost);
    if (json_array_size(rules) == 0) {
        rlctl_paragraph(RLCTL_PLAIN,
                        vhost != NULL
                            ? "No rule was checked for this virtual host. `rlctl show` without "
                              "--vhost shows all."
                            : "There is no rule yet. A line such as `RateLimit login 5/m` in a "
                              "<Location> makes one; `rlctl check FILE` tells what it means.");
    }
    else {
        rlctl_rules_write(rules);
        putchar('\n');
        rlctl_stores_write(server->report);
    }
    json_decref(rules);
    return RLCTL_DONE;
}

/* ---- one rule ---- */

static char *names_of(const json_t *report)
{
    char *names = rlctl_copy("");
    size_t i;
    json_t *rule;
    json_array_foreach(json_object_get(report, "rules"), i, rule)
    {
        const char *name = rlctl_text(rule, "name");
        char *safe, *longer;
        if (rlctl_rule_named(report, name, NULL) != rule) {
            continue;
        }
        safe = rlctl_safe(name);
        longer = rlctl_format("%s%s%s", names, *names != '\0' ? ", " : "", safe);
        free(safe);
        free(names);
        names = longer;
    }
    return names;
}

static bool looks_like_tag(const char *name)
{
    return strlen(name) == TAG_LENGTH && strspn(name, "0123456789abcdef") == TAG_LENGTH;
}

static int say_unknown(const rlctl_server_t *server, const char *name)
{
    char *safe = rlctl_safe(name);
    char *names = names_of(server->report);
    if (server->settings.vhost != NULL &&
        rlctl_rule_named(server->report, name, NULL) != NULL) {
        rlctl_error("that virtual host has no figures of a rule %s yet; without --vhost all "
                    "are shown",
                    safe);
    }
    else if (looks_like_tag(name)) {
        rlctl_error("no rule is called %s; `rlctl why %s` looks for a key with this tag", safe,
                    safe);
    }
    else if (*names == '\0') {
        rlctl_error("no rule is called %s; there is none yet", safe);
    }
    else {
        rlctl_error("no rule is called %s. These are: %s", safe, names);
    }
    free(safe);
    free(names);
    return RLCTL_FAILS;
}

static void show_keys(const rlctl_server_t *server, const char *name)
{
    json_t *keys = rlctl_rows(server->report, "keys", "rule", name, server->settings.vhost);
    putchar('\n');
    if (json_array_size(keys) == 0) {
        rlctl_paragraph(RLCTL_PLAIN,
                        "No key of it is remembered: the last request is too long ago. A "
                        "key is looked up by its values, as in `rlctl show RULE "
                        "ip=192.0.2.7`.");
    }
    else {
        rlctl_keys_write(server->report, keys, false, json_array_size(keys));
    }
    json_decref(keys);
}

static int show_rule(const rlctl_server_t *server, const char *name)
{
    json_t *rules = rlctl_rows(server->report, "rules", "name", name, server->settings.vhost);
    size_t i;
    json_t *rule;
    if (json_array_size(rules) == 0) {
        json_decref(rules);
        return say_unknown(server, name);
    }
    json_array_foreach(rules, i, rule)
    {
        rlctl_rule_tell(rule);
    }
    json_decref(rules);
    show_keys(server, name);
    return RLCTL_DONE;
}

/* ---- for programs ---- */

/* Keeps of the report what was asked for. */
static int write_report(rlctl_server_t *server, const char *name)
{
    const char *vhost = server->settings.vhost;
    json_t *rules = rlctl_rows(server->report, "rules", "name", name, vhost);
    json_t *keys = rlctl_rows(server->report, "keys", "rule", name, vhost);
    if (name != NULL && json_array_size(rules) == 0) {
        json_decref(rules);
        json_decref(keys);
        return say_unknown(server, name);
    }
    json_object_set_new(server->report, "rules", rules);
    json_object_set_new(server->report, "keys", keys);
    rlctl_json_write(server->report);
    return RLCTL_DONE;
}

/* ---- one key ---- */

static int show_key(rlctl_server_t *server, int n, char *arguments[])
{
    const rlctl_aim_t aim = {.rule = arguments[0], .values = arguments + 1, .nvalues = n - 1};
    json_t *answer = NULL;
    const int status =
        rlctl_act(server, "show", &aim, "`rlctl show` lists the rules.", &answer);
    if (status != RLCTL_DONE) {
        return status;
    }
    if (server->settings.json) {
        rlctl_json_write(answer);
    }
    else {
        rlctl_keys_tell(server, answer, &aim);
    }
    json_decref(answer);
    return RLCTL_DONE;
}

static int show(rlctl_server_t *server, int n, char *arguments[])
{
    if (n > 1) {
        return show_key(server, n, arguments);
    }
    if (server->settings.json) {
        return write_report(server, n > 0 ? arguments[0] : NULL);
    }
    return n > 0 ? show_rule(server, arguments[0]) : show_rules(server);
}

int rlctl_show(int argc, char *argv[])
{
    rlctl_server_t server;
    int status = rlctl_server_open(&server, &usage, argc, argv);
    if (status < 0) {
        status = show(&server, argc - optind, argv + optind);
    }
    rlctl_server_close(&server);
    return status;
}
