/* SPDX-License-Identifier: Apache-2.0 */
#include "meter.h"

#include "../wide.h"
#include "algorithm.h"
#include "bucket.h"
#include "tally.h"

/* ---- COUNT/concurrent: nothing is counted here, so nothing is ever used ---- */

static void no_charge(const rl_operation_t *op, const uint64_t *words, rl_step_t *step)
{
    (void)words;
    *step = (rl_step_t){
        .granted = true, .word = -1, .reset = op->now, .retry = op->now, .expires = op->now};
}

static void no_refund(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                      rl_step_t *step)
{
    (void)op, (void)words, (void)stamp, (void)step;
}

static uint64_t no_value(const rl_meter_t *meter, const uint64_t *words, uint64_t stamp)
{
    (void)meter, (void)words, (void)stamp;
    return 0;
}

static void no_raise(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                     uint64_t value, rl_step_t *step)
{
    (void)op, (void)words, (void)stamp, (void)value, (void)step;
}

static void no_lower(const uint64_t *words, const rl_correction_t *correction, rl_step_t *step)
{
    (void)words, (void)correction, (void)step;
}

static void no_clear(const rl_operation_t *op, const uint64_t *words, rl_step_t *step)
{
    (void)op, (void)words, (void)step;
}

static int64_t any_time(const rl_operation_t *op, const rl_step_t *step)
{
    (void)op;
    return step->reset;
}

static const rl_meter_ops_t no_counter_ops = {no_charge, no_refund, no_value, no_raise,
                                              no_lower,  no_clear,  any_time};

/* ---- the algorithms ---- */

static const rl_meter_ops_t *const algorithms[] = {
    [RL_FIXED_WINDOW] = &rl_window_ops,       [RL_SLIDING_WINDOW] = &rl_window_ops,
    [RL_TOKEN_BUCKET] = &rl_bucket_ops,       [RL_PENALTY] = &rl_penalty_ops,
    [RL_FIRST_WINDOW] = &rl_first_window_ops, [RL_CONCURRENT] = &no_counter_ops,
};

void rl_meter_prepare(rl_meter_t *meter)
{
    if (meter->algorithm == RL_TOKEN_BUCKET) {
        rl_bucket_prepare(meter);
    }
}

int64_t rl_meter_quota_us(const rl_meter_t *meter)
{
    uint64_t time;
    if (meter->algorithm != RL_TOKEN_BUCKET || meter->limit == 0) {
        return meter->period_us;
    }
    time = rl_mul_div_up(meter->burst, (uint64_t)meter->period_us, meter->limit);
    return time < (uint64_t)TIME_MAX ? (int64_t)time : TIME_MAX;
}

bool rl_meter_is_shareable(const rl_meter_t *meter)
{
    return meter->algorithm == RL_TOKEN_BUCKET
               ? rl_bucket_ticks(meter, RL_TALLY_TIME_MAX) < RL_TALLY_TICKS_MAX
               : meter->limit <= RL_TALLY_LIMIT;
}

rl_meter_t rl_meter_penalty(const rl_meter_t *meter, int64_t least_us)
{
    const int64_t longest =
        meter->double_us > meter->penalty_us ? meter->double_us : meter->penalty_us;
    return (rl_meter_t){.algorithm = RL_PENALTY,
                        .extend = meter->extend,
                        .limit = 1,
                        .period_us = meter->penalty_us,
                        .double_us = meter->double_us,
                        .least_us = meter->extend ? 0 : least_us,
                        .penalty_us = longest + 2 * rl_meter_quota_us(meter)};
}

void rl_meter_charge(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                     rl_step_t *step)
{
    algorithms[op->meter.algorithm]->charge(op, words, step);
}

void rl_meter_refund(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                     uint64_t stamp, rl_step_t *step)
{
    *step = (rl_step_t){.word = -1};
    algorithms[op->meter.algorithm]->refund(op, words, stamp, step);
}

uint64_t rl_meter_held(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                       uint64_t stamp)
{
    return algorithms[meter->algorithm]->held(meter, words, stamp);
}

void rl_meter_raise(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    uint64_t stamp, uint64_t value, rl_step_t *step)
{
    *step = (rl_step_t){.word = -1};
    algorithms[op->meter.algorithm]->raise(op, words, stamp, value, step);
}

void rl_meter_lower(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    const rl_correction_t *correction, rl_step_t *step)
{
    *step = (rl_step_t){.word = -1};
    algorithms[op->meter.algorithm]->lower(words, correction, step);
}

void rl_meter_clear(const rl_operation_t *op, const uint64_t words[RL_METER_WORDS],
                    rl_step_t *step)
{
    *step = (rl_step_t){.word = -1};
    algorithms[op->meter.algorithm]->clear(op, words, step);
}

int64_t rl_meter_more_at(const rl_operation_t *op, const rl_step_t *step)
{
    return algorithms[op->meter.algorithm]->more_at(op, step);
}

int64_t rl_step_free_at(const rl_step_t *step)
{
    return !step->granted && step->retry > step->reset ? step->retry : step->reset;
}
