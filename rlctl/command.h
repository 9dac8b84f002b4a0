/* SPDX-License-Identifier: Apache-2.0 */
/* rlctl's commands. Each gets what follows its name, with "rlctl NAME" in argv[0], and returns
 * the program's exit status. */
#ifndef RLCTL_COMMAND_H
#define RLCTL_COMMAND_H

#define RLCTL_DONE  0
#define RLCTL_FAILS 1 /* not healthy, not found, not to be had */
#define RLCTL_USAGE 2

/* They talk to a running server. */
int rlctl_health(int argc, char *argv[]);
int rlctl_show(int argc, char *argv[]);
int rlctl_top(int argc, char *argv[]);
int rlctl_why(int argc, char *argv[]);
int rlctl_clear(int argc, char *argv[]);
int rlctl_exempt(int argc, char *argv[]);

/* They read files. */
int rlctl_check(int argc, char *argv[]);
int rlctl_networks(int argc, char *argv[]);
int rlctl_replay(int argc, char *argv[]);

#endif
