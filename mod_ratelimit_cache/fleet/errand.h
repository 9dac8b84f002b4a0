/* SPDX-License-Identifier: Apache-2.0 */
/* An errand: what the rules of one request want of the shared store, asked for in one round
 * trip. What comes back is kept in hand, and answers the operations that would have asked one
 * after the other: so how a counter is charged doesn't depend on it.
 *
 *     begin      from here on operations of the session pass by the errand
 *     want ...   what the operations are about to ask
 *     run        asks the store
 *                operations: one that was foreseen takes its answer, any other asks the store
 *     end        takes off again what was added and nobody took
 *
 * An answer is taken once, and not after another operation of the session has changed the
 * counter. An addition whose answer nobody has taken is taken off before anything else is done
 * with its counter, and no later than at the end. The value that answers an addition is the
 * count after everybody's additions up to then, so it may be higher than the sum would have
 * been, never lower.
 *
 * Commands that are sent together say nothing by themselves of whether they were carried out.
 * An addition was if the counter was made just before it, or is the one that was known before;
 * or if that was cleared, since then what was added before doesn't count any more. Otherwise
 * nobody can tell: the addition is not taken, nor taken off; it may be counted for nothing. A
 * value that was put is there if it is read; else it is put once more, by itself.
 *
 * An errand belongs to a session and one thread. There may be another one within it,
 * which asks for itself: what this one has in hand of the same counters is let go. */
#ifndef RL_FLEET_ERRAND_H
#define RL_FLEET_ERRAND_H

#include "shared_store.h"

/* What came back for one want. */
typedef struct rl_answer {
    unsigned incarnation; /* ADD: that of the counter as it is known here; see tally.h */
    bool has_change; /* what was added, taken off or put is there, and nobody has taken it */
    bool has_value;  /* nobody has read the value, and it is still that of the counter */
} rl_answer_t;

typedef struct rl_errand {
    rl_store_t front; /* what the session takes for its store; must come first */
    rl_store_t *store;
    bool was_run;
    unsigned n, trips; /* wants; round trips that they would take by themselves */
    rl_want_t wants[RL_WANTS_MAX];
    rl_answer_t answers[RL_WANTS_MAX];
} rl_errand_t;

/* Begins an errand of the session, which must outlive it. One of no session, NULL, asks
 * nobody. */
void rl_errand_begin(rl_errand_t *errand, rl_store_session_t *session);

/* Foresees that the counter is read. */
void rl_errand_read(rl_errand_t *errand, const rl_shared_counter_t *counter);

/* Foresees that units are added to the counter, which is known here by this incarnation, 0 if
 * it isn't known. made: see rl_want_t. */
void rl_errand_add(rl_errand_t *errand, const rl_shared_counter_t *counter, uint64_t units,
                   uint64_t made, unsigned incarnation);

/* Foresees that units are subtracted, which must then be done. */
void rl_errand_subtract(rl_errand_t *errand, const rl_shared_counter_t *counter,
                        uint64_t units);

/* Foresees that the counter is set to the value, which must then be done. */
void rl_errand_put(rl_errand_t *errand, const rl_shared_counter_t *counter, uint64_t value);

/* Asks the store, unless the operations that are foreseen take no more than one round trip by
 * themselves. */
void rl_errand_run(rl_errand_t *errand, rl_store_session_t *session);

/* Returns true if the errand has read the counter, whoever took the answer. */
bool rl_errand_has_read(const rl_errand_t *errand, const rl_shared_counter_t *counter);

/* Returns true if units were added to the counter that nobody has taken. */
bool rl_errand_has_rest(const rl_errand_t *errand, const rl_shared_counter_t *counter);

/* Ends the errand. */
void rl_errand_end(rl_errand_t *errand, rl_store_session_t *session);

#endif
