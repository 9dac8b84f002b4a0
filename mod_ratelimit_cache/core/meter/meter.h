/* SPDX-License-Identifier: Apache-2.0 */
/* Meters: the rate limit algorithms, as pure functions of two words and the time.
 *
 * A meter says how one rule counts one key. Its state is two 64-bit words, which are zero, or
 * noise that another key left, if the key was never seen. The functions here compute a step
 * from words and time: what a single 64-bit compare-and-swap would have to change. They change
 * nothing themselves, read no clock, never fail, and may be called from any thread. Whoever
 * owns the words applies the step or drops it. */
#ifndef RL_CORE_METER_METER_H
#define RL_CORE_METER_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "operation.h"

/* Completes a meter. Call it after other members were set or changed. */
void rl_meter_prepare(rl_meter_t *meter);

/* Returns true for a window of any kind, false for a token bucket or a penalty. */
static inline bool rl_meter_is_window(const rl_meter_t *meter)
{
    return meter->algorithm != RL_TOKEN_BUCKET && meter->algorithm != RL_PENALTY &&
           meter->algorithm != RL_CONCURRENT;
}

/* Returns true if the limit is lower than usual. */
static inline bool rl_meter_is_lowered(const rl_meter_t *meter)
{
    return meter->usual > meter->limit;
}

/* Returns the limit as it usually is. What a counter is known to hold may be as much, whatever
 * the limit is now. */
static inline uint32_t rl_meter_usual(const rl_meter_t *meter)
{
    return rl_meter_is_lowered(meter) ? meter->usual : meter->limit;
}

/* Returns the most units that can be used at once: the limit, or the size of the bucket. */
static inline uint32_t rl_meter_quota(const rl_meter_t *meter)
{
    return meter->algorithm == RL_TOKEN_BUCKET && meter->limit > 0 ? meter->burst
                                                                   : meter->limit;
}

/* Returns the time in which the quota comes back, in microseconds: the period, or the time in
 * which the bucket fills up, at most 136 years. */
int64_t rl_meter_quota_us(const rl_meter_t *meter);

/* Returns true if several servers can share a counter of this meter: its numbers fit into those
 * of tally.h. */
bool rl_meter_is_shareable(const rl_meter_t *meter);

/* Returns the meter of the penalty that a meter with penalty_us imposes. A charge of 0 units
 * asks if the key is free of the penalty; a charge of 1 unit imposes it. With double_us, one
 * that begins within double_us of the end of the last is twice as long. least_us is how long,
 * in microseconds, the limit itself still denies the key. A penalty without `extend` is made to
 * last at least that long: a shorter one would end while the key is still over its limit, and
 * the next try would start another. The penalty_us of the result is the longest that such a
 * penalty can last. */
rl_meter_t rl_meter_penalty(const rl_meter_t *meter, int64_t least_us);

/* Computes the step that charges op->cost units at op->now. A step that is not granted may have
 * a change to make, too. */
void rl_meter_charge(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                     rl_step_t *step);

/* Computes the step that gives back op->cost units at op->now; stamp is that of the step that
 * charged them. Sets step->word to -1 if they no longer count. Never counts below zero. */
void rl_meter_refund(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                     uint64_t stamp, rl_step_t *step);

/* Returns the value that counts, as raise and lower take it: the units in the window that stamp
 * names; or the time that a bucket (ticks) or a penalty (microseconds) keeps. */
uint64_t rl_meter_held(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                       uint64_t stamp);

/* Computes the step that raises the value that counts to `value` or more. Sets step->word to -1
 * if there is nothing to raise, or its window is over. */
void rl_meter_raise(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    uint64_t stamp, uint64_t value, rl_step_t *step);

/* Computes the step that makes the correction. Sets step->word to -1 if the value has
 * changed. */
void rl_meter_lower(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    const rl_correction_t *correction, rl_step_t *step);

/* Computes the step that wipes what counts at op->now: no unit is in use then, and a bucket is
 * full. Sets step->word to -1 if nothing is left to wipe. A step may leave more to wipe:
 * compute until nothing is left. */
void rl_meter_clear(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    rl_step_t *step);

/* Returns when more units are left than after the step, which a charge of op's meter at op->now
 * has computed, if nothing else comes: microseconds since the epoch. The end of the window if
 * nothing is in use; of a bucket op->now then. Penalties don't count here. */
int64_t rl_meter_more_at(const rl_operation_t *op, const rl_step_t *step);

/* Returns when nothing of the key's use is left and the key is no longer denied, in
 * microseconds since the epoch. A penalty can outlast the window. */
int64_t rl_step_free_at(const rl_step_t *step);

#endif
