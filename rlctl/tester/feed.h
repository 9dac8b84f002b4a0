/* SPDX-License-Identifier: Apache-2.0 */
/* Reads logs, plain or compressed by gzip, and hands their bytes on. */
#ifndef RLCTL_FEED_H
#define RLCTL_FEED_H

#include <stdbool.h>

/* Writes the contents of n files, one after the other, to the descriptor; "-" is stdin. Shows
 * on a terminal how far it is. Returns false after saying what can't be read. If nobody reads
 * from the descriptor any more it ends early and returns true. */
bool rlctl_feed(int to, int n, char *const files[]);

#endif
