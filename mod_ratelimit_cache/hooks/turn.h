/* SPDX-License-Identifier: Apache-2.0 */
/* Turns: a request that is over COUNT/concurrent with wait= waits for a slot. */
#ifndef RL_HOOKS_TURN_H
#define RL_HOOKS_TURN_H

#include <stdbool.h>

#include <httpd.h>

#include "../request/record.h"

/* Claim i denies r; r came at `came`, microseconds since the epoch. If it is only for want of a
 * slot, waits for one: in the order of coming, as long as wait= allows, as long as the client
 * is there, while no more than a quarter of the server's workers and half of this child's wait.
 * Returns true if the claim holds a slot now; then the claims are to be decided on again. */
bool rl_turn_wait(const request_rec *r, const rl_request_t *request, int i, int64_t came);

#endif
