/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter: the fixed window at its edges, with injected time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "counter.h"

static counter_t counter_of(uint32_t limit, int64_t period_us, bool aligned)
{
    counter_t counter = counter_with(fixed_window(limit, period_us));
    counter.meter.aligned = aligned;
    return counter;
}

static void exhaust(counter_t *counter, int64_t now)
{
    assert_true(charge(counter, now, counter->meter.limit));
    assert_false(fits(counter, now, 1));
}

/* ---- counting ---- */

static void n_units_fit_and_the_next_does_not(void **state)
{
    counter_t counter = counter_of(10, 60 * SECOND, false);
    (void)state;
    for (uint32_t i = 1; i <= 10; i++) {
        assert_true(charge(&counter, NOON, 1));
        assert_int_equal(counter.step.used, i);
    }
    assert_false(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.used, 10);
    assert_int_equal(counter.step.word, -1);
}

static void a_cost_fits_exactly_or_not_at_all(void **state)
{
    counter_t counter = counter_of(10, 60 * SECOND, false);
    (void)state;
    assert_false(charge(&counter, NOON, 11));
    assert_int_equal(counter.step.used, 0);
    assert_true(charge(&counter, NOON, 7));
    assert_false(charge(&counter, NOON, 4));
    assert_true(charge(&counter, NOON, 3));
    assert_int_equal(counter.step.used, 10);
}

static void a_cost_of_zero_is_free_but_a_limit_of_zero_denies_it(void **state)
{
    counter_t counter = counter_of(3, SECOND, false), closed = counter_of(0, SECOND, false);
    (void)state;
    exhaust(&counter, NOON);
    assert_true(charge(&counter, NOON, 0));
    assert_int_equal(counter.step.used, 3);
    assert_false(charge(&closed, NOON, 0));
    assert_false(charge(&closed, NOON, 1));
    assert_int_equal(closed.words[0], 0);
}

static void the_largest_limits_and_costs_do_not_wrap(void **state)
{
    counter_t counter = counter_of(UINT32_MAX, 30 * DAY, false);
    (void)state;
    assert_true(charge(&counter, NOON, UINT32_MAX - 1));
    assert_false(charge(&counter, NOON, 2));
    assert_false(charge(&counter, NOON, UINT32_MAX));
    assert_true(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.used, UINT32_MAX);
    assert_false(charge(&counter, NOON, 1));
    assert_false(charge(&counter, NOON, UINT32_MAX));
    assert_true(charge(&counter, NOON, 0));
    assert_int_equal(counter.step.used, UINT32_MAX);
}

static void denials_neither_use_units_nor_extend_the_window(void **state)
{
    counter_t counter = counter_of(2, 60 * SECOND, false);
    int64_t reset;
    (void)state;
    exhaust(&counter, NOON);
    reset = counter.step.reset;
    for (int64_t t = NOON; t < reset; t += SECOND / 7) {
        assert_false(charge(&counter, t, 1));
        assert_true(counter.step.reset == reset);
    }
    assert_true(charge(&counter, reset, 2));
}

/* ---- windows ---- */

static void aligned_windows_start_at_multiples_of_the_period(void **state)
{
    static const int64_t periods[] = {1, 7, 60, 3600, 86400, 30 * 86400};
    uint64_t rng = 1;
    (void)state;
    for (size_t p = 0; p < sizeof(periods) / sizeof(periods[0]); p++) {
        const int64_t period = periods[p] * SECOND;
        for (int i = 0; i < 200; i++) {
            counter_t counter = counter_of(5, period, true);
            const int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)(100 * DAY));
            charge(&counter, now, 1);
            assert_true(counter.step.reset == (now / period + 1) * period);
        }
    }
}

static void a_window_ends_at_its_microsecond(void **state)
{
    static const int64_t periods[] = {SECOND, 60 * SECOND, DAY, 30 * DAY};
    uint64_t rng = 2;
    (void)state;
    for (int i = 0; i < 4000; i++) {
        counter_t counter = counter_of(3, periods[i % 4], i % 8 >= 4);
        int64_t reset;
        counter.key = random_digest(&rng);
        exhaust(&counter, NOON + (int64_t)random_below(&rng, (uint64_t)DAY));
        reset = counter.step.reset;
        assert_false(fits(&counter, reset - 1, 1));
        assert_true(fits(&counter, reset, 3));
        assert_false(fits(&counter, reset, 4));
        assert_true(charge(&counter, reset, 1));
        assert_true(counter.step.reset == reset + counter.meter.period_us);
        assert_int_equal(counter.step.used, 1);
    }
}

static void a_full_period_after_any_exhaustion_is_open_again(void **state)
{
    uint64_t rng = 3;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        counter_t counter = counter_of(1, SECOND, false);
        const int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        counter.key = random_digest(&rng);
        exhaust(&counter, now);
        assert_true(counter.step.reset > now);
        assert_true(counter.step.reset <= now + SECOND);
        assert_true(counter.step.expires >= counter.step.reset);
    }
}

/* The ends of windows of 16,000 keys in 16 equal parts of the period: chi-squared with 15
 * degrees of freedom, below 37.7 with probability 0.999. */
static void staggered_windows_end_uniformly_over_the_period(void **state)
{
    unsigned parts[16] = {0};
    double chi2 = 0;
    uint64_t rng = 4;
    (void)state;
    for (int i = 0; i < 16000; i++) {
        counter_t counter = counter_of(1, HOUR, false);
        counter.key = random_digest(&rng);
        charge(&counter, NOON, 1);
        parts[(counter.step.reset - NOON - 1) * 16 / HOUR]++;
    }
    for (int i = 0; i < 16; i++) {
        chi2 += (parts[i] - 1000.0) * (parts[i] - 1000.0) / 1000.0;
    }
    assert_true(chi2 < 37.7);
}

static void offsets_stay_within_the_period_for_extreme_keys(void **state)
{
    counter_t low = counter_of(1, 30 * DAY, false), high = low, aligned = low;
    const int64_t apart = 30 * DAY / ((int64_t)UINT32_MAX + 1) + 1;
    (void)state;
    low.key = (rl_digest_t){.hi = UINT64_MAX, .lo = ~(uint64_t)UINT32_MAX};
    high.key = (rl_digest_t){.hi = 0, .lo = UINT32_MAX};
    aligned.meter.aligned = true;
    charge(&low, NOON, 1);
    charge(&high, NOON, 1);
    charge(&aligned, NOON, 1);
    assert_true(low.step.reset == aligned.step.reset);
    assert_true(high.step.reset > NOON && high.step.reset <= NOON + 30 * DAY);
    assert_true(high.step.reset == low.step.reset + apart ||
                high.step.reset == low.step.reset - 30 * DAY + apart);
}

/* ---- retry ---- */

/* The same cost, tried later: denied just before step.retry, granted at it. */
static void retry_is_exactly_the_earliest_time(void **state)
{
    static const int64_t periods[] = {SECOND, 13 * SECOND, HOUR, 30 * DAY};
    uint64_t rng = 5;
    (void)state;
    for (int i = 0; i < 4000; i++) {
        counter_t counter =
            counter_of(1 + (uint32_t)random_below(&rng, 9), periods[i % 4], i % 2);
        const int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        const uint32_t cost = 1 + (uint32_t)random_below(&rng, counter.meter.limit);
        int64_t retry;
        counter.key = random_digest(&rng);
        while (charge(&counter, now, cost)) {
            assert_true(counter.step.retry == now);
        }
        retry = counter.step.retry;
        assert_true(retry > now);
        assert_false(fits(&counter, retry - 1, cost));
        assert_true(fits(&counter, retry, cost));
    }
}

/* ---- clocks ---- */

static void a_clock_set_back_neither_drains_nor_refills(void **state)
{
    static const int64_t back[] = {1, SECOND, 9 * SECOND, 61 * SECOND, HOUR, DAY, 300 * DAY};
    static const int64_t periods[] = {SECOND, 60 * SECOND, HOUR, 30 * DAY};
    (void)state;
    for (size_t p = 0; p < 4; p++) {
        for (size_t i = 0; i < sizeof(back) / sizeof(back[0]); i++) {
            counter_t counter = counter_of(5, periods[p], p % 2);
            const int64_t then = NOON - back[i];
            assert_true(charge(&counter, NOON, 3));
            assert_false(fits(&counter, then, 3));
            assert_true(charge(&counter, then, 2));
            assert_int_equal(counter.step.used, 5);
            assert_false(charge(&counter, then, 1));
            assert_true(counter.step.retry <= then + periods[p] + 10 * SECOND);
        }
    }
}

static void nobody_waits_for_a_clock_to_catch_up(void **state)
{
    counter_t counter = counter_of(5, SECOND, true);
    (void)state;
    exhaust(&counter, NOON);
    assert_false(charge(&counter, NOON - HOUR, 1));
    assert_true(counter.step.retry == NOON - HOUR + SECOND);
    assert_true(charge(&counter, counter.step.retry, 5));
    assert_false(charge(&counter, counter.step.reset - 1, 1));
}

/* Processes that read the clock a moment apart charge in turn about a window's end. */
static void a_stale_clock_reading_is_charged_to_the_later_window(void **state)
{
    counter_t counter = counter_of(2, 60 * SECOND, true);
    (void)state;
    assert_true(charge(&counter, NOON, 1));
    assert_true(charge(&counter, NOON - 1, 1));
    assert_int_equal(counter.step.used, 2);
    assert_true(counter.step.reset == NOON + 60 * SECOND);
    assert_false(charge(&counter, NOON - 1, 1));
    assert_true(counter.step.retry == NOON + 60 * SECOND);
    assert_false(charge(&counter, NOON, 1));
}

static void a_clock_that_was_years_ahead_is_forgotten(void **state)
{
    counter_t counter = counter_of(2, HOUR, false);
    (void)state;
    exhaust(&counter, NOON + 3000 * DAY);
    assert_true(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.used, 1);
}

static void a_clock_that_jumps_ahead_opens_a_new_window(void **state)
{
    counter_t counter = counter_of(2, HOUR, false);
    (void)state;
    exhaust(&counter, NOON);
    assert_true(charge(&counter, NOON + 3000 * DAY, 2));
    assert_false(charge(&counter, NOON + 3000 * DAY, 1));
}

static void the_first_and_the_last_second_of_32_bits_are_counted(void **state)
{
    counter_t first = counter_of(2, SECOND, true), last = first;
    (void)state;
    exhaust(&first, 0);
    assert_true(first.step.reset == SECOND);
    exhaust(&last, INT64_C(4294967294) * SECOND);
    assert_true(last.step.reset == INT64_C(4294967295) * SECOND);
}

/* ---- refunds ---- */

static void a_refund_gives_units_back_in_its_own_window_only(void **state)
{
    counter_t counter = counter_of(5, 60 * SECOND, true);
    uint64_t stamp;
    (void)state;
    exhaust(&counter, NOON);
    stamp = counter.step.stamp;
    refund(&counter, stamp, 2, NOON);
    assert_true(charge(&counter, NOON + 60 * SECOND - 1, 2));
    assert_false(charge(&counter, NOON + 60 * SECOND - 1, 1));
    assert_true(charge(&counter, NOON + 60 * SECOND, 4));
    refund(&counter, stamp, 2, NOON);
    assert_true(fits(&counter, NOON + 60 * SECOND, 1));
    assert_false(fits(&counter, NOON + 60 * SECOND, 2));
}

static void a_refund_never_goes_below_zero(void **state)
{
    counter_t counter = counter_of(5, 60 * SECOND, true);
    (void)state;
    assert_true(charge(&counter, NOON, 2));
    refund(&counter, counter.step.stamp, 3, NOON);
    refund(&counter, counter.step.stamp, UINT32_MAX, NOON);
    assert_true(charge(&counter, NOON, 5));
    assert_false(charge(&counter, NOON, 1));
}

static void a_refund_to_a_counter_that_was_never_charged_changes_nothing(void **state)
{
    counter_t counter = counter_of(5, 60 * SECOND, true);
    (void)state;
    refund(&counter, 12345, 3, NOON);
    assert_int_equal(counter.words[0], 0);
}

/* ---- against brute force ---- */

/* A list of what was granted, by window; the windows are those of the definition. */
typedef struct history {
    int64_t window[400];
    uint32_t cost[400];
    int n;
} history_t;

static uint64_t units_in(const history_t *history, int64_t window)
{
    uint64_t units = 0;
    for (int i = 0; i < history->n; i++) {
        units += history->window[i] == window ? history->cost[i] : 0;
    }
    return units;
}

static void check_against_history(uint64_t seed)
{
    uint64_t rng = seed;
    counter_t counter = counter_of((uint32_t)random_below(&rng, 20),
                                   (1 + (int64_t)random_below(&rng, 50)) * SECOND, seed % 2);
    history_t history = {.n = 0};
    int64_t now = NOON, offset;
    counter.key = random_digest(&rng);
    offset = counter.meter.aligned ? 0
                                   : (int64_t)((double)(uint32_t)counter.key.lo / 4294967296.0 *
                                               (double)counter.meter.period_us);
    for (int i = 0; i < 400; i++) {
        const uint32_t cost = (uint32_t)random_below(&rng, 5);
        const int64_t period = counter.meter.period_us;
        const int64_t window = (now + offset) / period;
        const uint64_t used = units_in(&history, window);
        const bool wanted = counter.meter.limit > 0 && used + cost <= counter.meter.limit;
        if ((now + offset) % period > 2 && (now + offset) % period < period - 2) {
            assert_int_equal(charge(&counter, now, cost), wanted);
            assert_int_equal(counter.step.used, wanted ? used + cost : used);
            history.window[history.n] = window;
            history.cost[history.n] = wanted ? cost : 0;
            history.n++;
        }
        now += (int64_t)random_below(&rng, (uint64_t)period / 4);
    }
}

static void random_charges_agree_with_a_list_of_everything_granted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        check_against_history(seed);
    }
}

/* Whatever the clock does by a few seconds, no window is granted more than its limit. */
static void a_trembling_clock_never_grants_a_window_more_than_its_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        uint64_t rng = seed;
        counter_t counter =
            counter_of(4, (1 + (int64_t)random_below(&rng, 20)) * SECOND, false);
        unsigned granted[1000] = {0};
        uint32_t base = 0;
        counter.key = random_digest(&rng);
        for (int i = 0; i < 600; i++) {
            const int64_t tremble = (int64_t)random_below(&rng, 8 * SECOND) - 4 * SECOND;
            if (charge(&counter, NOON + i * SECOND / 2 + tremble, 1)) {
                base = base == 0 ? counter.step.window : base;
                assert_true(counter.step.window >= base);
                assert_true(++granted[counter.step.window - base] <= 4);
            }
        }
    }
}

/* Words that another key left are noise: nearly always nothing, and never an error. */
static void noise_is_hardly_ever_taken_for_a_count(void **state)
{
    unsigned misled = 0;
    uint64_t rng = 6;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        counter_t counter = counter_of(1000, HOUR, false);
        counter.key = random_digest(&rng);
        counter.words[0] = random_bits(&rng);
        counter.words[1] = random_bits(&rng);
        misled += !charge(&counter, NOON, 1);
        assert_true(counter.step.reset > NOON && counter.step.reset <= NOON + 2 * HOUR);
    }
    assert_true(misled <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(n_units_fit_and_the_next_does_not),
        cmocka_unit_test(a_cost_fits_exactly_or_not_at_all),
        cmocka_unit_test(a_cost_of_zero_is_free_but_a_limit_of_zero_denies_it),
        cmocka_unit_test(the_largest_limits_and_costs_do_not_wrap),
        cmocka_unit_test(denials_neither_use_units_nor_extend_the_window),
        cmocka_unit_test(aligned_windows_start_at_multiples_of_the_period),
        cmocka_unit_test(a_window_ends_at_its_microsecond),
        cmocka_unit_test(a_full_period_after_any_exhaustion_is_open_again),
        cmocka_unit_test(staggered_windows_end_uniformly_over_the_period),
        cmocka_unit_test(offsets_stay_within_the_period_for_extreme_keys),
        cmocka_unit_test(retry_is_exactly_the_earliest_time),
        cmocka_unit_test(a_clock_set_back_neither_drains_nor_refills),
        cmocka_unit_test(nobody_waits_for_a_clock_to_catch_up),
        cmocka_unit_test(a_stale_clock_reading_is_charged_to_the_later_window),
        cmocka_unit_test(a_clock_that_was_years_ahead_is_forgotten),
        cmocka_unit_test(a_clock_that_jumps_ahead_opens_a_new_window),
        cmocka_unit_test(the_first_and_the_last_second_of_32_bits_are_counted),
        cmocka_unit_test(a_refund_gives_units_back_in_its_own_window_only),
        cmocka_unit_test(a_refund_never_goes_below_zero),
        cmocka_unit_test(a_refund_to_a_counter_that_was_never_charged_changes_nothing),
        cmocka_unit_test(random_charges_agree_with_a_list_of_everything_granted),
        cmocka_unit_test(a_trembling_clock_never_grants_a_window_more_than_its_limit),
        cmocka_unit_test(noise_is_hardly_ever_taken_for_a_count),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
