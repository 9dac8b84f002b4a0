/* Leases: units of a shared counter that this server has reserved ahead of its requests. They
 * are kept in a cell of the ledger of their own, next to the key's, so that all children of
 * this server spend from one lease, and a child that is killed takes nothing with it.
 *
 * What is leased was charged like any other units: it is in the shared counter, and in what is
 * known here. To spend a unit takes it off the lease and changes nothing else; to give units
 * back is to refund them. So whatever happens to a lease, units may be left unspent, but none
 * is ever spent that wasn't reserved.
 *
 * The lease's cell is found by the key and by the incarnation of the counter that the units
 * were reserved in; those of a counter that was wiped since are out of reach. It keeps the
 * notes
 *
 *     lease, pace     core/meter/lease_word.h
 *     spent           token bucket: units spent since the pace began
 *
 * and exists only for keys that are asked for at least every other second.
 */
#ifndef RL_LEASE_LEASE_H
#define RL_LEASE_LEASE_H

#include "../fleet/source.h"

/* A key's lease during one operation, which must outlive it. */
typedef struct rl_lease {
    const rl_source_t *source;
    const rl_operation_t *op;
    rl_digest_t ledger_key; /* of the lease's cell */
    uint32_t window;        /* of the shared counter; 0 of a token bucket */
    unsigned incarnation;   /* of the shared counter */
    uint64_t pace; /* while this request is the one that reserves more than it needs, else 0 */
    uint32_t left; /* when it began to; or after units were spent */
} rl_lease_t;

/* Looks up where the lease of the operation's key is; the window is a step's. Returns false if
 * there can't be one: leases are off, the key is slow, its window has only begun, or a penalty
 * goes with it, of which another server may know by now. */
bool rl_lease_open(rl_lease_t *lease, const rl_source_t *source, const rl_operation_t *op,
                   uint32_t window);

/* Returns the lease of a key that rl_lease_open() has looked up before, by the incarnation of
 * its counter. */
rl_lease_t rl_lease_reopen(const rl_source_t *source, const rl_operation_t *op, uint32_t window,
                           unsigned incarnation);

/* Returns true if the lease was reserved so long ago that it is more than the key has use for
 * by now. */
bool rl_lease_is_old(const rl_lease_t *lease);

/* Returns the units that are left. */
uint32_t rl_lease_left(const rl_lease_t *lease);

/* Spends op->cost, and sets *stamp to that of a step which charged it. Returns false if there
 * are not as many units. */
bool rl_lease_spend(rl_lease_t *lease, uint64_t *stamp);

/* Returns true if it is time to reserve more, after units were spent. */
bool rl_lease_is_low(const rl_lease_t *lease);

/* Returns how many units to reserve for a request of cost, together with what is left; step is
 * what a peek said of the request. To be ended with the number that was reserved indeed. */
uint32_t rl_lease_begin(rl_lease_t *lease, const rl_step_t *step, uint32_t cost);
void rl_lease_end(rl_lease_t *lease, uint32_t reserved);

/* Adds units that were charged and not spent; of a token bucket those that end at the arrival
 * time `until`. Returns false if there was no place for them: they are to be refunded. */
bool rl_lease_add(const rl_lease_t *lease, uint64_t until, uint32_t units);

/* Token bucket: moves the lease down, because units that were spent here are about to be given
 * back to the bucket itself. */
void rl_lease_lower(const rl_lease_t *lease, uint32_t units);

/* Returns the lease's word (core/meter/lease_word.h), which changes with every use; 0 if there
 * is none. */
uint64_t rl_lease_word(const rl_lease_t *lease);

/* Returns true if what is left can be given back, as far as can be told: the store answers.
 * What is taken away and can't be given back is nobody's until the window ends. */
bool rl_lease_can_return(const rl_lease_t *lease);

/* Takes away what is left and gives it back. Of a token bucket only what was reserved last can
 * be given back, for anything else would move what others have reserved since; the rest
 * drains. */
void rl_lease_return(const rl_lease_t *lease);

#endif
