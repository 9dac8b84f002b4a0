/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of leases. A lease is units of a fleet's counter that a server has reserved
 * ahead of its requests, and spends without asking anybody. (The escrow method of database
 * literature: O'Neil, "The escrow transactional method", 1986.)
 *
 * A lease is kept in two 64-bit words, 0 at first: the lease itself, and the key's pace, which
 * the size of the next lease comes from. The functions here are pure: they change no word, read
 * no clock, and take from the operation its meter and its time. */
#ifndef RL_CORE_METER_LEASE_WORD_H
#define RL_CORE_METER_LEASE_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "meter.h"

/* The most units to reserve ahead at once. The number of a counter has room for thousands of
 * requests that do so at the same time (core/meter/tally.h). */
#define RL_LEASE_MAX 1024u

/* A lease of RL_LEASE_LARGE units or more is renewed when less than 1/RL_LEASE_LARGE of it is
 * left. As a lease seldom has more than RL_LEASE_MAX, one with RL_LEASE_LOW units left is not
 * due: a cheap first test. */
#define RL_LEASE_LARGE 16u
#define RL_LEASE_LOW   (RL_LEASE_MAX / RL_LEASE_LARGE)

/* ---- the lease ---- */

/* Returns the units that are left: for a window, those that were reserved in this window; for a
 * token bucket, which has no window, the whole tokens that have not drained. */
uint32_t rl_lease_word_left(const rl_operation_t *op, uint64_t lease, uint32_t window);

/* Returns the lease with `units` less, which is at most what is left. */
uint64_t rl_lease_word_spent(const rl_operation_t *op, uint64_t lease, uint32_t window,
                             uint32_t units);

/* Returns the lease with `units` more; for a token bucket, those that end at the arrival time
 * `until`, in ticks. The word can't hold units of two windows, or two parts of a bucket that
 * are not adjacent: the units of the earlier window, or the shorter part, stay reserved and
 * unspent. */
uint64_t rl_lease_word_extended(const rl_operation_t *op, uint64_t lease, uint32_t window,
                                uint64_t until, uint32_t units);

/* Token bucket: returns the lease after units that were spent here were given back to the
 * bucket, which lowers its arrival time: what is left lies that much earlier, but not before
 * now. */
uint64_t rl_lease_word_lowered(const rl_operation_t *op, uint64_t lease, uint32_t units);

/* Token bucket: returns the tick of the bucket's time at which the lease begins; what was spent
 * of it last ends there. */
uint64_t rl_lease_word_start(const rl_operation_t *op, uint64_t lease);

/* Token bucket: returns the ticks that are left. */
uint64_t rl_lease_word_ticks(const rl_operation_t *op, uint64_t lease);

/* Token bucket: returns true if the lease ends at the arrival time `until`, in ticks. */
bool rl_lease_word_ends_at(uint64_t lease, uint64_t until);

/* ---- the pace ---- */

/* Returns how many units to reserve for a request that needs `cost` of them. The least of
 *
 *     RL_LEASE_MAX
 *     what the key uses up here in a second
 *     twice as many as last time
 *     an eighth of what is left of the limit
 *     what will be used before the window ends
 *
 * or `cost`, if that is more. `used` is the units used up since the pace began. The step is
 * what the meter says of the request as far as this server knows. */
uint32_t rl_pace_next_size(const rl_operation_t *op, uint64_t pace, uint32_t used,
                           const rl_step_t *step, uint32_t cost);

/* Returns true if it is time to reserve the next lease: little is left of one that was large.
 * Once it is used up, every request has to ask for itself. */
bool rl_pace_is_low(uint64_t pace, uint32_t left);

/* Returns the pace of a request that begins to reserve more than it needs, at now; `units` is
 * what the lease is to come to. While one does, others don't; without this, all requests that
 * come at once would reserve a lease each. */
uint64_t rl_pace_begin(uint32_t units, int64_t now);

/* Returns the pace when nobody reserves any more; `units` is what the lease has then. */
uint64_t rl_pace_end(uint64_t pace, uint32_t units);

/* Returns true if a request is reserving units. A reservation counts as under way no longer
 * than a store may take, because its process may have been killed. */
bool rl_pace_is_busy(uint64_t pace, int64_t now);

/* Returns the microseconds since the pace began, 0 if it never did or lies in the future. */
int64_t rl_pace_age(uint64_t pace, int64_t now);

/* Returns the units that the lease had, or was to have, when units were reserved last. */
uint32_t rl_pace_units(uint64_t pace);

#endif
