#include "meter.h"

#include "algorithm.h"
#include "tally.h"

static const rl_meter_ops_t *const algorithms[] = {
    [RL_FIXED_WINDOW] = &rl_meter_window,
    [RL_SLIDING_WINDOW] = &rl_meter_window,
    [RL_TOKEN_BUCKET] = &rl_meter_bucket,
    [RL_PENALTY] = &rl_meter_block,
};

uint64_t rl_meter_held_time(const rl_meter_t *meter, const uint64_t *words, uint64_t stamp)
{
    (void)meter;
    (void)stamp;
    return words[0];
}

void rl_meter_lower_time(const uint64_t *words, uint64_t stamp, uint64_t from, uint64_t to,
                         rl_step_t *step)
{
    (void)stamp;
    step->word = words[0] == from ? 0 : -1;
    step->value = to;
}

void rl_meter_prepare(rl_meter_t *meter)
{
    if (meter->algorithm == RL_TOKEN_BUCKET) {
        rl_bucket_prepare(meter);
    }
}

uint32_t rl_meter_quota(const rl_meter_t *meter)
{
    return meter->algorithm == RL_TOKEN_BUCKET && meter->limit > 0 ? meter->burst
                                                                   : meter->limit;
}

int64_t rl_meter_quota_us(const rl_meter_t *meter)
{
    unsigned __int128 time;
    if (meter->algorithm != RL_TOKEN_BUCKET || meter->limit == 0) {
        return meter->period_us;
    }
    time = ((unsigned __int128)meter->burst * (uint64_t)meter->period_us + meter->limit - 1) /
           meter->limit;
    return time < TIME_MAX ? (int64_t)time : TIME_MAX;
}

bool rl_meter_is_shareable(const rl_meter_t *meter)
{
    return meter->algorithm == RL_TOKEN_BUCKET
               ? rl_bucket_ticks(meter, RL_TALLY_TIME_MAX) < RL_TALLY_TICKS_MAX
               : meter->limit <= RL_TALLY_LIMIT;
}

rl_meter_t rl_meter_penalty(const rl_meter_t *meter, int64_t least_us)
{
    const bool longer = !meter->extend && least_us > meter->penalty_us;
    return (rl_meter_t){.algorithm = RL_PENALTY,
                        .extend = meter->extend,
                        .limit = 1,
                        .period_us = longer ? least_us : meter->penalty_us,
                        .penalty_us = meter->penalty_us + 2 * rl_meter_quota_us(meter)};
}

void rl_meter_charge(const rl_meter_t *meter, const rl_digest_t *key,
                     const uint64_t words[RL_METER_WORDS], int64_t now, uint32_t cost,
                     rl_step_t *step)
{
    algorithms[meter->algorithm]->charge(meter, key, words, now, cost, step);
}

void rl_meter_refund(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                     uint64_t stamp, uint32_t units, int64_t now, rl_step_t *step)
{
    *step = (rl_step_t){.word = -1};
    algorithms[meter->algorithm]->refund(meter, words, stamp, units, now, step);
}

uint64_t rl_meter_held(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                       uint64_t stamp)
{
    return algorithms[meter->algorithm]->held(meter, words, stamp);
}

void rl_meter_raise(const rl_meter_t *meter, const rl_digest_t *key,
                    const uint64_t words[RL_METER_WORDS], uint64_t stamp, uint64_t value,
                    rl_step_t *step)
{
    *step = (rl_step_t){.word = -1};
    algorithms[meter->algorithm]->raise(meter, key, words, stamp, value, step);
}

void rl_meter_lower(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                    uint64_t stamp, uint64_t from, uint64_t to, rl_step_t *step)
{
    *step = (rl_step_t){.word = -1};
    algorithms[meter->algorithm]->lower(words, stamp, from, to, step);
}

void rl_meter_clear(const rl_meter_t *meter, const rl_digest_t *key,
                    const uint64_t words[RL_METER_WORDS], int64_t now, rl_step_t *step)
{
    *step = (rl_step_t){.word = -1};
    algorithms[meter->algorithm]->clear(meter, key, words, now, step);
}
