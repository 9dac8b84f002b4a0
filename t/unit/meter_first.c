/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter: windows that begin with the first unit, at their edges, with injected time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/meter/first_window.h"
#include "counter.h"

static counter_t first(uint32_t limit, int64_t period_us)
{
    return counter_with(
        (rl_meter_t){.algorithm = RL_FIRST_WINDOW, .limit = limit, .period_us = period_us});
}

static void a_window_lasts_a_period_from_its_first_unit(void **state)
{
    static const int64_t periods[] = {SECOND, 15 * MINUTE, 30 * DAY};
    (void)state;
    for (int i = 0; i < 3; i++) {
        counter_t counter = first(2, periods[i]);
        assert_true(charge(&counter, NOON, 1));
        assert_true(counter.step.reset == NOON + periods[i]);
        assert_true(charge(&counter, NOON + SECOND / 2, 1));
        assert_true(counter.step.reset == NOON + periods[i]);
        assert_false(charge(&counter, NOON + SECOND / 2, 1));
        assert_true(counter.step.retry == NOON + periods[i]);
        assert_retry_is_exact(&counter, NOON + SECOND / 2, 1);
        assert_more_is_exact(&counter, NOON + SECOND / 2);
        assert_true(charge(&counter, NOON + periods[i], 2));
        assert_true(counter.step.reset == NOON + 2 * periods[i]);
    }
}

static void a_wait_told_at_once_is_the_period(void **state)
{
    uint64_t rng = 1;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        const int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        counter_t counter = first(1, 5 * SECOND);
        charge(&counter, now, 1);
        assert_false(charge(&counter, now, 1));
        assert_in_range(now + 5 * SECOND - counter.step.retry, 0, SECOND / 256);
        assert_retry_is_exact(&counter, now, 1);
    }
}

static void tries_that_are_denied_prolong_nothing(void **state)
{
    counter_t counter = first(3, MINUTE);
    (void)state;
    charge(&counter, NOON, 3);
    for (int64_t t = NOON; t < NOON + MINUTE; t += SECOND) {
        assert_false(charge(&counter, t, 1));
        assert_int_equal(counter.step.word, -1);
        assert_true(counter.step.retry == NOON + MINUTE);
    }
    assert_true(charge(&counter, NOON + MINUTE, 1));
}

static void without_a_unit_no_window_has_begun(void **state)
{
    counter_t counter = first(3, MINUTE);
    (void)state;
    assert_true(charge(&counter, NOON, 0));
    assert_int_equal(counter.step.word, -1);
    assert_true(counter.step.reset == NOON);
    assert_true(rl_meter_more_at(OP(&counter.key, &counter.meter, NOON, 0), &counter.step) ==
                NOON);
    assert_true(charge(&counter, NOON + 50 * SECOND, 1));
    assert_true(counter.step.reset == NOON + 110 * SECOND);
}

static void what_is_given_back_begins_no_window(void **state)
{
    counter_t counter = first(3, MINUTE);
    uint64_t stamp;
    (void)state;
    charge(&counter, NOON, 1);
    refund(&counter, counter.step.stamp, 1, NOON + SECOND);
    assert_int_equal(used_at(&counter, NOON + SECOND), 0);
    charge(&counter, NOON + 40 * SECOND, 1);
    stamp = counter.step.stamp;
    assert_true(counter.step.reset == NOON + 100 * SECOND);
    assert_int_equal(counter.step.used, 1);
    charge(&counter, NOON + 45 * SECOND, 2);
    refund(&counter, stamp, 1, NOON + 50 * SECOND); /* a unit is left: the window stays */
    charge(&counter, NOON + 55 * SECOND, 0);
    assert_true(counter.step.reset == NOON + 100 * SECOND);
    assert_int_equal(counter.step.used, 2);
}

static void a_late_refund_leaves_the_next_window_alone(void **state)
{
    counter_t counter = first(3, MINUTE);
    uint64_t stamp;
    (void)state;
    charge(&counter, NOON, 1);
    stamp = counter.step.stamp;
    charge(&counter, NOON + MINUTE, 3);
    refund(&counter, stamp, 1, NOON + MINUTE);
    assert_false(charge(&counter, NOON + MINUTE, 1));
    clear(&counter, NOON + MINUTE + SECOND);
    stamp = counter.step.stamp;
    assert_true(charge(&counter, NOON + MINUTE + 2 * SECOND, 3));
    assert_true(counter.step.reset == NOON + 2 * MINUTE + 2 * SECOND);
    refund(&counter, stamp, 3, NOON + MINUTE + 3 * SECOND);
    assert_int_equal(used_at(&counter, NOON + MINUTE + 3 * SECOND), 3);
}

static void a_limit_of_0_denies_and_begins_nothing(void **state)
{
    counter_t counter = first(0, MINUTE), small = first(3, MINUTE);
    (void)state;
    assert_false(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.word, -1);
    assert_true(counter.step.retry >= NOON + MINUTE - SECOND / 256);
    assert_false(charge(&small, NOON, 4));
    assert_int_equal(small.step.word, -1);
    assert_int_equal(small.step.used, 0);
}

static void the_highest_count_is_exact(void **state)
{
    counter_t counter = first(RL_FIRST_WINDOW_LIMIT, DAY), higher = first(UINT32_MAX, DAY);
    (void)state;
    assert_true(charge(&counter, NOON, RL_FIRST_WINDOW_LIMIT));
    assert_false(charge(&counter, NOON, 1));
    assert_true(charge(&higher, NOON, RL_FIRST_WINDOW_LIMIT));
    assert_false(charge(&higher, NOON, 1));
}

static void a_clock_set_back_neither_refills_nor_prolongs(void **state)
{
    static const int64_t back[] = {1, SECOND, 9 * SECOND, 61 * SECOND, HOUR, 300 * DAY};
    (void)state;
    for (int i = 0; i < 6; i++) {
        const int64_t then = NOON - back[i];
        counter_t counter = first(3, MINUTE);
        charge(&counter, NOON, 3);
        assert_false(charge(&counter, then, 1));
        assert_true(counter.step.retry <= then + MINUTE + 10 * SECOND);
        assert_true(charge(&counter, counter.step.retry, 1));
    }
}

static void a_value_is_raised_in_its_window_only(void **state)
{
    counter_t counter = first(9, MINUTE);
    rl_step_t step;
    (void)state;
    charge(&counter, NOON, 2);
    rl_meter_raise(OP(&counter.key, &counter.meter, NOON, 0), counter.words, counter.step.stamp,
                   5, &step);
    apply(&counter, &step);
    assert_int_equal(used_at(&counter, NOON + SECOND), 5);
    for (uint32_t other = 0; other < 2; other++) { /* two seconds before and after */
        rl_meter_raise(OP(&counter.key, &counter.meter, NOON + SECOND, 0), counter.words,
                       (uint32_t)counter.step.stamp - 512 + 1024 * other, 7, &step);
        assert_int_equal(step.word, -1);
    }
    rl_meter_raise(OP(&counter.key, &counter.meter, NOON + MINUTE, 0), counter.words,
                   (uint32_t)(counter.step.stamp + 60 * 256), 7, &step);
    apply(&counter, &step);
    assert_int_equal(used_at(&counter, NOON + MINUTE), 7);
    rl_meter_raise(OP(&counter.key, &counter.meter, NOON + 3 * MINUTE, 0), counter.words,
                   (uint32_t)(counter.step.stamp + 60 * 256), 8, &step);
    assert_int_equal(step.word, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_lasts_a_period_from_its_first_unit),
        cmocka_unit_test(a_wait_told_at_once_is_the_period),
        cmocka_unit_test(tries_that_are_denied_prolong_nothing),
        cmocka_unit_test(without_a_unit_no_window_has_begun),
        cmocka_unit_test(what_is_given_back_begins_no_window),
        cmocka_unit_test(a_late_refund_leaves_the_next_window_alone),
        cmocka_unit_test(a_limit_of_0_denies_and_begins_nothing),
        cmocka_unit_test(the_highest_count_is_exact),
        cmocka_unit_test(a_clock_set_back_neither_refills_nor_prolongs),
        cmocka_unit_test(a_value_is_raised_in_its_window_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
