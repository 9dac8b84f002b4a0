/* SPDX-License-Identifier: Apache-2.0 */
/* rlctl: shows and manages the limits of mod_ratelimit_cache. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "text/safe.h"
#include "server/settings.h"

typedef struct rlctl_command {
    const char *name;
    char *title; /* for messages */
    int (*run)(int argc, char *argv[]);
    const char *what;
} rlctl_command_t;

static const rlctl_command_t commands[] = {
    {"health", "rlctl health", rlctl_health, "tell whether the server's store answers"},
    {"show", "rlctl show", rlctl_show, "show rules, a rule's keys, or one key as it is now"},
    {"top", "rlctl top", rlctl_top, "show the busiest keys, or those most over their limit"},
    {"why", "rlctl why", rlctl_why, "tell why a key is denied, until when, how to free it"},
    {"clear", "rlctl clear", rlctl_clear, "forget what a key has used, and its penalty"},
    {"exempt", "rlctl exempt", rlctl_exempt, "let a key pass a rule for a while"},
    {"check", "rlctl check", rlctl_check, "tell what a file of rules means"},
    {"networks", "rlctl networks", rlctl_networks,
     "turn published lists of networks into files for httpd"},
    {"replay", "rlctl replay", rlctl_replay,
     "tell what rules would have done to the requests of a log"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
    fputs("usage: rlctl COMMAND [ARGUMENT...]; rlctl COMMAND --help tells more\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].what);
    }
    fputs("\n"
          "The first six ask a running server: --url URL of its <Location> with SetHandler\n"
          "ratelimit-status, else RLCTL_URL in the environment, else `url = URL` in\n"
          "/etc/rlctl.conf.\n",
          out);
}

/* Puts the command in front of the options before it: "--url URL show" is "show --url URL". */
static void move_command(char *argv[], int at)
{
    char *command = argv[at];
    memmove(&argv[2], &argv[1], (size_t)(at - 1) * sizeof(*argv));
    argv[1] = command;
}

static int run_command(int argc, char *argv[])
{
    char *safe;
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            argv[1] = commands[i].title;
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    safe = rlctl_safe(argv[1]);
    rlctl_error("no command is called '%s'; rlctl --help lists them", safe);
    free(safe);
    return RLCTL_USAGE;
}

int main(int argc, char *argv[])
{
    int at;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_usage(stdout);
        return RLCTL_DONE;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("rlctl " RLCTL_VERSION);
        return RLCTL_DONE;
    }
    setlocale(LC_TIME, "");
    at = rlctl_settings_before(argc, argv);
    if (at >= argc) {
        print_usage(stderr);
        return RLCTL_USAGE;
    }
    move_command(argv, at);
    return run_command(argc, argv);
}
