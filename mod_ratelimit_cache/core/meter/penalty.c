/* SPDX-License-Identifier: Apache-2.0 */
/* A penalty
 *
 *     word 0:  when it ends, and how many in a row it is (penalty_word.h)
 *
 * It is a counter of its own beside that of the rule which imposes it, so that it goes with
 * every algorithm. A charge of 0 units asks if the key is free of it. */
#include "penalty_word.h"

#include "algorithm.h"

/* Returns the word as it counts at now, 0 if there never was a penalty. One that lasts longer
 * than it may was imposed before the clock was set back. */
static uint64_t penalty_word_at(const rl_meter_t *meter, uint64_t word, int64_t now)
{
    const int64_t latest = now + meter->penalty_us;
    if (word > (uint64_t)(latest + CLOCK_HORIZON)) {
        return 0;
    }
    return rl_penalty_end(word) > latest + CLOCK_SLACK
               ? rl_penalty_word(latest, rl_penalty_steps(word))
               : word;
}

/* Returns how many penalties in a row one that begins at now is: one more than the last, if
 * that is remembered. */
static unsigned penalty_steps_next(const rl_meter_t *meter, uint64_t last, int64_t now)
{
    const unsigned steps = rl_penalty_steps(last);
    if (meter->double_us == 0 || now > rl_penalty_end(last) + meter->double_us) {
        return 1;
    }
    return steps < RL_PENALTY_STEPS_MAX ? steps + 1 : steps;
}

/* Returns how long the penalty lasts, in microseconds: each in a row twice as long as the one
 * before, up to double_us. */
static int64_t penalty_lasts(const rl_meter_t *meter, unsigned steps)
{
    int64_t lasts = meter->period_us;
    for (unsigned i = 1; i < steps && lasts < meter->double_us; i++) {
        lasts = 2 * lasts < meter->double_us ? 2 * lasts : meter->double_us;
    }
    return lasts > meter->least_us ? lasts : meter->least_us;
}

/* Returns the word of a penalty that is imposed at now, or begins anew then. */
static uint64_t penalty_imposed(const rl_meter_t *meter, uint64_t last, int64_t now)
{
    const bool anew = rl_penalty_end(last) > now && rl_penalty_steps(last) > 0;
    const unsigned steps = anew ? rl_penalty_steps(last) : penalty_steps_next(meter, last, now);
    const uint64_t word = rl_penalty_word(now + penalty_lasts(meter, steps), steps);
    return word > last ? word : last;
}

static void penalty_charge(const rl_operation_t *op, const uint64_t *words, rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const int64_t now = op->now;
    const uint64_t last = penalty_word_at(meter, words[0], now);
    const bool is_free = rl_penalty_end(last) <= now;
    const bool imposed = op->cost > 0 && (is_free || meter->extend);
    const bool corrected = !is_free && last < words[0];
    const uint64_t word = imposed ? penalty_imposed(meter, last, now) : last;
    const int64_t until = rl_penalty_end(word);
    *step = (rl_step_t){.granted = is_free, .word = imposed || corrected ? 0 : -1};
    step->value = step->stamp = word;
    step->window = (uint32_t)(now / meter->period_us);
    step->used = imposed || !is_free ? 1 : 0;
    step->reset = until;
    step->expires = until + meter->double_us;
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
    (void)stamp;
    step->word = words[0] < value ? 0 : -1;
    step->value = step->stamp = value;
    step->used = 1;
    step->reset = rl_penalty_end(value);
    step->expires = step->reset + op->meter.double_us;
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
