/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>

#include "commands/change.h"
#include "command.h"

static const rlctl_usage_t usage = {
    .text =
        "usage: rlctl clear [OPTION...] (RULE PART=VALUE... | TAG)\n"
        "\n"
        "Forgets what a key has used, and its penalty; on all servers that share the store.\n"
        "PART is what the rule's key= has, once for each of them:\n"
        "\n"
        "  rlctl clear login ip=192.0.2.7 form:username=admin\n"
        "  rlctl clear 3f9a0c1b2d4e\n"
        "\n"
        "  --vhost HOST          where several virtual hosts have the rule\n",
    .takes = RLCTL_TAKES_VHOST,
    .least = 1,
    .most = -1};

int rlctl_clear(int argc, char *argv[])
{
    rlctl_server_t server;
    int status = rlctl_server_open(&server, &usage, argc, argv);
    if (status < 0) {
        status = rlctl_change(&server, "clear", argc - optind, argv + optind);
    }
    rlctl_server_close(&server);
    return status;
}
