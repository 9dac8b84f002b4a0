/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>

#include "commands/change.h"
#include "command.h"

static const rlctl_usage_t usage = {
    .text =
        "usage: rlctl exempt [OPTION...] (RULE PART=VALUE... | TAG) --for DURATION\n"
        "\n"
        "Lets a key pass a rule for a while, whatever it uses; on all servers that share the\n"
        "store. DURATION is 5m, 2h, 1d and the like:\n"
        "\n"
        "  rlctl exempt login ip=192.0.2.7 form:username=admin --for 2h\n"
        "\n"
        "  --for DURATION        how long\n"
        "  --vhost HOST          where several virtual hosts have the rule\n",
    .takes = RLCTL_TAKES_VHOST | RLCTL_TAKES_FOR,
    .least = 1,
    .most = -1};

int rlctl_exempt(int argc, char *argv[])
{
    rlctl_server_t server;
    int status = rlctl_server_open(&server, &usage, argc, argv);
    if (status < 0) {
        status = rlctl_change(&server, "exempt", argc - optind, argv + optind);
    }
    rlctl_server_close(&server);
    return status;
}
