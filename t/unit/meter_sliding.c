/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter: the sliding window at its edges, with injected time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "counter.h"

/* NOON begins a window of these: a minute has 60 parts that are easy to name. */
static counter_t counter_of(uint32_t limit, int64_t period_us)
{
    rl_meter_t meter = fixed_window(limit, period_us);
    meter.algorithm = RL_SLIDING_WINDOW;
    meter.aligned = true;
    return counter_with(meter);
}

static counter_t staggered(uint32_t limit, int64_t period_us, uint64_t *rng)
{
    counter_t counter = counter_of(limit, period_us);
    counter.meter.aligned = false;
    counter.key = random_digest(rng);
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
    counter_t counter = counter_of(10, MINUTE);
    (void)state;
    for (uint32_t i = 1; i <= 10; i++) {
        assert_true(charge(&counter, NOON, 1));
        assert_int_equal(counter.step.used, i);
        assert_int_equal(counter.step.room, 10);
    }
    assert_false(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.used, 10);
    assert_int_equal(counter.step.word, -1);
}

static void costs_fit_exactly_or_not_at_all(void **state)
{
    counter_t counter = counter_of(10, MINUTE), closed = counter_of(0, MINUTE);
    (void)state;
    assert_false(charge(&counter, NOON, 11));
    assert_false(charge(&counter, NOON, UINT32_MAX));
    assert_true(charge(&counter, NOON, 7));
    assert_false(charge(&counter, NOON, 4));
    assert_true(charge(&counter, NOON, 3));
    assert_true(charge(&counter, NOON, 0));
    assert_int_equal(counter.step.used, 10);
    assert_false(charge(&closed, NOON, 0));
    assert_true(closed.step.retry > NOON);
    assert_false(charge(&closed, NOON, 1));
    assert_int_equal(closed.words[0], 0);
}

static void the_largest_limits_do_not_wrap(void **state)
{
    static const int64_t periods[] = {SECOND, 30 * DAY};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const int64_t period = periods[i], begin = NOON / period * period;
        counter_t counter = counter_of(UINT32_MAX, period);
        assert_true(charge(&counter, begin, UINT32_MAX - 1));
        assert_false(charge(&counter, begin, 2));
        assert_false(charge(&counter, begin, UINT32_MAX));
        assert_true(charge(&counter, begin, 1));
        assert_false(charge(&counter, begin, 1));
        assert_retry_is_exact(&counter, begin, 1);
        charge(&counter, begin, UINT32_MAX);
        assert_true(counter.step.retry == begin + 2 * period);
        assert_retry_is_exact(&counter, begin, UINT32_MAX);
        assert_true(charge(&counter, begin + period + period / 2, UINT32_MAX / 2));
        assert_int_equal(counter.step.used, UINT32_MAX);
    }
}

/* ---- the window before ---- */

static void a_window_that_ended_weighs_what_the_last_period_overlaps(void **state)
{
    counter_t counter = counter_of(60, MINUTE);
    (void)state;
    exhaust(&counter, NOON);
    assert_false(fits(&counter, NOON + MINUTE - 1, 1));
    assert_false(fits(&counter, NOON + MINUTE, 1));
    assert_false(fits(&counter, NOON + MINUTE + SECOND - 1, 1));
    assert_true(fits(&counter, NOON + MINUTE + SECOND, 1));
    assert_false(fits(&counter, NOON + MINUTE + SECOND, 2));
    assert_true(fits(&counter, NOON + MINUTE + 30 * SECOND, 30));
    assert_false(fits(&counter, NOON + MINUTE + 30 * SECOND, 31));
    assert_false(fits(&counter, NOON + 2 * MINUTE - 1, 60));
    assert_true(fits(&counter, NOON + 2 * MINUTE - 1, 59));
    assert_true(fits(&counter, NOON + 2 * MINUTE, 60));
}

static void room_is_what_this_window_alone_may_come_to(void **state)
{
    counter_t counter = counter_of(60, MINUTE);
    (void)state;
    exhaust(&counter, NOON);
    assert_true(charge(&counter, NOON + MINUTE + 20 * SECOND, 5));
    assert_int_equal(counter.step.room, 20);
    assert_int_equal(counter.step.used, 45);
    charge(&counter, NOON + MINUTE + 30 * SECOND, 0);
    assert_int_equal(counter.step.room, 30);
    assert_int_equal(counter.step.used, 35);
}

static void a_window_of_nothing_in_between_forgets(void **state)
{
    counter_t counter = counter_of(60, MINUTE);
    (void)state;
    exhaust(&counter, NOON);
    assert_true(fits(&counter, NOON + 2 * MINUTE, 60));
    assert_true(charge(&counter, NOON + 2 * MINUTE, 30));
    assert_true(fits(&counter, NOON + 3 * MINUTE, 30));
    assert_false(fits(&counter, NOON + 3 * MINUTE, 31));
}

static void the_end_of_any_window_is_its_microsecond(void **state)
{
    static const int64_t periods[] = {SECOND, 7 * SECOND, HOUR, 30 * DAY};
    uint64_t rng = 1;
    (void)state;
    for (int i = 0; i < 4000; i++) {
        const int64_t period = periods[i % 4];
        counter_t counter = staggered(4, period, &rng);
        int64_t end;
        assert_true(charge(&counter, NOON + (int64_t)random_below(&rng, (uint64_t)DAY), 4));
        end = counter.step.expires - period;
        assert_false(fits(&counter, end - 1, 1));
        assert_false(fits(&counter, end, 1));
        assert_false(fits(&counter, end + period / 4 - 1, 1));
        assert_true(fits(&counter, end + (period + 3) / 4, 1));
        assert_false(fits(&counter, end + period - 1, 4));
        assert_true(fits(&counter, end + period, 4));
    }
}

static void reset_is_when_nothing_weighs_any_more(void **state)
{
    uint64_t rng = 2;
    (void)state;
    for (int i = 0; i < 4000; i++) {
        counter_t counter = staggered(100, HOUR, &rng);
        int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        for (int n = 0; n < 3; n++) {
            charge(&counter, now, (uint32_t)random_below(&rng, 40));
            assert_int_equal(used_at(&counter, counter.step.reset), 0);
            assert_true(counter.step.used == 0 ||
                        used_at(&counter, counter.step.reset - 1) > 0);
            assert_true(counter.step.reset > now && counter.step.reset <= now + 2 * HOUR);
            assert_true(counter.step.retry <= counter.step.reset);
            now += (int64_t)random_below(&rng, (uint64_t)HOUR);
        }
    }
}

/* ---- retry ---- */

static void retry_is_exactly_the_earliest_time(void **state)
{
    static const int64_t periods[] = {SECOND, 13 * SECOND, HOUR, 30 * DAY};
    uint64_t rng = 3;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const uint32_t limit = 1 + (uint32_t)(random_bits(&rng) >> (33 + i % 31));
        counter_t counter = staggered(limit, periods[i % 4], &rng);
        int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        for (int n = 0; n < 6; n++) {
            const uint32_t cost = 1 + (uint32_t)random_below(&rng, limit);
            if (!charge(&counter, now, cost)) {
                assert_retry_is_exact(&counter, now, cost);
            }
            now += (int64_t)random_below(&rng, (uint64_t)periods[i % 4]);
        }
    }
}

static void more_is_left_exactly_when_it_says(void **state)
{
    uint64_t rng = 11;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        counter_t counter = staggered(1 + (uint32_t)random_below(&rng, 40), MINUTE, &rng);
        int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        counter.meter.algorithm = i % 4 == 0 ? RL_FIXED_WINDOW : RL_SLIDING_WINDOW;
        for (int n = 0; n < 6; n++) {
            charge(&counter, now, (uint32_t)random_below(&rng, 12));
            assert_more_is_exact(&counter, now);
            now += (int64_t)random_below(&rng, (uint64_t)MINUTE);
        }
    }
}

static void a_cost_above_the_limit_waits_for_nothing_in_the_past(void **state)
{
    counter_t counter = counter_of(5, MINUTE);
    (void)state;
    for (int64_t t = NOON; t < NOON + 5 * MINUTE; t += SECOND) {
        assert_false(charge(&counter, t, 6));
        assert_true(counter.step.retry > t && counter.step.retry <= t + MINUTE);
        charge(&counter, t, 1);
    }
}

/* ---- clocks ---- */

static void a_clock_set_back_neither_drains_nor_refills(void **state)
{
    static const int64_t back[] = {1,    SECOND,   9 * SECOND, 61 * SECOND,
                                   HOUR, 10 * DAY, 300 * DAY,  365 * DAY};
    static const int64_t periods[] = {SECOND, 60 * SECOND, HOUR, 30 * DAY};
    (void)state;
    for (size_t p = 0; p < 4; p++) {
        for (size_t i = 0; i < sizeof(back) / sizeof(back[0]); i++) {
            counter_t counter = counter_of(5, periods[p]);
            const int64_t then = NOON - back[i];
            assert_true(charge(&counter, NOON, 3));
            assert_false(fits(&counter, then, 3));
            assert_true(charge(&counter, then, 2));
            assert_int_equal(counter.step.used, 5);
            assert_false(charge(&counter, then, 1));
            assert_true(counter.step.retry <= then + 2 * periods[p] + 10 * SECOND);
            assert_retry_is_exact(&counter, then, 1);
        }
    }
}

static void both_windows_are_carried_over_up_to_the_limit(void **state)
{
    counter_t counter = counter_of(10, MINUTE);
    (void)state;
    assert_true(charge(&counter, NOON, 6));
    assert_true(charge(&counter, NOON + MINUTE + 50 * SECOND, 5));
    assert_false(charge(&counter, NOON - HOUR, 1));
    assert_int_equal(counter.step.used, 10);
    assert_int_equal(counter.step.word, 0);
    assert_false(fits(&counter, NOON - HOUR + MINUTE, 1));
    assert_true(fits(&counter, NOON - HOUR + MINUTE + 6 * SECOND, 1));
    assert_true(fits(&counter, NOON - HOUR + 2 * MINUTE, 10));
}

/* Processes that read the clock a moment apart charge in turn about a window's end. */
static void a_stale_clock_reading_is_charged_to_the_later_window(void **state)
{
    counter_t counter = counter_of(6, MINUTE);
    (void)state;
    assert_true(charge(&counter, NOON - 1, 3));
    assert_true(charge(&counter, NOON, 1));
    assert_true(charge(&counter, NOON - 1, 1));
    assert_int_equal(counter.step.used, 5);
    assert_true(charge(&counter, NOON, 1));
    assert_false(charge(&counter, NOON - 1, 1));
    assert_retry_is_exact(&counter, NOON - 1, 1);
    assert_true(counter.step.retry == NOON + 20 * SECOND);
}

static void a_clock_that_was_years_ahead_is_forgotten(void **state)
{
    counter_t counter = counter_of(2, HOUR);
    (void)state;
    exhaust(&counter, NOON + 3000 * DAY);
    assert_true(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.used, 1);
    assert_int_equal(used_at(&counter, NOON), 1);
}

static void noise_is_hardly_ever_taken_for_a_count(void **state)
{
    unsigned misled = 0;
    uint64_t rng = 6;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        counter_t counter = staggered(1000, HOUR, &rng);
        counter.words[0] = random_bits(&rng);
        counter.words[1] = random_bits(&rng);
        misled += !charge(&counter, NOON, 1);
        assert_true(counter.step.reset > NOON && counter.step.reset <= NOON + 2 * HOUR);
        assert_true(counter.step.retry <= NOON + 2 * HOUR);
    }
    assert_true(misled <= 1);
}

/* ---- refunds ---- */

static void a_refund_goes_to_its_window_while_that_weighs(void **state)
{
    counter_t counter = counter_of(10, MINUTE);
    uint64_t stamp;
    (void)state;
    exhaust(&counter, NOON);
    stamp = counter.step.stamp;
    refund(&counter, stamp, 2, NOON);
    assert_true(charge(&counter, NOON + 1, 2));
    assert_true(charge(&counter, NOON + MINUTE + 30 * SECOND, 1));
    assert_int_equal(counter.step.used, 6);
    refund(&counter, stamp, 4, NOON + MINUTE + 30 * SECOND);
    assert_int_equal(used_at(&counter, NOON + MINUTE + 30 * SECOND), 4);
    refund(&counter, stamp, UINT32_MAX, NOON + MINUTE + 30 * SECOND);
    assert_int_equal(used_at(&counter, NOON + MINUTE + 30 * SECOND), 1);
    assert_true(charge(&counter, NOON + 2 * MINUTE, 8));
    refund(&counter, stamp, 4, NOON + 2 * MINUTE);
    assert_int_equal(used_at(&counter, NOON + 2 * MINUTE), 9);
}

/* Others may be about to act upon the copy, so it stays; it is lost at worst. */
static void a_refund_between_two_steps_gives_no_more_than_it_says(void **state)
{
    counter_t counter = counter_of(10, MINUTE);
    uint64_t stamp;
    (void)state;
    exhaust(&counter, NOON - MINUTE);
    stamp = counter.step.stamp;
    counter.words[1] = counter.words[0]; /* copied, and the process killed */
    refund(&counter, stamp, 4, NOON);
    assert_false(charge(&counter, NOON, 5));
    charge(&counter, NOON, 4);
    assert_false(charge(&counter, NOON, 1));
    assert_true(charge(&counter, NOON + MINUTE, 6));
}

/* ---- raise, clear ---- */

static void a_raise_lifts_the_window_it_names(void **state)
{
    counter_t counter = counter_of(10, MINUTE);
    uint32_t window;
    (void)state;
    assert_true(charge(&counter, NOON, 2));
    window = counter.step.window;
    raise_to(&counter, window, 8);
    raise_to(&counter, window, 5);
    assert_int_equal(used_at(&counter, NOON), 8);
    raise_to(&counter, window + 1, 1);
    assert_int_equal(used_at(&counter, NOON + MINUTE), 9);
    raise_to(&counter, window, 9);
    assert_int_equal(used_at(&counter, NOON + MINUTE), 10);
    raise_to(&counter, window - 1, 10);
    assert_int_equal(used_at(&counter, NOON + MINUTE), 10);
}

/* Word 1 holds the copy of what a process is about to replace word 0 of. */
static void a_late_raise_does_not_undo_a_copy(void **state)
{
    counter_t counter = counter_of(10, MINUTE);
    rl_step_t begin;
    (void)state;
    exhaust(&counter, NOON);
    counter.words[1] = counter.words[0];
    rl_meter_charge(OP(&counter.key, &counter.meter, NOON + MINUTE + 30 * SECOND, 1),
                    counter.words, &begin);
    assert_true(begin.granted && !begin.again && begin.word == 0);
    raise_to(&counter, counter.step.window - 1, 3);
    counter.words[0] = begin.value;
    assert_int_equal(used_at(&counter, NOON + MINUTE + 30 * SECOND), 6);
}

static void clearing_wipes_both_windows(void **state)
{
    (void)state;
    for (int killed = 0; killed < 2; killed++) {
        counter_t counter = counter_of(10, MINUTE);
        exhaust(&counter, NOON);
        assert_true(charge(&counter, NOON + MINUTE + 30 * SECOND, 5));
        if (killed) {
            counter.words[1] = counter.words[0];
        }
        clear(&counter, NOON + MINUTE + 30 * SECOND);
        assert_int_equal(used_at(&counter, NOON + MINUTE + 30 * SECOND), 0);
        assert_int_equal(used_at(&counter, NOON + 2 * MINUTE), 0);
        exhaust(&counter, NOON + MINUTE + 30 * SECOND);
    }
}

/* ---- a process killed between two steps ---- */

static void a_copy_without_what_was_to_follow_changes_nothing(void **state)
{
    uint64_t rng = 7;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        counter_t counter = staggered(20, MINUTE, &rng), killed;
        int64_t now = NOON;
        rl_step_t step;
        for (int n = 0; n < 8; n++) {
            charge(&counter, now, (uint32_t)random_below(&rng, 12));
            now += (int64_t)random_below(&rng, (uint64_t)MINUTE);
        }
        killed = counter;
        rl_meter_charge(OP(&killed.key, &killed.meter, now, 1), killed.words, &step);
        if (step.again) {
            apply(&killed, &step);
            for (uint32_t cost = 0; cost <= 20; cost++) {
                const int64_t then = now + (int64_t)random_below(&rng, 3 * MINUTE);
                assert_int_equal(fits(&killed, then, cost), fits(&counter, then, cost));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(n_units_fit_and_the_next_does_not),
        cmocka_unit_test(costs_fit_exactly_or_not_at_all),
        cmocka_unit_test(the_largest_limits_do_not_wrap),
        cmocka_unit_test(a_window_that_ended_weighs_what_the_last_period_overlaps),
        cmocka_unit_test(room_is_what_this_window_alone_may_come_to),
        cmocka_unit_test(a_window_of_nothing_in_between_forgets),
        cmocka_unit_test(the_end_of_any_window_is_its_microsecond),
        cmocka_unit_test(reset_is_when_nothing_weighs_any_more),
        cmocka_unit_test(retry_is_exactly_the_earliest_time),
        cmocka_unit_test(more_is_left_exactly_when_it_says),
        cmocka_unit_test(a_cost_above_the_limit_waits_for_nothing_in_the_past),
        cmocka_unit_test(a_clock_set_back_neither_drains_nor_refills),
        cmocka_unit_test(both_windows_are_carried_over_up_to_the_limit),
        cmocka_unit_test(a_stale_clock_reading_is_charged_to_the_later_window),
        cmocka_unit_test(a_clock_that_was_years_ahead_is_forgotten),
        cmocka_unit_test(noise_is_hardly_ever_taken_for_a_count),
        cmocka_unit_test(a_refund_goes_to_its_window_while_that_weighs),
        cmocka_unit_test(a_refund_between_two_steps_gives_no_more_than_it_says),
        cmocka_unit_test(a_raise_lifts_the_window_it_names),
        cmocka_unit_test(a_late_raise_does_not_undo_a_copy),
        cmocka_unit_test(clearing_wipes_both_windows),
        cmocka_unit_test(a_copy_without_what_was_to_follow_changes_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
