/* Leases where they are kept: in a cell of the ledger of their own, next to the key's, so that
 * all children of this server spend from one lease, and one that is killed takes nothing with
 * it. Private to source.c and keeper.c.
 *
 * What is leased was charged like any other units: it is in the shared counter, and in what is
 * known here. To spend a unit takes it off the lease and changes nothing else; to give units
 * back is to refund them. So whatever happens to a lease, units may be left unspent, but never
 * are any spent that weren't reserved.
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

#include "../fleet/reservation.h"

typedef struct rl_leasing {
    const rl_source_t *source;
    const rl_digest_t *key;
    const rl_meter_t *meter;
    rl_digest_t home;     /* the key's cell */
    rl_digest_t cell;     /* the lease's */
    uint32_t window;      /* of the shared counter; 0 of a token bucket */
    unsigned incarnation; /* of the shared counter */
    int64_t now;
    uint64_t pace; /* while this request is the one that reserves more than it needs, else 0 */
    uint32_t left; /* when it began to; or after units were spent */
} rl_leasing_t;

/* Looks up where the lease of a key is; the window is a step's. False when there can't be one:
 * leases are off, the key is slow, its window has only begun, or a penalty goes with it, of
 * which another server may know by now. */
bool rl_leasing_open(rl_leasing_t *lease, const rl_source_t *source, const rl_digest_t *key,
                     const rl_digest_t *home, const rl_meter_t *meter, uint32_t window,
                     int64_t now);

/* Whether it was reserved so long ago that more was than the key has use for by now. */
bool rl_leasing_is_old(const rl_leasing_t *lease);

/* Units that are left. */
uint32_t rl_leasing_left(const rl_leasing_t *lease);

/* The same, of a key that rl_leasing_open() has looked up before: the counter's incarnation. */
rl_leasing_t rl_leasing_reopen(const rl_source_t *source, const rl_digest_t *key,
                               const rl_digest_t *home, const rl_meter_t *meter,
                               uint32_t window, int64_t now, unsigned incarnation);

/* Spends cost units, if there are as many; *stamp is that of a step which charged them. */
bool rl_leasing_spend(rl_leasing_t *lease, uint32_t cost, uint64_t *stamp);

/* Whether it is time to reserve more, after units were spent. */
bool rl_leasing_is_low(const rl_leasing_t *lease);

/* How many units to reserve for a request of cost, together with what is left; step is what a
 * peek said of it. To be ended with the number that was reserved indeed. */
uint32_t rl_leasing_begin(rl_leasing_t *lease, const rl_step_t *step, uint32_t cost);
void rl_leasing_end(rl_leasing_t *lease, uint32_t reserved);

/* Adds units that were charged and not spent; of a token bucket those that end at the arrival
 * time `until`. False when there was no place for them: they are to be refunded. */
bool rl_leasing_add(const rl_leasing_t *lease, uint64_t until, uint32_t units);

/* Token bucket: units that were spent here are about to be given back to the bucket itself. */
void rl_leasing_lower(const rl_leasing_t *lease, uint32_t units);

/* The lease's word (core/meter/lease_word.h), which changes with every use; 0 when there is none. */
uint64_t rl_leasing_word(const rl_leasing_t *lease);

/* Whether what is left can be given back, as far as can be told: the store answers. What is
 * taken away and can't be given back is nobody's until the window ends. */
bool rl_leasing_can_return(const rl_leasing_t *lease);

/* Takes away what is left and gives it back: of a token bucket only what was reserved last, for
 * anything else would move what others have reserved since; the rest drains. */
void rl_leasing_return(const rl_leasing_t *lease);

#endif
