/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "tester/tester.h"

static const char usage[] =
    "usage: rlctl check [--config] [--httpd PATH] [--module PATH] FILE\n"
    "\n"
    "Tells what the rules in a file mean, section by section, and what httpd warns of. FILE "
    "is\n"
    "what would be included into the configuration or, with --config, a whole one.\n";

enum { OPT_CONFIG = 1, OPT_HTTPD, OPT_MODULE, OPT_HELP };

static const struct option options[] = {{"config", no_argument, NULL, OPT_CONFIG},
                                        {"httpd", required_argument, NULL, OPT_HTTPD},
                                        {"module", required_argument, NULL, OPT_MODULE},
                                        {"help", no_argument, NULL, OPT_HELP},
                                        {NULL, 0, NULL, 0}};

int rlctl_check(int argc, char *argv[])
{
    rlctl_tester_t tester = {.httpd = NULL};
    bool whole = false;
    char number[16];
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case OPT_CONFIG:
            whole = true;
            break;
        case OPT_HTTPD:
            tester.httpd = optarg;
            break;
        case OPT_MODULE:
            tester.module = optarg;
            break;
        case OPT_HELP:
            fputs(usage, stdout);
            return RLCTL_DONE;
        default:
            fputs(usage, stderr);
            return RLCTL_USAGE;
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return RLCTL_USAGE;
    }
    *(whole ? &tester.config : &tester.rules) = argv[optind];
    snprintf(number, sizeof(number), "%d", dup(STDOUT_FILENO));
    setenv("RATELIMIT_EXPLAIN", number, 1);
    return rlctl_tester_start(&tester) && rlctl_tester_finish(&tester) ? RLCTL_DONE
                                                                       : RLCTL_FAILS;
}
