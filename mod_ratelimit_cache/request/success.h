/* SPDX-License-Identifier: Apache-2.0 */
/* Successes: which outcomes wipe the counter of which claim. */
#ifndef RL_REQUEST_SUCCESS_H
#define RL_REQUEST_SUCCESS_H

#include <stdbool.h>

#include "record.h"

/* Returns true if the outcome of the client request wipes the counter of claim i. `last` is the
 * request_rec that is answered; its status and header are those of the answer. */
bool rl_success_clears(const rl_request_t *request, int i, request_rec *last);

#endif
