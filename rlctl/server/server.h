/* SPDX-License-Identifier: Apache-2.0 */
/* The server that a command talks to: its report, and what it is asked to do. */
#ifndef RLCTL_SERVER_H
#define RLCTL_SERVER_H

#include <stdbool.h>

#include "server/http.h"
#include "report/report.h"

typedef struct rlctl_server {
    rlctl_settings_t settings;
    rlctl_http_t *http;
    json_t *report; /* NULL until it was fetched */
} rlctl_server_t;

/* The key that a command is about: by its tag, or by its values in a rule. */
typedef struct rlctl_aim {
    const char *tag; /* NULL: by its values */
    const char *rule;
    char **values; /* PART=VALUE */
    int nvalues;
} rlctl_aim_t;

/* Reads a command's options and fetches the report. Returns -1, or the exit status to end with;
 * it has said why. rlctl_server_close() in any case. */
int rlctl_server_open(rlctl_server_t *server, const rlctl_usage_t *usage, int argc,
                      char *argv[]);

void rlctl_server_close(rlctl_server_t *server);

/* Reads the aim from a command's arguments. One alone is a tag, unless it is the name of a rule
 * of the report. */
rlctl_aim_t rlctl_aim_read(const rlctl_server_t *server, int n, char *arguments[]);

/* Returns true if the server lets itself be told to do something. */
bool rlctl_can_act(const rlctl_server_t *server);

/* Has the server show, clear or exempt a key. Returns the exit status. With RLCTL_DONE *answer
 * is what it answered, with `text` and `keys`, and the caller's. Otherwise the reason was said,
 * followed by `hint`. With --json an answer that is no success was written, too. */
int rlctl_act(rlctl_server_t *server, const char *action, const rlctl_aim_t *aim,
              const char *hint, json_t **answer);

#endif
