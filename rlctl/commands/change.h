/* SPDX-License-Identifier: Apache-2.0 */
/* What clear and exempt have in common. */
#ifndef RLCTL_CHANGE_H
#define RLCTL_CHANGE_H

#include "server/server.h"

/* Has the server do something to the key that the arguments name, and says what came of it.
 * Returns the exit status. */
int rlctl_change(rlctl_server_t *server, const char *action, int n, char *arguments[]);

#endif
