/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "command.h"
#include "error.h"
#include "server/http.h"
#include "text/safe.h"

#define STATUS_OK          200
#define STATUS_UNAVAILABLE 503

static const rlctl_usage_t usage = {
    .text =
        "usage: rlctl health [OPTION...]\n"
        "\n"
        "Asks whether the server's store answers. The exit status is 0 if it does, else 1.\n",
    .most = 0};

/* Writes the answer's lines, the first in colour. */
static void put_lines(char *body, rlctl_style_e style)
{
    for (char *line = body, *end; line != NULL && *line != '\0'; line = end) {
        char *safe;
        end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        safe = rlctl_safe(line);
        rlctl_put(style, safe);
        putchar('\n');
        free(safe);
        style = RLCTL_PLAIN;
    }
}

static void health_put_json(const rlctl_answer_t *answer, bool healthy)
{
    json_t *text = json_stringn(answer->body, answer->len);
    json_t *json = json_pack("{sb sO*}", "healthy", healthy, "text", text);
    if (json != NULL) {
        json_dumpf(json, stdout, JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER);
        putchar('\n');
    }
    json_decref(text);
    json_decref(json);
}

/* The first word of a health page says which of both it is. */
static bool is_health(const rlctl_answer_t *answer)
{
    return !answer->json &&
           ((answer->status == STATUS_OK && strncmp(answer->body, "healthy", 7) == 0) ||
            (answer->status == STATUS_UNAVAILABLE &&
             strncmp(answer->body, "not healthy", 11) == 0));
}

static int health_tell(const rlctl_settings_t *settings, rlctl_http_t *http)
{
    rlctl_answer_t answer;
    bool healthy;
    if (!rlctl_http_ask(http, "health", NULL, &answer)) {
        return RLCTL_FAILS;
    }
    if (!is_health(&answer)) {
        rlctl_error("no answer about health (status %ld): is it the <Location> with SetHandler "
                    "ratelimit-status, and may you see it?",
                    answer.status);
        return RLCTL_FAILS;
    }
    healthy = answer.status == STATUS_OK;
    if (settings->json) {
        health_put_json(&answer, healthy);
    }
    else {
        put_lines(answer.body, healthy ? RLCTL_GOOD : RLCTL_BAD);
    }
    return healthy ? RLCTL_DONE : RLCTL_FAILS;
}

int rlctl_health(int argc, char *argv[])
{
    rlctl_settings_t settings;
    rlctl_http_t *http;
    int status = rlctl_settings_read(&settings, &usage, argc, argv);
    if (status >= 0) {
        return status;
    }
    http = rlctl_http_open(&settings);
    if (http == NULL) {
        return RLCTL_USAGE;
    }
    status = health_tell(&settings, http);
    rlctl_http_close(http);
    return status;
}
