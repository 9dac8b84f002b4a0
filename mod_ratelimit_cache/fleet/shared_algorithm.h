/* SPDX-License-Identifier: Apache-2.0 */
/* How a fleet shares one limit: the rules that every algorithm follows, and the operations that
 * each one implements. Private to the files shared_*.c.
 *
 * Reserve, then spend. Each unit is reserved in the shared store before it is spent, by an
 * atomic addition whose sum is within the limit. The key's cell in the ledger holds the highest
 * count that this server knows of. Once that is the limit, the store isn't asked again until a
 * retry could succeed.
 *
 * Doubt. What doesn't fit is taken off again, and until then the store holds more than is in
 * use: other requests may be denied because of it, and must not take it for use. So a denial
 * looks at what is left after its own units are taken off. If it would fit beside that, it is
 * tried again; if that is more than can be in use, nothing is learned, and the key is to ask
 * again in a second. A denial notes that there is doubt (notes.h). As long as there is, units
 * are added by read and replace, so that nobody's are in the way, and a denial by what is known
 * here is checked. The first such reading that is old enough ends the doubt.
 *
 * Lost counters. A counter that is missing is made anew from what this server knows. One that
 * another server made anew from less is raised by the difference (core/meter/tally.h). One that
 * was cleared on purpose is believed: what this server knows is lowered to it.
 *
 * Debts. Units that were granted without the store are added to it after the next reservation
 * that it answers, so that the fleet learns of them and doesn't grant them a second time. Until
 * then they count on top of what the store answers.
 *
 * Granting with and without the store at the same moment. Before it grants, a request notes its
 * own part (a total if it reserved in the store, a debt if it didn't), and only then reads the
 * other part. So of two such requests at least one sees the other's part, and so whether the
 * two fit together.
 *
 * Lost answers. A reservation that gets no answer counts as spent in the store; if it is
 * granted here it is owed as well. A count may come out too high by it, never too low.
 *
 * Eviction. memcached doesn't take an addition for a use, and evicts a counter that is only
 * added to; so a counter in use is read once a second.
 *
 * What a server remembers of a counter is in notes.h, what it owes in debts.h.
 */
#ifndef RL_FLEET_SHARED_ALGORITHM_H
#define RL_FLEET_SHARED_ALGORITHM_H

#include "errand.h"
#include "reservation.h"

/* What one algorithm does with its shared counters. Each function works on the counter of the
 * reservation. */
typedef struct rl_shared_ops {
    /* Foresees what charge will ask of the store first. */
    void (*foresee)(rl_reservation_t *, rl_errand_t *);
    /* Reserves op.cost. Returns OK and sets the step, granted or not; else returns why the
     * store gave no answer. */
    rl_store_status_e (*charge)(rl_reservation_t *, rl_step_t *);
    /* Returns true if units that were just granted without the store, and are already noted as
     * a debt, fit. */
    bool (*fits_with_debt)(rl_reservation_t *);
    /* Begins to give back op.cost units, which were charged under stamp: off the debt if that
     * has them; else they are due in the store, with res->back set, and take_back() has to
     * follow. */
    rl_refund_e (*refund)(rl_reservation_t *, uint64_t stamp);
    /* Gives them back in the store. Returns false if the counter has been cleared since: then
     * nothing may be given back in the ledger either. */
    bool (*take_back)(rl_reservation_t *, uint64_t stamp);
    /* Compares what this server knows with what the store knows, and mends whichever is
     * wrong. */
    void (*refresh)(rl_reservation_t *);
    /* Brings what this server knows to what the store knows, be that more or less. Returns OK,
     * also if the store has no such counter; else why it gave no answer. */
    rl_store_status_e (*learn)(rl_reservation_t *);
    /* Forgets what is known of the counter, which is about to be cleared, and foresees that. */
    void (*forget)(rl_reservation_t *, rl_errand_t *);
    /* Clears the counter in the store. Returns OK, or why the store could not be told. */
    rl_store_status_e (*clear)(rl_reservation_t *);
} rl_shared_ops_t;

extern const rl_shared_ops_t rl_shared_window, rl_shared_bucket;

/* Gives back to the store what is left of a token bucket's lease (core/meter/lease_word.h),
 * unless units were reserved after it. */
void rl_shared_bucket_return_lease(rl_reservation_t *res, uint64_t lease);

#endif
