#include "meter.h"

/* Fixed window
 *
 *     word 0:  window (32 bits) | units (32 bits)
 *
 * Time is cut into windows of one period, numbered from the epoch. All windows of a key are
 * shifted by an offset that is a fraction of the period drawn from the key, so that not all
 * keys start anew at the same moment. Units of another window than the current one count as
 * none: nothing has to run when a window ends.
 *
 * Clocks: a word may be of a later window than now, because another process read the clock a
 * moment later, or because the clock was set back. A later window stays the current one, so
 * nothing is refilled; but one that ends more than a period and CLOCK_SLACK ahead can only
 * come from a clock that was set back, and its units are carried over into the window of now,
 * so that nobody waits longer than a period for a clock to catch up. Beyond CLOCK_HORIZON it is
 * no window that ever was, but noise that another key left (see store/ledger.c): nothing.
 */

#define CLOCK_SLACK   (10 * RL_USEC_PER_SEC)
#define CLOCK_HORIZON (400 * 86400 * RL_USEC_PER_SEC)

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
    return (uint64_t)window << 32 | units;
}

/* A fraction of the period, uniform over the keys: the top of key × period. */
static int64_t offset_of(const rl_meter_t *meter, const rl_digest_t *key)
{
    if (meter->aligned) {
        return 0;
    }
    return (int64_t)((unsigned __int128)key->hi * (uint64_t)meter->period_us >> 64);
}

static int64_t window_end(const rl_meter_t *meter, int64_t offset, uint32_t window)
{
    return ((int64_t)window + 1) * meter->period_us - offset;
}

/* The units that count at this moment, and the window they are of. */
static uint32_t current_units(const rl_meter_t *meter, int64_t offset, uint64_t word,
                              int64_t now, uint32_t *window)
{
    const uint32_t stored = word_window(word);
    *window = (uint32_t)((now + offset) / meter->period_us);
    if (stored == *window) {
        return word_units(word);
    }
    if (stored < *window || stored - *window > CLOCK_HORIZON / meter->period_us) {
        return 0;
    }
    if (window_end(meter, offset, stored) - now <= meter->period_us + CLOCK_SLACK) {
        *window = stored;
    }
    return word_units(word);
}

void rl_meter_charge(const rl_meter_t *meter, const rl_digest_t *key,
                     const uint64_t words[RL_METER_WORDS], int64_t now, uint32_t cost,
                     rl_step_t *step)
{
    const int64_t offset = offset_of(meter, key);
    uint32_t window;
    const uint32_t units = current_units(meter, offset, words[0], now, &window);
    const bool granted =
        meter->limit > 0 && units <= meter->limit && cost <= meter->limit - units;
    const bool carried = units > 0 && window < word_window(words[0]);
    step->granted = granted;
    step->word = granted || carried ? 0 : -1;
    step->used = granted ? units + cost : units;
    step->value = make_word(window, step->used);
    step->stamp = window;
    step->reset = window_end(meter, offset, window);
    step->retry = granted ? now : step->reset;
    step->expires = step->reset;
}

void rl_meter_refund(const rl_meter_t *meter, const uint64_t words[RL_METER_WORDS],
                     uint32_t stamp, uint32_t units, rl_step_t *step)
{
    const uint32_t held = word_units(words[0]);
    (void)meter;
    step->word = word_window(words[0]) == stamp ? 0 : -1;
    step->value = make_word(stamp, held > units ? held - units : 0);
}

void rl_meter_raise(const rl_meter_t *meter, const rl_digest_t *key,
                    const uint64_t words[RL_METER_WORDS], uint32_t stamp, uint32_t units,
                    rl_step_t *step)
{
    const uint32_t stored = word_window(words[0]);
    const bool lower = stored < stamp || (stored == stamp && word_units(words[0]) < units);
    *step =
        (rl_step_t){.word = lower ? 0 : -1, .value = make_word(stamp, units), .stamp = stamp};
    step->used = lower ? units : word_units(words[0]);
    step->reset = window_end(meter, offset_of(meter, key), stamp);
    step->expires = step->reset;
}
