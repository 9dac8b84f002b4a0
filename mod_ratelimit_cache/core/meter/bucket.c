/* SPDX-License-Identifier: Apache-2.0 */
/* Token bucket, as the generic cell rate algorithm (ITU-T I.371). Only the theoretical arrival
 * time is kept, the moment at which the bucket will be full:
 *
 *     word 0:  theoretical arrival time (64 bits), in ticks since the epoch
 *
 * A token is worth 2^shift ticks, so adding tokens is exact. A tick is the time of a token
 * divided by that, so a rate that does not divide evenly is exact, too: rounding happens only
 * where the clock is read, and never adds up. The shift is the largest with which times until
 * the year 2100 and a whole bucket fit into the numbers of core/meter/tally.h. A tick is then
 * some 30 to 60 microseconds, and never more than the time of a token.
 *
 * A request fits if the arrival time, moved on by its cost, is at most a whole bucket ahead of
 * now. A new bucket holds `initial` tokens. If that is less than a full bucket, the arrival
 * time is written even when the request does not fit; otherwise the bucket would be new for
 * ever. */
#include "bucket.h"

#include "../hot.h"
#include "../wide.h"
#include "algorithm.h"
#include "tally.h"

/* Returns the ticks of a period. They fit: the shift is chosen so that the ticks until the year
 * 2100 do, at the longest period and with twice as many of them. */
static uint64_t scaled_limit(const rl_meter_t *meter)
{
    return (uint64_t)meter->limit << meter->shift;
}

uint64_t rl_bucket_ticks(const rl_meter_t *meter, int64_t time_us)
{
    return rl_mul_div(scaled_limit(meter), (uint64_t)time_us, (uint64_t)meter->period_us);
}

/* Returns the first moment at which this many ticks have passed, in microseconds since the
 * epoch. */
static int64_t time_of(const rl_meter_t *meter, uint64_t ticks)
{
    const uint64_t time = rl_mul_div_up(ticks, (uint64_t)meter->period_us, scaled_limit(meter));
    return time < (uint64_t)TIME_MAX ? (int64_t)time : TIME_MAX;
}

void rl_bucket_prepare(rl_meter_t *meter)
{
    meter->shift = 0;
    for (unsigned shift = 1; shift < 48 && meter->limit > 0; shift++) {
        rl_meter_t finer = *meter;
        finer.shift = (uint8_t)shift;
        if (rl_bucket_ticks(&finer, RL_TALLY_TIME_MAX) >= RL_TALLY_TICKS_MAX ||
            (uint64_t)meter->burst << shift > RL_TALLY_BUCKET_MAX) {
            break;
        }
        meter->shift = (uint8_t)shift;
    }
}

uint64_t rl_bucket_cost(const rl_meter_t *meter, uint32_t tokens)
{
    return (uint64_t)tokens << meter->shift;
}

/* Returns the tokens that this many ticks are: rounded up, at most a bucket full. */
static uint32_t tokens_in(const rl_meter_t *meter, uint64_t ticks)
{
    const uint64_t whole = UINT64_C(1) << meter->shift;
    const uint64_t tokens = (ticks + whole - 1) >> meter->shift;
    return tokens < meter->burst ? (uint32_t)tokens : meter->burst;
}

/* Returns the arrival time that counts at now: between now and a whole bucket and CLOCK_SLACK
 * ahead. Sets *changed if it must be written even when nothing is charged. */
static uint64_t current_time(const rl_meter_t *meter, uint64_t stored, uint64_t now,
                             bool *changed)
{
    const uint64_t full = now + rl_bucket_cost(meter, meter->burst);
    const uint64_t ahead = stored > full ? stored - full : 0;
    if (stored == 0 || ahead > rl_bucket_ticks(meter, CLOCK_HORIZON)) {
        *changed = meter->initial < meter->burst;
        return full - rl_bucket_cost(meter, meter->initial);
    }
    *changed = ahead > rl_bucket_ticks(meter, CLOCK_SLACK);
    if (*changed) {
        return full;
    }
    return stored > now ? stored : now;
}

/* Returns when the bucket may be forgotten: once it is full; a period later if a new one would
 * hold less; and in any case when nobody has asked for a year, full or not: see METER_LIFE_MAX.
 */
static int64_t expiry(const rl_meter_t *meter, int64_t now, int64_t reset)
{
    const int64_t end = reset + (meter->initial < meter->burst ? meter->period_us : 0);
    return end < now + METER_LIFE_MAX ? end : now + METER_LIFE_MAX;
}

/* Denies everything: with a limit of 0 there are no ticks. */
static void deny_all(const rl_meter_t *meter, int64_t now, rl_step_t *step)
{
    *step = (rl_step_t){.word = -1, .window = (uint32_t)(now / meter->period_us)};
    step->reset = step->retry = step->expires = now + meter->period_us;
}

RL_EACH_REQUEST static void bucket_charge(const rl_operation_t *op, const uint64_t *words,
                                          rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const int64_t now_us = op->now;
    const uint32_t cost = op->cost;
    bool changed;
    uint64_t now, time, end;
    if (meter->limit == 0) {
        deny_all(meter, now_us, step);
        return;
    }
    now = rl_bucket_ticks(meter, now_us);
    time = current_time(meter, words[0], now, &changed);
    end = now + rl_bucket_cost(meter, meter->burst);
    const bool possible = cost <= meter->burst;
    const bool granted = cost == 0 || (possible && time + rl_bucket_cost(meter, cost) <= end);
    const uint64_t after = granted ? time + rl_bucket_cost(meter, cost) : time;
    step->granted = granted;
    step->again = false;
    step->word = changed || (granted && cost > 0) ? 0 : -1;
    step->value = after;
    step->stamp = after;
    step->window = (uint32_t)(now_us / meter->period_us);
    step->used = tokens_in(meter, after - now);
    step->room = meter->burst;
    step->reset = after > now ? time_of(meter, after) : now_us;
    step->retry = now_us + (granted ? 0 : meter->period_us);
    if (!granted && possible) {
        step->retry = time_of(meter, time + rl_bucket_cost(meter, cost) -
                                         rl_bucket_cost(meter, meter->burst));
    }
    step->expires = expiry(meter, now_us, step->reset);
}

/* What can be given back is what has not drained yet; the bucket never holds more than its
 * size.
 *
 * If earlier charges were given back meanwhile, the stamp says a later time than that of the
 * charge by now, and tokens that came back by themselves are given back once more. Someone who
 * has half a bucket given back at once, waits until the rest has drained, and only then has the
 * rest given back as well, gets up to half a bucket more in all. Only a list of all charges
 * under way could tell; and to give back less would charge those for whom refunds are meant. */
static void bucket_refund(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                          rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const uint64_t now = meter->limit > 0 ? rl_bucket_ticks(meter, op->now) : UINT64_MAX;
    const uint64_t left = stamp > now ? stamp - now : 0;
    const uint64_t whole = rl_bucket_cost(meter, op->cost);
    const uint64_t ticks = whole < left ? whole : left;
    if (ticks > 0 && words[0] > ticks) {
        step->word = 0;
        step->value = words[0] - ticks;
    }
}

static void bucket_raise(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                         uint64_t value, rl_step_t *step)
{
    uint64_t now;
    (void)stamp;
    if (op->meter.limit == 0) {
        return; /* without ticks there is nothing to raise, and all is denied anyhow */
    }
    now = rl_bucket_ticks(&op->meter, op->now);
    step->used = value > now ? tokens_in(&op->meter, value - now) : 0;
    step->word = words[0] < value ? 0 : -1;
    step->value = step->stamp = value;
    step->reset = step->expires = time_of(&op->meter, value);
}

/* Fills the bucket. Tokens that were saved stay. */
static void bucket_clear(const rl_operation_t *op, const uint64_t *words, rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const uint64_t full = meter->limit > 0 ? rl_bucket_ticks(meter, op->now) : UINT64_MAX;
    if (words[0] > full) {
        step->word = 0;
        step->value = full;
    }
}

/* The next token comes when the arrival time, which the step's reset tells to the tick, is a
 * whole number of tokens ahead. */
static int64_t bucket_more_at(const rl_operation_t *op, const rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    uint64_t now, full;
    if (meter->limit == 0) {
        return step->reset;
    }
    now = rl_bucket_ticks(meter, op->now);
    full = rl_bucket_ticks(meter, step->reset);
    return full > now ? time_of(meter, now + 1 + (full - now - 1) % rl_bucket_cost(meter, 1))
                      : op->now;
}

const rl_meter_ops_t rl_bucket_ops = {bucket_charge, bucket_refund,       rl_meter_held_time,
                                      bucket_raise,  rl_meter_lower_time, bucket_clear,
                                      bucket_more_at};
