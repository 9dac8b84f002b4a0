/* SPDX-License-Identifier: Apache-2.0 */
/* rlctl's commands. Each gets what follows its name, with the name in argv[0], and returns the
 * program's exit status. */
#ifndef RLCTL_COMMAND_H
#define RLCTL_COMMAND_H

#define RLCTL_DONE  0
#define RLCTL_FAILS 1 /* not healthy, not found, not to be had */
#define RLCTL_USAGE 2

int rlctl_replay(int argc, char *argv[]);
int rlctl_check(int argc, char *argv[]);
int rlctl_networks(int argc, char *argv[]);

#endif
