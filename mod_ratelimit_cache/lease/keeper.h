/* Looks after the leases that a process has had a part in: what lies idle, is more than the key
 * has use for by now, is of a window that is over, or would be left behind at the end of the
 * process, is given back.
 *
 * Leases themselves are in shared memory (leasing.h); this is a list of where to look. It has
 * room for so many; a key that finds none gets no lease.
 */
#ifndef RL_LEASE_KEEPER_H
#define RL_LEASE_KEEPER_H

#include <stdbool.h>

#include <apr_pools.h>

#include "../system/background.h"
#include "lease.h"

/* What is unspent and unchanged for so long, in microseconds, is given back. */
#define RL_KEEPER_IDLE_US RL_USEC_PER_SEC

/* Made in the pool; NULL without memory. */
rl_keeper_t *rl_keeper_create(apr_pool_t *pool);

/* Which thread tends, so that it is woken when there is something to tend. */
void rl_keeper_set_thread(rl_keeper_t *keeper, rl_background_t *thread);

/* Sees to it that a lease is looked after; false when there is no room. From any thread,
 * without waiting. */
bool rl_keeper_add(rl_keeper_t *keeper, const rl_leasing_t *lease);

/* Looks at all leases, with the source's session to give units back; at the last of them when
 * nothing is to be left behind. From one thread at a time. False when there is none left. */
bool rl_keeper_tend(rl_keeper_t *keeper, const rl_source_t *source, int64_t now, bool last);

#endif
