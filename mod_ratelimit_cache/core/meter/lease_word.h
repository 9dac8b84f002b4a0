/* Leases, as pure transitions: units of a fleet's counter that a server has reserved ahead of
 * its requests, and spends without asking anybody. (The escrow method of database literature:
 * O'Neil, "The escrow transactional method", 1986.)
 *
 * Whoever keeps a lease keeps two 64-bit words with it, 0 at first: the lease itself, and the
 * key's pace, from which its next size comes. Nothing here changes a word or reads a clock.
 */
#ifndef RL_CORE_METER_LEASE_WORD_H
#define RL_CORE_METER_LEASE_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "meter.h"

/* The most units that are reserved at once. A counter's number has room for thousands of
 * requests that do so at the same time (core/meter/tally.h). */
#define RL_LEASE_MAX 1024u

/* A lease of this many units at least is renewed when one part in as many is left; so none is
 * of which RL_LEASE_LOW are left. */
#define RL_LEASE_LARGE 16u
#define RL_LEASE_LOW   (RL_LEASE_MAX / RL_LEASE_LARGE)

/* ---- the lease ---- */

/* Units that are left of it: of a window those that were reserved in this one; of a token
 * bucket the whole tokens that haven't drained. */
uint32_t rl_lease_word_left(const rl_operation_t *op, uint64_t lease, uint32_t window);

/* The lease with units less, at most what is left. */
uint64_t rl_lease_word_spent(const rl_operation_t *op, uint64_t lease, uint32_t window,
                             uint32_t units);

/* The lease with units more. Of a token bucket they are those that end at the arrival time
 * `until`, in ticks. What the word can't hold together with what is left stays reserved and
 * unspent: units of a window that is over, one of two parts of a bucket that aren't adjacent.
 */
uint64_t rl_lease_word_extended(const rl_operation_t *op, uint64_t lease, uint32_t window,
                                uint64_t until, uint32_t units);

/* Token bucket: the lease when units that were spent here are given back to the bucket, which
 * lowers its arrival time: what is left is that much earlier, but not before now. */
uint64_t rl_lease_word_lowered(const rl_operation_t *op, uint64_t lease, uint32_t units);

/* Token bucket: where in the bucket's time the lease begins, in ticks; what was spent of it
 * last ends there. */
uint64_t rl_lease_word_start(const rl_operation_t *op, uint64_t lease);

/* Token bucket: ticks that are left, and whether they end at this arrival time. */
uint64_t rl_lease_word_ticks(const rl_operation_t *op, uint64_t lease);
bool rl_lease_word_ends_at(uint64_t lease, uint64_t until);

/* ---- its size ---- */

/* How many units to reserve for a request that needs cost of them: no more than the key uses up
 * here in a second, nor than twice as many as last time, nor than an eighth of what is left of
 * the limit, nor than will be used before the window ends; but at least cost. `used` of them
 * were used up since the pace began; step is what the meter says of the request as far as this
 * server knows. */
uint32_t rl_pace_next_size(const rl_operation_t *op, uint64_t pace, uint32_t used,
                           const rl_step_t *step, uint32_t cost);

/* Whether it is time to reserve the next lease, before this one is used up and every request
 * has to ask for itself: little is left of one that was large. */
bool rl_pace_is_low(uint64_t pace, uint32_t left);

/* The pace while units are being reserved, and afterwards: what there is of the lease then. One
 * request at a time reserves more than it needs, or as many times too much would be reserved as
 * requests come at once. */
uint64_t rl_pace_begin(uint32_t units, int64_t now);
uint64_t rl_pace_end(uint64_t pace, uint32_t units);

/* Whether somebody is reserving units; not for longer than a store is waited for, because he
 * may have been killed. */
bool rl_pace_is_busy(uint64_t pace, int64_t now);

/* Microseconds since it began; 0 when it is yet to begin. */
int64_t rl_pace_age(uint64_t pace, int64_t now);

/* What there was of the lease when it began. */
uint32_t rl_pace_units(uint64_t pace);

#endif
