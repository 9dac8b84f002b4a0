/* SPDX-License-Identifier: Apache-2.0 */
/* A window that begins with the first unit
 *
 *     word 0:  start (40 bits, in ticks of 1/256 s) | units (24 bits)
 *
 * The first unit that is charged begins the window, which lasts one period. A window of 0 units
 * hasn't begun: when the last one has been given back, or all were wiped, the next charge
 * begins a new one. As long as a unit is left the window stays where it is, though it may be
 * another request's unit by now that began it.
 *
 * Clocks: a window that begins up to CLOCK_SLACK ahead is the current one. The units of one
 * that begins later are carried over into a window that begins now. */
#include "first_window.h"

#include "../hot.h"
#include "algorithm.h"

#define UNITS_BITS    24
#define UNITS_MASK    ((UINT64_C(1) << UNITS_BITS) - 1)
#define TICKS_PER_SEC 256
#define FOLLOWS_PART  2 /* 1/FOLLOWS_PART of a period, or CLOCK_SLACK if that is less */

uint64_t rl_first_window_start(int64_t now)
{
    return (uint64_t)(now * TICKS_PER_SEC / RL_USEC_PER_SEC);
}

uint64_t rl_first_window_numbered(uint32_t number, int64_t now)
{
    const uint64_t at = rl_first_window_start(now);
    return at + (uint64_t)(int64_t)(int32_t)(number - (uint32_t)at);
}

int64_t rl_first_window_begin(uint64_t start)
{
    return (int64_t)start * RL_USEC_PER_SEC / TICKS_PER_SEC;
}

int64_t rl_first_window_end(const rl_meter_t *meter, uint64_t start)
{
    return rl_first_window_begin(start) + meter->period_us;
}

bool rl_first_window_is_current(const rl_meter_t *meter, uint64_t start, int64_t now)
{
    return rl_first_window_end(meter, start) > now &&
           rl_first_window_begin(start) <= now + CLOCK_SLACK;
}

bool rl_first_window_follows(const rl_meter_t *meter, uint64_t start, uint64_t other)
{
    const int64_t part = meter->period_us / FOLLOWS_PART;
    const int64_t early = part < CLOCK_SLACK ? part : CLOCK_SLACK;
    return rl_first_window_begin(start) >= rl_first_window_end(meter, other) - early;
}

static uint64_t first_word_start(uint64_t word)
{
    return word >> UNITS_BITS;
}

static uint32_t first_word_units(uint64_t word)
{
    return (uint32_t)(word & UNITS_MASK);
}

static uint64_t first_make_word(uint64_t start, uint32_t units)
{
    return start << UNITS_BITS | units;
}

/* Returns true if the word holds units of the window with that number. */
static bool first_is_of(uint64_t word, uint64_t stamp)
{
    return (uint32_t)first_word_start(word) == stamp;
}

/* The current window, and what is in it; a window that has not begun starts now. */
typedef struct rl_first_frame {
    uint64_t start;
    uint32_t units;
} rl_first_frame_t;

static rl_first_frame_t first_frame(const rl_operation_t *op, uint64_t word)
{
    const uint64_t start = first_word_start(word);
    const int64_t begin = rl_first_window_begin(start);
    if (rl_first_window_is_current(&op->meter, start, op->now) && first_word_units(word) > 0) {
        return (rl_first_frame_t){start, first_word_units(word)};
    }
    return (rl_first_frame_t){.start = rl_first_window_start(op->now),
                              .units = begin > op->now && begin <= op->now + CLOCK_HORIZON
                                           ? first_word_units(word)
                                           : 0};
}

RL_EACH_REQUEST static void first_charge(const rl_operation_t *op, const uint64_t *words,
                                         rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const uint32_t limit =
        meter->limit < RL_FIRST_WINDOW_LIMIT ? meter->limit : RL_FIRST_WINDOW_LIMIT;
    const rl_first_frame_t frame = first_frame(op, words[0]);
    const bool granted =
        limit > 0 && ((uint64_t)frame.units + op->cost <= limit || op->cost == 0);
    const uint32_t units = frame.units + (granted ? op->cost : 0);
    const bool carried = frame.units > 0 && frame.start != first_word_start(words[0]);
    const int64_t end = rl_first_window_end(meter, frame.start);
    *step = (rl_step_t){.granted = granted,
                        .word = (granted && op->cost > 0) || carried ? 0 : -1,
                        .value = first_make_word(frame.start, units),
                        .used = units,
                        .room = limit,
                        .reset = units > 0 ? end : op->now,
                        .retry = granted ? op->now : end,
                        .expires = end};
    step->stamp = step->window = (uint32_t)frame.start;
    if (!granted && units == 0) {
        /* what never fits begins no window; denials are numbered by the period all the same */
        step->window = (uint32_t)(op->now / meter->period_us);
    }
}

static int64_t first_more_at(const rl_operation_t *op, const rl_step_t *step)
{
    return step->used > 0 || !step->granted ? step->expires : op->now;
}

static void first_refund(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                         rl_step_t *step)
{
    const uint32_t held = first_word_units(words[0]);
    step->word = first_is_of(words[0], stamp) && held > 0 ? 0 : -1;
    step->value =
        first_make_word(first_word_start(words[0]), held > op->cost ? held - op->cost : 0);
}

static uint64_t first_held(const rl_meter_t *meter, const uint64_t *words, uint64_t stamp)
{
    (void)meter;
    return first_is_of(words[0], stamp) ? first_word_units(words[0]) : 0;
}

/* A window that is the current one doesn't give way to another: the news of another may be
 * old. */
static void first_raise(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                        uint64_t value, rl_step_t *step)
{
    const uint64_t start = rl_first_window_numbered((uint32_t)stamp, op->now);
    const rl_first_frame_t frame = first_frame(op, words[0]);
    const uint32_t units =
        value < RL_FIRST_WINDOW_LIMIT ? (uint32_t)value : RL_FIRST_WINDOW_LIMIT;
    const uint32_t held = first_is_of(words[0], stamp) ? first_word_units(words[0]) : 0;
    const bool is_other = frame.units > 0 && frame.start != start;
    step->stamp = step->window = (uint32_t)start;
    step->used = units;
    step->reset = step->expires = rl_first_window_end(&op->meter, start);
    if (units > held && !is_other && rl_first_window_is_current(&op->meter, start, op->now)) {
        step->word = 0;
        step->value = first_make_word(start, units);
    }
}

static void first_lower(const uint64_t *words, const rl_correction_t *correction,
                        rl_step_t *step)
{
    const bool is_same = first_is_of(words[0], correction->stamp) &&
                         first_word_units(words[0]) == correction->from;
    step->word = is_same ? 0 : -1;
    step->value = first_make_word(first_word_start(words[0]), (uint32_t)correction->to);
}

static void first_clear(const rl_operation_t *op, const uint64_t *words, rl_step_t *step)
{
    (void)op;
    step->stamp = step->window = (uint32_t)first_word_start(words[0]);
    step->word = first_word_units(words[0]) > 0 ? 0 : -1;
    step->value = first_make_word(first_word_start(words[0]), 0);
}

const rl_meter_ops_t rl_first_window_ops = {first_charge, first_refund, first_held,
                                            first_raise,  first_lower,  first_clear,
                                            first_more_at};
