/* SPDX-License-Identifier: Apache-2.0 */
/* A penalty
 *
 *     word 0:  when it ends, in microseconds since the epoch
 *
 * It is a counter of its own beside that of the rule which imposes it, so that it goes with
 * every algorithm. A charge of 0 units asks if the key is free of it. */
#include "algorithm.h"

/* Returns when the penalty ends, 0 if there never was one. A penalty that lasts longer than it
 * may was imposed before the clock was set back. */
static int64_t penalty_end(const rl_meter_t *meter, uint64_t word, int64_t now)
{
    const int64_t latest = now + meter->penalty_us;
    if (word > (uint64_t)(latest + CLOCK_HORIZON)) {
        return 0;
    }
    return (int64_t)word > latest + CLOCK_SLACK ? latest : (int64_t)word;
}

static void penalty_charge(const rl_operation_t *op, const uint64_t *words, rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const int64_t now = op->now;
    const int64_t ends = penalty_end(meter, words[0], now);
    const bool is_free = ends <= now;
    const bool imposed = op->cost > 0 && (is_free || meter->extend);
    const bool corrected = !is_free && (uint64_t)ends < words[0];
    const int64_t anew = now + meter->period_us;
    const int64_t until = imposed && anew > ends ? anew : ends;
    *step = (rl_step_t){.granted = is_free, .word = imposed || corrected ? 0 : -1};
    step->value = step->stamp = (uint64_t)until;
    step->window = (uint32_t)(now / meter->period_us);
    step->used = imposed || !is_free ? 1 : 0;
    step->reset = step->expires = until;
    step->retry = until > now ? until : now;
}

/* A penalty is not given back. */
static void penalty_refund(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                           rl_step_t *step)
{
    (void)op, (void)words, (void)stamp, (void)step;
}

static void penalty_raise(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                          uint64_t value, rl_step_t *step)
{
    (void)op, (void)stamp;
    step->word = words[0] < value ? 0 : -1;
    step->value = step->stamp = value;
    step->used = 1;
    step->reset = step->expires = (int64_t)value;
}

static void penalty_clear(const rl_operation_t *op, const uint64_t *words, rl_step_t *step)
{
    (void)op;
    step->word = words[0] != 0 ? 0 : -1;
}

static int64_t penalty_more_at(const rl_operation_t *op, const rl_step_t *step)
{
    (void)op;
    return step->reset;
}

const rl_meter_ops_t rl_penalty_ops = {penalty_charge, penalty_refund,      rl_meter_held_time,
                                       penalty_raise,  rl_meter_lower_time, penalty_clear,
                                       penalty_more_at};
