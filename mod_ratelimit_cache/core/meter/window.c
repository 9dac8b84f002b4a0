/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed and sliding windows
 *
 *     word 0:  window (32 bits) | units (32 bits)
 *     word 1:  the same for the window before: sliding only
 *
 * Time is cut into windows of one period, numbered from the epoch. All windows of a key are
 * shifted by an offset, a fraction of the period that is drawn from the key, so that not all
 * keys start anew at the same moment. Units of any window but the current one count as none:
 * nothing has to run when a window ends.
 *
 * A sliding window adds the units of the window before, weighted by the share of that window
 * which the last period still overlaps, rounded up: these units are taken to have come evenly.
 * (HAProxy's freq_ctr and Cloudflare's rate limiting count so.) Before the first charge in a
 * window, word 0 is copied to word 1, in a step of its own. When word 0 is then swapped for the
 * new window's, the two are equal, because a charge in between would have made that swap fail.
 *
 * Clocks: a window later than that of now stays the current one, so that nothing is refilled.
 * One that ends more than a period and CLOCK_SLACK ahead is carried over into the window of
 * now. */
#include "../hot.h"
#include "../wide.h"
#include "algorithm.h"

#define WINDOW_ONE (UINT64_C(1) << 32)

/* What the words mean at one moment. */
typedef struct rl_frame {
    uint32_t window;   /* number of the current window */
    uint32_t units;    /* units in it */
    uint32_t previous; /* units in the window before, 0 for a fixed window */
    uint32_t weighted; /* units that the window before still counts */
    int64_t end;       /* of the current window, microseconds */
} rl_frame_t;

static uint32_t word_window(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static uint32_t word_units(uint64_t word)
{
    return (uint32_t)word;
}

static uint64_t make_word(uint32_t window, uint32_t units)
{
    return window * WINDOW_ONE | units;
}

static bool is_sliding(const rl_meter_t *meter)
{
    return meter->algorithm == RL_SLIDING_WINDOW;
}

/* Returns the key's offset: a fraction of the period, uniform over the keys. All servers of a
 * fleet draw the same, because op->key is the same on all of them (unlike op->ledger_key: see
 * the salt in fleet/source.h). */
static int64_t offset_of(const rl_meter_t *meter, const rl_digest_t *key)
{
    if (meter->aligned) {
        return 0;
    }
    return (int64_t)rl_mul_div((uint32_t)key->lo, (uint64_t)meter->period_us, WINDOW_ONE);
}

/* Returns when the window ends; of a number that no window has, which only noise does, a time
 * beyond all others. */
static int64_t window_end(const rl_meter_t *meter, int64_t offset, uint32_t window)
{
    int64_t end;
    return __builtin_mul_overflow((int64_t)window + 1, meter->period_us, &end) ? INT64_MAX
                                                                               : end - offset;
}

/* Returns true if now lies in the window that ends then. */
static bool is_in_window(const rl_meter_t *meter, int64_t end, int64_t now)
{
    return end > now && end - now <= meter->period_us;
}

/* Returns the units of the window before, weighted by its overlap with the last period at now,
 * rounded up. */
static uint32_t weigh(const rl_meter_t *meter, uint32_t units, int64_t end, int64_t now)
{
    const uint64_t period = (uint64_t)meter->period_us;
    const uint64_t left = end > now ? (uint64_t)(end - now) : 0;
    if (units == 0 || left >= period) {
        return units;
    }
    return (uint32_t)rl_mul_div_up(units, left, period);
}

static uint32_t sum_at_most(uint64_t a, uint64_t b, uint32_t most)
{
    return a + b < most ? (uint32_t)(a + b) : most;
}

/* Returns the units that a window of now takes over from one that is too far ahead for any
 * reason but a clock set back. */
static uint32_t carried_over(const rl_meter_t *meter, const uint64_t *words)
{
    const uint32_t units = word_units(words[0]);
    const bool before = is_sliding(meter) && word_window(words[1]) == word_window(words[0]) - 1;
    return before ? sum_at_most(units, word_units(words[1]),
                                units > meter->limit ? units : meter->limit)
                  : units;
}

/* The window of word 0, which mostly is the current one. */
static inline rl_frame_t stored_frame(const rl_meter_t *meter, int64_t offset,
                                      const uint64_t *words)
{
    const uint32_t window = word_window(words[0]);
    return (rl_frame_t){.window = window,
                        .units = word_units(words[0]),
                        .end = window_end(meter, offset, window)};
}

/* Moves from the window of word 0 to the current one. */
static void move_to(const rl_meter_t *meter, int64_t offset, const uint64_t *words, int64_t now,
                    rl_frame_t *frame)
{
    const uint32_t of_now = (uint32_t)((now + offset) / meter->period_us);
    const uint32_t stored = frame->window;
    const bool ahead = stored > of_now && stored - of_now <= CLOCK_HORIZON / meter->period_us;
    if (stored == of_now || (ahead && frame->end - now <= meter->period_us + CLOCK_SLACK)) {
        return;
    }
    frame->units = ahead ? carried_over(meter, words) : 0;
    frame->window = of_now;
    frame->end = window_end(meter, offset, of_now);
}

/* Adds what a sliding window has besides: the window before. */
static void look_back(const rl_meter_t *meter, const uint64_t *words, int64_t now,
                      rl_frame_t *frame)
{
    const uint32_t stored = word_window(words[0]), copied = word_window(words[1]);
    if (frame->window == stored && copied == stored) {
        /* another request is about to begin the next window: word 1 no longer has the one
         * before */
        frame->window++;
        frame->units = 0;
        frame->end += meter->period_us;
    }
    if (frame->window == stored) {
        frame->previous = copied == stored - 1 ? word_units(words[1]) : 0;
    }
    else {
        frame->previous = stored == frame->window - 1 ? word_units(words[0]) : 0;
    }
    frame->weighted = weigh(meter, frame->previous, frame->end, now);
}

/* Finds the current window, its units and those of the window before. */
static rl_frame_t current_frame(const rl_operation_t *op, const uint64_t *words)
{
    const rl_meter_t *meter = &op->meter;
    const int64_t offset = offset_of(meter, &op->key);
    rl_frame_t frame = stored_frame(meter, offset, words);
    move_to(meter, offset, words, op->now, &frame);
    if (is_sliding(meter)) {
        look_back(meter, words, op->now, &frame);
    }
    return frame;
}

/* Returns when the cost will fit if nothing else comes. Until the window ends, the fading share
 * of the previous window makes room; after that, the fading share of this one. */
static int64_t retry_time(const rl_meter_t *meter, const rl_frame_t *frame, uint32_t cost)
{
    const uint64_t period = (uint64_t)meter->period_us;
    const uint32_t most = meter->limit - cost;
    if (!is_sliding(meter) || meter->limit == 0 || cost > meter->limit) {
        return frame->end; /* a fixed window is empty then; a cost above the limit never fits */
    }
    if (frame->units <= most && frame->previous > 0) {
        const uint64_t overlap = rl_mul_div(most - frame->units, period, frame->previous);
        return frame->end - (int64_t)overlap;
    }
    return frame->units > most
               ? frame->end + (int64_t)(period - rl_mul_div(most, period, frame->units))
               : frame->end;
}

/* Returns true if word 0 must be copied to word 1 first: the sliding window that begins needs
 * the units of the one that ends. Word 0 was read before word 1. If word 1 has more units of
 * the ending window, or the new window, another request has copied since, and the older reading
 * must not overwrite its copy. */
static bool must_copy(const uint64_t *words, uint32_t window)
{
    const uint32_t copied = word_window(words[1]);
    if (word_window(words[0]) != window - 1 || copied == window) {
        return false;
    }
    return word_units(words[0]) > (copied == window - 1 ? word_units(words[1]) : 0);
}

static inline void charge_in(const rl_operation_t *op, const uint64_t *words,
                             const rl_frame_t *frame, bool sliding, rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const uint32_t cost = op->cost;
    const uint64_t used = (uint64_t)frame->units + frame->weighted;
    const bool granted = cost > 0 ? used + cost <= meter->limit : meter->limit > 0;
    const uint32_t charged = granted ? cost : 0, units = frame->units + charged;
    const bool carried = frame->window < word_window(words[0]) && frame->units > 0;
    const bool again = charged > 0 && sliding && must_copy(words, frame->window);
    step->granted = granted;
    step->again = again;
    step->word = again ? 1 : charged > 0 || carried ? 0 : -1;
    step->value = again ? words[0] : make_word(frame->window, units);
    step->stamp = step->window = frame->window;
    step->used = sliding ? sum_at_most(used, charged, UINT32_MAX) : units;
    step->room = meter->limit > frame->weighted ? meter->limit - frame->weighted : 0;
    step->reset = frame->end + (sliding && units > 0 ? meter->period_us : 0);
    step->retry = granted ? op->now : sliding ? retry_time(meter, frame, cost) : frame->end;
    step->before = frame->previous;
    step->expires = frame->end + (sliding ? meter->period_us : 0);
}

RL_RARELY static void charge_current(const rl_operation_t *op, const uint64_t *words,
                                     rl_step_t *step)
{
    const rl_frame_t frame = current_frame(op, words);
    charge_in(op, words, &frame, is_sliding(&op->meter), step);
}

/* Mostly the window of word 0 is the current one, and the time need not be divided by the
 * period. */
RL_EACH_REQUEST static void window_charge(const rl_operation_t *op, const uint64_t *words,
                                          rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const rl_frame_t frame = stored_frame(meter, offset_of(meter, &op->key), words);
    if (is_sliding(meter) || !is_in_window(meter, frame.end, op->now)) {
        charge_current(op, words, step);
        return;
    }
    charge_in(op, words, &frame, false, step);
}

/* More units are left when a cost fits that is one higher than what is left now. The step tells
 * the units of this window and of the one before. */
static int64_t window_more_at(const rl_operation_t *op, const rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const uint32_t weighted = meter->limit > step->room ? meter->limit - step->room : 0;
    const rl_frame_t frame = {.units = step->used > weighted ? step->used - weighted : 0,
                              .previous = weighted > 0 ? step->before : 0,
                              .end =
                                  step->expires - (is_sliding(meter) ? meter->period_us : 0)};
    const uint32_t left = meter->limit > step->used ? meter->limit - step->used : 0;
    return step->used > 0 ? retry_time(meter, &frame, left + 1) : frame.end;
}

/* Returns the word that holds the window, -1 if none does. */
static int word_of(const rl_meter_t *meter, const uint64_t *words, uint64_t stamp)
{
    if (word_window(words[0]) == stamp) {
        return 0;
    }
    return is_sliding(meter) && word_window(words[1]) == stamp ? 1 : -1;
}

static void window_refund(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                          rl_step_t *step)
{
    const int word = word_of(&op->meter, words, stamp);
    const uint32_t held = word >= 0 ? word_units(words[word]) : 0;
    step->word = held > 0 ? word : -1;
    step->value = make_word((uint32_t)stamp, held > op->cost ? held - op->cost : 0);
}

static uint64_t window_held(const rl_meter_t *meter, const uint64_t *words, uint64_t stamp)
{
    const int word = word_of(meter, words, stamp);
    return word >= 0 ? word_units(words[word]) : 0;
}

/* Raises a window that is that of word 0 or later. */
static void raise_current(const rl_meter_t *meter, const uint64_t *words, uint32_t window,
                          uint32_t units, rl_step_t *step)
{
    const bool same = word_window(words[0]) == window;
    step->again = is_sliding(meter) && must_copy(words, window);
    if (step->again) {
        step->word = 1;
        step->value = words[0];
    }
    else if (!same || word_units(words[0]) < units) {
        step->word = 0;
        step->value = make_word(window, units);
    }
}

/* Raises the window before that of word 0, unless word 1 has been overwritten to begin the
 * next. */
static void raise_previous(const uint64_t *words, uint32_t window, uint32_t units,
                           rl_step_t *step)
{
    const bool same = word_window(words[1]) == window;
    const bool copied = word_window(words[1]) == window + 1;
    if (!copied && units > (same ? word_units(words[1]) : 0)) {
        step->word = 1;
        step->value = make_word(window, units);
    }
}

static void window_raise(const rl_operation_t *op, const uint64_t *words, uint64_t stamp,
                         uint64_t value, rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const uint32_t window = (uint32_t)stamp, units = (uint32_t)value;
    step->stamp = step->window = window;
    step->used = units;
    step->reset = window_end(meter, offset_of(meter, &op->key), window);
    step->expires = step->reset + (is_sliding(meter) ? meter->period_us : 0);
    if (word_window(words[0]) <= window) {
        raise_current(meter, words, window, units, step);
    }
    else if (is_sliding(meter) && word_window(words[0]) == window + 1) {
        raise_previous(words, window, units, step);
    }
}

static void window_lower(const uint64_t *words, const rl_correction_t *correction,
                         rl_step_t *step)
{
    const uint32_t window = (uint32_t)correction->stamp;
    step->word = words[0] == make_word(window, (uint32_t)correction->from) ? 0 : -1;
    step->value = make_word(window, (uint32_t)correction->to);
}

/* Word 0 goes first, so that no other request copies its units to word 1 after that was
 * wiped. */
static void window_clear(const rl_operation_t *op, const uint64_t *words, rl_step_t *step)
{
    const rl_meter_t *meter = &op->meter;
    const rl_frame_t frame = current_frame(op, words);
    step->window = frame.window;
    step->stamp = frame.window;
    if (word_units(words[0]) > 0) {
        step->word = 0;
        step->value = make_word(frame.window, 0);
    }
    else if (is_sliding(meter) && word_units(words[1]) > 0) {
        step->word = 1;
        step->value = make_word(word_window(words[1]), 0);
    }
}

const rl_meter_ops_t rl_window_ops = {window_charge, window_refund, window_held,   window_raise,
                                      window_lower,  window_clear,  window_more_at};
