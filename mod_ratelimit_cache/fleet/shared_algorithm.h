/* How a fleet shares one limit, and what each algorithm has to say for it; private to the files
 * shared_*.c.
 *
 * Each unit is reserved in the shared store by an atomic addition whose sum is within the
 * limit, before it is spent. The key's cell in the ledger holds the most that this server knows
 * of: once that is the limit nothing is asked any more until a retry could succeed.
 *
 * (notes.h, debts.h: what is remembered next to it.)
 *
 * A counter that is missing is made anew from what is known here; one that somebody else made
 * anew from less is raised (core/meter/tally.h), one that was wiped on purpose is believed.
 * Units that were granted without the store are added after the next reservation that is
 * answered, so that the fleet learns of them and nobody is let in for them a second time; until
 * they are, they count on top of what it answers. Whoever grants first makes his own part
 * known, a total or a debt, and then looks at the other: of two who grant at the same moment,
 * one with the store and one without, one at least sees that both don't fit. A reservation
 * without an answer counts as spent in the store, and is owed as well if it is granted here: a
 * count may come out too high by it, never too low.
 *
 * memcached forgets what is only added to, so a counter is read once a second while it is used.
 */
#ifndef RL_FLEET_SHARED_ALGORITHM_H
#define RL_FLEET_SHARED_ALGORITHM_H

#include "reservation.h"

/* How one algorithm's counters are shared. */
typedef struct rl_shared_ops {
    /* Reserves op.cost: OK and a step, or why there was no answer. */
    rl_store_status_e (*charge)(rl_reservation_t *, rl_step_t *);
    /* Returns true if what was granted without the store, and is noted as owed, fits indeed. */
    bool (*verify)(rl_reservation_t *);
    /* Gives op.cost back, which was charged under a stamp. Returns false if it has been wiped
     * since, here as well. */
    bool (*refund)(rl_reservation_t *, uint64_t stamp);
    /* Compares what is known here with what the store knows, and mends what is wrong. */
    void (*refresh)(rl_reservation_t *);
    /* Brings what is known here up to what the store knows, be it more or less. OK also when
     * the store knows nothing; else why there was no answer. */
    rl_store_status_e (*learn)(rl_reservation_t *);
    /* Wipes the counter: OK, or why the store could not be told. */
    rl_store_status_e (*clear)(rl_reservation_t *);
} rl_shared_ops_t;

extern const rl_shared_ops_t rl_shared_window, rl_shared_bucket;

/* Gives back what is left of a lease of a token bucket (core/meter/lease_word.h), unless
 * something was reserved after it. */
void rl_shared_bucket_return_lease(rl_reservation_t *res, uint64_t lease);

#endif
