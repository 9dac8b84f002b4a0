/* SPDX-License-Identifier: Apache-2.0 */
/* Testers: an httpd that tests a configuration and does something for rlctl meanwhile. It opens
 * no port, and needs no privileges but to read what the configuration names. */
#ifndef RLCTL_TESTER_H
#define RLCTL_TESTER_H

#include <stdbool.h>
#include <sys/types.h>

/* What the httpd is, and what it reads. */
typedef struct rlctl_tester {
    const char
        *httpd; /* its program; NULL: RLCTL_HTTPD, else the one the module was built for */
    const char *module; /* the module; NULL: RLCTL_MODULE, else the one that is installed */
    const char *rules;  /* a file of rules, which is included into a configuration without
                         * anything else; or NULL, */
    const char *config; /* a whole configuration */
    pid_t pid;
    char directory[32]; /* of its own, "" if there is none */
} rlctl_tester_t;

/* Starts it, with the environment as it is. Returns false after saying why it can't. */
bool rlctl_tester_start(rlctl_tester_t *tester);

/* Waits for its end, and removes what it needed. Returns false if the configuration has an
 * error, which was written to stderr. */
bool rlctl_tester_finish(rlctl_tester_t *tester);

#endif
