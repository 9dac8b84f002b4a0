/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "memory.h"
#include "text/safe.h"

#define STATUS_OK        200
#define STATUS_FORBIDDEN 403
#define STATUS_MISSING   404
#define STATUS_BAD       400
#define STATUS_CONFLICT  409

/* ---- the report ---- */

static const char *reason(const rlctl_answer_t *answer)
{
    switch (answer->status) {
    case STATUS_FORBIDDEN:
        return "does not let you see the page: Require, in its <Location>, says who may";
    case STATUS_MISSING:
        return "has no page there: is it the <Location> with SetHandler ratelimit-status?";
    case STATUS_OK:
        return "does not answer as a status page does: is it the <Location> with SetHandler "
               "ratelimit-status?";
    default:
        return "can't tell";
    }
}

static json_t *server_parse(const rlctl_answer_t *answer)
{
    json_t *json = answer->json ? json_loadb(answer->body, answer->len, 0, NULL) : NULL;
    if (json != NULL && !json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static int fetch_report(rlctl_server_t *server)
{
    rlctl_answer_t answer;
    if (!rlctl_http_ask(server->http, "json", NULL, &answer)) {
        return RLCTL_FAILS;
    }
    server->report = answer.status == STATUS_OK ? server_parse(&answer) : NULL;
    if (server->report == NULL || !json_is_array(json_object_get(server->report, "rules"))) {
        rlctl_error("the server %s (status %ld)", reason(&answer), answer.status);
        return RLCTL_FAILS;
    }
    return -1;
}

int rlctl_server_open(rlctl_server_t *server, const rlctl_usage_t *usage, int argc,
                      char *argv[])
{
    int status;
    *server = (rlctl_server_t){.http = NULL};
    status = rlctl_settings_read(&server->settings, usage, argc, argv);
    if (status >= 0) {
        return status;
    }
    server->http = rlctl_http_open(&server->settings);
    return server->http != NULL ? fetch_report(server) : RLCTL_USAGE;
}

void rlctl_server_close(rlctl_server_t *server)
{
    json_decref(server->report);
    if (server->http != NULL) {
        rlctl_http_close(server->http);
    }
}

/* ---- deeds ---- */

rlctl_aim_t rlctl_aim_read(const rlctl_server_t *server, int n, char *arguments[])
{
    rlctl_aim_t aim = {.rule = arguments[0], .values = arguments + 1, .nvalues = n - 1};
    if (n == 1 && (rlctl_key_tagged(server->report, arguments[0]) != NULL ||
                   rlctl_rule_named(server->report, arguments[0], NULL) == NULL)) {
        aim.tag = arguments[0];
    }
    return aim;
}

bool rlctl_can_act(const rlctl_server_t *server)
{
    return *rlctl_text(server->report, "token") != '\0';
}

static void put_field(rlctl_server_t *server, FILE *body, const char *name, const char *value)
{
    char *field;
    if (value != NULL) {
        field = rlctl_http_field(server->http, name, value);
        fputs(field, body);
        free(field);
    }
}

/* Returns the body of the POST; the caller frees it. */
static char *write_body(rlctl_server_t *server, const char *action, const rlctl_aim_t *aim)
{
    char *text = NULL;
    size_t len = 0;
    FILE *body = open_memstream(&text, &len);
    if (body == NULL) {
        return rlctl_copy("");
    }
    put_field(server, body, "token", rlctl_text(server->report, "token"));
    put_field(server, body, "action", action);
    put_field(server, body, "for", server->settings.span);
    put_field(server, body, "vhost", server->settings.vhost);
    if (aim->tag != NULL) {
        put_field(server, body, "tag", aim->tag);
    }
    else {
        put_field(server, body, "rule", aim->rule);
    }
    for (int i = 0; i < aim->nvalues && aim->tag == NULL; i++) {
        put_field(server, body, "key", aim->values[i]);
    }
    fclose(body);
    if (len > 0) {
        text[len - 1] = '\0'; /* the last '&' */
    }
    return text;
}

/* The exit status of an answer that is no success. */
static int failure(long status)
{
    return status == STATUS_BAD || status == STATUS_CONFLICT ? RLCTL_USAGE : RLCTL_FAILS;
}

static void say_refusal(const json_t *json, const rlctl_answer_t *answer, const char *hint)
{
    char *text = rlctl_safe_text(json, "text");
    if (*text == '\0') {
        rlctl_error("the server refuses (status %ld)%s", answer->status,
                    answer->status == STATUS_FORBIDDEN
                        ? ": Require, in the <Location> of the page, says who may POST"
                        : "");
    }
    else {
        rlctl_error("%s%s%s", text, answer->status == STATUS_MISSING ? " " : "",
                    answer->status == STATUS_MISSING ? hint : "");
    }
    if (answer->status == STATUS_CONFLICT) {
        rlctl_error("--vhost says which one");
    }
    free(text);
}

/* Sends the deed. Returns false after saying why there is no answer. */
static bool send_deed(rlctl_server_t *server, const char *action, const rlctl_aim_t *aim,
                      rlctl_answer_t *answer)
{
    char *body = write_body(server, action, aim);
    const bool answered = rlctl_http_ask(server->http, "json", body, answer);
    free(body);
    return answered;
}

int rlctl_act(rlctl_server_t *server, const char *action, const rlctl_aim_t *aim,
              const char *hint, json_t **result)
{
    rlctl_answer_t answer;
    json_t *json;
    if (!rlctl_can_act(server)) {
        rlctl_error(
            "this server only tells; its module is older than this rlctl, or doesn't let "
            "you change anything");
        return RLCTL_FAILS;
    }
    if (!send_deed(server, action, aim, &answer)) {
        return RLCTL_FAILS;
    }
    json = server_parse(&answer);
    if (answer.status == STATUS_OK && json_is_true(json_object_get(json, "done"))) {
        *result = json;
        return RLCTL_DONE;
    }
    say_refusal(json, &answer, hint);
    if (json != NULL && server->settings.json) {
        rlctl_json_write(json);
    }
    json_decref(json);
    return failure(answer.status);
}
