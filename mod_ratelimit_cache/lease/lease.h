/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: units of a shared counter that this server has reserved ahead of its requests. A
 * lease is kept in a cell of the ledger, separate from the key's own cell. So all children of
 * this server spend from one lease, and a child that is killed takes nothing with it.
 *
 * Leased units were charged like any other units: the shared counter contains them, and so does
 * what this server knows of it. Spending a unit takes it off the lease and changes nothing
 * else; giving units back is a refund. So whatever happens to a lease, units may be left
 * unspent, but none is ever spent that wasn't reserved.
 *
 * The lease's cell is found by the key and the incarnation of the counter in which the units
 * were reserved. Units of a counter that has been cleared since are thus out of reach. The cell
 * holds the notes
 *
 *     lease, pace     core/meter/lease_word.h
 *     spent           token bucket: units spent since the pace began
 *
 * and exists only for keys that are asked for at least every other second.
 */
#ifndef RL_LEASE_LEASE_H
#define RL_LEASE_LEASE_H

#include "../fleet/source.h"

/* A key's lease during one operation. The source and the operation must outlive it. */
typedef struct rl_lease {
    const rl_source_t *source;
    const rl_operation_t *op;
    rl_digest_t ledger_key; /* key of the lease's cell in the ledger */
    uint32_t window;        /* of the shared counter; 0 for a token bucket */
    unsigned incarnation;   /* of the shared counter */
    uint64_t pace; /* the pace noted while this request reserves more than it needs, else 0 */
    uint32_t left; /* units: left when the reserving began, or after units were spent */
} rl_lease_t;

/* Looks up the lease of the operation's key; the window is that of a step. Returns false if
 * there can't be a lease: leases are off, the key is slow, nothing has been reserved in this
 * window yet, or the rule has a penalty or window=first. */
bool rl_lease_find(rl_lease_t *lease, const rl_source_t *source, const rl_operation_t *op,
                   uint32_t window);

/* Returns the lease of a key whose counter's incarnation is known from an earlier
 * rl_lease_find(). Looks nothing up. */
rl_lease_t rl_lease_at(const rl_source_t *source, const rl_operation_t *op, uint32_t window,
                       unsigned incarnation);

/* Returns true if nothing was reserved for two seconds; a lease is meant for one, so this one
 * is larger than the key needs. */
bool rl_lease_is_old(const rl_lease_t *lease);

/* Returns the units that are left to spend. */
uint32_t rl_lease_left(const rl_lease_t *lease);

/* Spends op->cost units of the lease, and sets *stamp to the stamp that a refund of them needs.
 * Returns false, with nothing spent, if the lease has fewer. */
bool rl_lease_spend(rl_lease_t *lease, uint64_t *stamp);

/* Returns true if it is time to reserve the next lease. Call it after units were spent. */
bool rl_lease_is_low(const rl_lease_t *lease);

/* Begins to reserve units for a request that needs cost of them. Returns how many to reserve in
 * the shared store, cost or more: what the lease should have, less what is left in it. Only one
 * request at a time gets more than its cost. step is what a peek said of the request. Each call
 * must be followed by rl_lease_reserve_end() with the number of units that were in fact
 * reserved. */
uint32_t rl_lease_reserve_begin(rl_lease_t *lease, const rl_step_t *step, uint32_t cost);
void rl_lease_reserve_end(rl_lease_t *lease, uint32_t reserved);

/* Adds units to the lease that were reserved and not spent; of a token bucket those that end at
 * the arrival time `until`, in ticks. Returns false, with nothing added, if there was no place
 * for them: then the caller refunds them. */
bool rl_lease_add(const rl_lease_t *lease, uint64_t until, uint32_t units);

/* Token bucket: moves the lease down in the bucket's time. Call it when units that were spent
 * here are about to be given back to the bucket itself. */
void rl_lease_lower(const rl_lease_t *lease, uint32_t units);

/* Returns the lease's word (core/meter/lease_word.h), which changes with every use; 0 if there
 * is no lease. */
uint64_t rl_lease_word(const rl_lease_t *lease);

/* If units are left, asks the store for the counter, and learns what the store knows of it.
 * Returns false if the store doesn't answer: then don't return the lease, because units that
 * are taken off a lease and can't be given back stay charged, and nobody can spend them, until
 * the window ends. */
bool rl_lease_prepare_return(const rl_lease_t *lease);

/* Takes what is left off the lease and gives it back to the shared store. Of a token bucket
 * only units that were reserved last can be given back, for anything else would move what other
 * servers have reserved since; the rest drains. */
void rl_lease_return(const rl_lease_t *lease);

#endif
