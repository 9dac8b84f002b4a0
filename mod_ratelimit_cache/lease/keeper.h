/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper gives leased units back: those that lie idle, those that are more than their key
 * needs by now, those of a window that is over, and all of them when the process ends. */
#ifndef RL_LEASE_KEEPER_H
#define RL_LEASE_KEEPER_H

#include <stdbool.h>

#include "../fleet/source.h"

/* A lease that is unchanged for this long, in microseconds, is idle and is given back. */
#define RL_KEEPER_IDLE_US RL_USEC_PER_SEC

/* Looks at each lease on source->leases, and gives back those that are due, in the source's
 * session; with `last`, which is for the end of the process, all of them. now is in
 * microseconds since the epoch. Returns false if the list is empty afterwards. Call it from one
 * thread at a time. */
bool rl_keeper_tend(const rl_source_t *source, int64_t now, bool last);

#endif
