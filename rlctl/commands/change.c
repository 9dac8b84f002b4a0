/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/change.h"

#include <stdlib.h>

#include "command.h"
#include "report/key.h"
#include "text/paragraph.h"

/* A server changes fewer at once. */
#define KEYS_MOST 1000

int rlctl_change(rlctl_server_t *server, const char *action, int n, char *arguments[])
{
    const rlctl_aim_t aim = rlctl_aim_read(server, n, arguments);
    json_t *answer = NULL;
    const int status =
        rlctl_act(server, action, &aim,
                  aim.tag != NULL ? "`rlctl top --denied` lists those that are known."
                                  : "`rlctl show` lists the rules.",
                  &answer);
    if (status != RLCTL_DONE) {
        return status;
    }
    if (server->settings.json) {
        rlctl_json_write(answer);
    }
    else {
        char *text = rlctl_safe_text(answer, "text");
        rlctl_paragraph(RLCTL_GOOD, *text != '\0' ? text : "Done.");
        free(text);
        rlctl_keys_write(server->report, json_object_get(answer, "keys"), true, KEYS_MOST);
    }
    json_decref(answer);
    return RLCTL_DONE;
}
