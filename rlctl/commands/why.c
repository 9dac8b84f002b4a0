/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "error.h"
#include "report/key.h"
#include "text/safe.h"
#include "server/server.h"

static const rlctl_usage_t usage = {
    .text =
        "usage: rlctl why [OPTION...] TAG\n"
        "\n"
        "Tells why a key is denied, until when, and how to free it. TAG stands in the error\n"
        "log's line about the denial, in RATELIMIT_KEY, and in `rlctl top`.\n",
    .least = 1,
    .most = 1};

#define HINT "`rlctl top --denied` lists those that are known."

static int tell_keys(const rlctl_server_t *server, json_t *answer, const char *tag)
{
    const rlctl_aim_t aim = {.tag = tag};
    if (server->settings.json) {
        rlctl_json_write(answer);
    }
    else {
        rlctl_keys_tell(server, answer, &aim);
    }
    return RLCTL_DONE;
}

/* What the report has is enough where the server can't be asked for a key. */
static int tell_from_report(const rlctl_server_t *server, const char *tag)
{
    json_t *keys = rlctl_rows(server->report, "keys", "tag", tag, NULL);
    json_t *answer = json_pack("{sO}", "keys", keys);
    int status = RLCTL_FAILS;
    if (json_array_size(keys) > 0) {
        status = tell_keys(server, answer, tag);
    }
    else {
        char *safe = rlctl_safe(tag);
        rlctl_error("no key with the tag %s is known. " HINT, safe);
        free(safe);
    }
    json_decref(answer);
    json_decref(keys);
    return status;
}

static int why(rlctl_server_t *server, const char *tag)
{
    const rlctl_aim_t aim = {.tag = tag};
    json_t *answer = NULL;
    int status;
    if (!rlctl_can_act(server)) {
        return tell_from_report(server, tag);
    }
    status = rlctl_act(server, "show", &aim, HINT, &answer);
    if (status == RLCTL_DONE) {
        status = tell_keys(server, answer, tag);
    }
    json_decref(answer);
    return status;
}

int rlctl_why(int argc, char *argv[])
{
    rlctl_server_t server;
    int status = rlctl_server_open(&server, &usage, argc, argv);
    if (status < 0) {
        status = why(&server, argv[optind]);
    }
    rlctl_server_close(&server);
    return status;
}
