/* SPDX-License-Identifier: Apache-2.0 */
/* rlctl: shows and manages the limits of mod_ratelimit_cache. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "error.h"

typedef struct rlctl_command {
    const char *name;
    int (*run)(int argc, char *argv[]);
    const char *what;
} rlctl_command_t;

static const rlctl_command_t commands[] = {
    {"check", rlctl_check, "tell what a file of rules means"},
    {"networks", rlctl_networks, "turn published lists of networks into files for httpd"},
    {"replay", rlctl_replay, "tell what rules would have done to the requests of access logs"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
    fputs("usage: rlctl COMMAND [ARGUMENT...]; rlctl COMMAND --help tells more\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].what);
    }
}

int main(int argc, char *argv[])
{
    if (argc < 2) {
        print_usage(stderr);
        return RLCTL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return RLCTL_DONE;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    rlctl_error("no command is called '%s'; rlctl --help lists them", argv[1]);
    return RLCTL_USAGE;
}
