/* SPDX-License-Identifier: Apache-2.0 */
/* What all commands that talk to a server share: the server's URL, who asks, and how answers
 * are shown.
 *
 * The URL is that of --url, else of the environment's RLCTL_URL, else of /etc/rlctl.conf. The
 * file is read only if neither of the others is given, so that its user and password never go
 * to another server. */
#ifndef RLCTL_SETTINGS_H
#define RLCTL_SETTINGS_H

#include <stdbool.h>

#include "text/colour.h"

typedef struct rlctl_settings {
    const char *url;           /* of the status page; never NULL once they were read */
    const char *user;          /* NULL: none */
    const char *password_file; /* its first line is the password; NULL: none */
    const char *cacert;        /* certificates to trust instead of the system's; NULL: those */
    long timeout_ms;           /* for a whole request */
    bool url_said;             /* the URL is of --url */
    /* Of the command line only. */
    const char *vhost; /* NULL: any */
    const char *rule;  /* NULL: any */
    const char *span;  /* --for; NULL: not given */
    long lines;
    bool json, denied;
} rlctl_settings_t;

/* Options that a command takes besides --url, --user, --password-file, --cacert, --timeout,
 * --color, --json and --help. */
#define RLCTL_TAKES_VHOST 1u
#define RLCTL_TAKES_TOP   2u /* --rule, --denied, --lines */
#define RLCTL_TAKES_FOR   4u /* --for, and must be told */

typedef struct rlctl_usage {
    const char *text;
    unsigned takes;
    int least, most; /* arguments; most < 0: any number */
} rlctl_usage_t;

/* Reads the options of a command, the file where it is needed, and the colours. Its arguments
 * are then at argv[optind]. Returns -1, or the exit status to end with; it has said why. The
 * settings live as long as the program. */
int rlctl_settings_read(rlctl_settings_t *settings, const rlctl_usage_t *usage, int argc,
                        char *argv[]);

/* Returns how many of the arguments are options that stand in front of the command, with the
 * program's name; what is no such option ends them. */
int rlctl_settings_before(int argc, char *argv[]);

#endif
