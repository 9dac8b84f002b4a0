/* The keeper: gives back the leases that lie idle, are more than their key has use for by now,
 * belong to a window that is over, or would be left behind at the end of the process. */
#ifndef RL_LEASE_KEEPER_H
#define RL_LEASE_KEEPER_H

#include <stdbool.h>

#include "../fleet/source.h"

/* What is unspent and unchanged for so long, in microseconds, is given back. */
#define RL_KEEPER_IDLE_US RL_USEC_PER_SEC

/* Looks at all leases of source->leases, with the source's session to give units back; at the
 * last of these looks when nothing is to be left behind. From one thread at a time. Returns
 * false if no lease is left. */
bool rl_keeper_tend(const rl_source_t *source, int64_t now, bool last);

#endif
