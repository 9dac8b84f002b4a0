/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter: a penalty at its edges, with injected time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "counter.h"

static counter_t penalty_of(int64_t lasts_us, bool extend)
{
    const rl_meter_t rule = {.algorithm = RL_FIXED_WINDOW,
                             .limit = 5,
                             .period_us = SECOND,
                             .penalty_us = lasts_us,
                             .extend = extend};
    return counter_with(rl_meter_penalty(&rule, 0));
}

static bool is_free(const counter_t *counter, int64_t now)
{
    return fits(counter, now, 0);
}

static void a_key_that_never_was_is_free(void **state)
{
    counter_t counter = penalty_of(HOUR, false);
    (void)state;
    assert_true(charge(&counter, NOON, 0));
    assert_int_equal(counter.step.word, -1);
    assert_int_equal(counter.step.used, 0);
    assert_true(counter.step.retry == NOON);
}

static void a_penalty_ends_at_its_microsecond(void **state)
{
    static const int64_t lengths[] = {SECOND, HOUR, 30 * DAY};
    (void)state;
    for (int i = 0; i < 6; i++) {
        const int64_t lasts = lengths[i / 2];
        counter_t counter = penalty_of(lasts, i % 2);
        charge(&counter, NOON, 1);
        assert_int_equal(counter.step.used, 1);
        assert_true(counter.step.retry == NOON + lasts);
        assert_true(counter.step.expires == NOON + lasts);
        assert_false(charge(&counter, NOON, 0));
        assert_true(counter.step.retry == NOON + lasts);
        assert_false(is_free(&counter, NOON + lasts - 1));
        assert_true(is_free(&counter, NOON + lasts));
    }
}

static void another_try_leaves_the_end_where_it_is(void **state)
{
    counter_t counter = penalty_of(HOUR, false);
    (void)state;
    charge(&counter, NOON, 1);
    for (int64_t t = NOON; t < NOON + HOUR; t += MINUTE) {
        charge(&counter, t, 1);
        assert_int_equal(counter.step.word, -1);
        assert_true(counter.step.retry == NOON + HOUR);
    }
    charge(&counter, NOON + HOUR, 1);
    assert_false(is_free(&counter, NOON + 2 * HOUR - 1));
}

static void another_try_starts_an_extending_one_anew(void **state)
{
    counter_t counter = penalty_of(HOUR, true);
    (void)state;
    charge(&counter, NOON, 1);
    charge(&counter, NOON + HOUR - SECOND, 1);
    assert_true(counter.step.retry == NOON + 2 * HOUR - SECOND);
    assert_false(is_free(&counter, NOON + 2 * HOUR - SECOND - 1));
    assert_true(is_free(&counter, NOON + 2 * HOUR - SECOND));
    charge(&counter, NOON + 90 * MINUTE, 0);
    assert_true(is_free(&counter, NOON + 2 * HOUR - SECOND));
}

/* Processes read the clock a moment before they look. */
static void a_stale_try_shortens_nothing(void **state)
{
    counter_t counter = penalty_of(HOUR, true);
    (void)state;
    charge(&counter, NOON, 1);
    charge(&counter, NOON - 3 * SECOND, 1);
    assert_true(counter.step.retry == NOON + HOUR);
    assert_false(is_free(&counter, NOON + HOUR - 1));
}

static void a_clock_set_back_neither_frees_nor_prolongs(void **state)
{
    static const int64_t back[] = {1,    SECOND,   9 * SECOND, 61 * SECOND,
                                   HOUR, 10 * DAY, 300 * DAY,  365 * DAY};
    (void)state;
    for (int i = 0; i < 16; i++) {
        const int64_t then = NOON - back[i / 2];
        counter_t counter = penalty_of(HOUR, i % 2);
        charge(&counter, NOON, 1);
        assert_false(charge(&counter, then, 0));
        assert_true(counter.step.retry <= then + HOUR + 10 * SECOND);
        assert_false(is_free(&counter, counter.step.retry - 1));
        assert_true(is_free(&counter, counter.step.retry));
    }
}

static void a_clock_that_was_years_ahead_is_forgotten(void **state)
{
    counter_t counter = penalty_of(HOUR, false);
    (void)state;
    charge(&counter, NOON + 3000 * DAY, 1);
    assert_true(is_free(&counter, NOON));
    charge(&counter, NOON, 1);
    assert_true(counter.step.retry == NOON + HOUR);
    assert_true(is_free(&counter, NOON + 3000 * DAY));
}

static void noise_is_hardly_ever_taken_for_a_penalty(void **state)
{
    uint64_t rng = 1;
    unsigned misled = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        counter_t counter = penalty_of(30 * DAY, i % 2);
        counter.words[0] = random_bits(&rng);
        misled += !is_free(&counter, NOON);
        charge(&counter, NOON, 1);
        assert_true(counter.step.retry > NOON);
        assert_true(counter.step.retry <= NOON + 30 * DAY + 10 * SECOND);
    }
    assert_int_equal(misled, 0);
}

static void nothing_of_it_is_given_back(void **state)
{
    counter_t counter = penalty_of(HOUR, false);
    (void)state;
    charge(&counter, NOON, 1);
    refund(&counter, counter.step.stamp, 1, NOON);
    refund(&counter, counter.step.stamp, UINT32_MAX, NOON);
    assert_false(is_free(&counter, NOON + HOUR - 1));
}

static void a_raise_prolongs_and_never_shortens(void **state)
{
    counter_t counter = penalty_of(HOUR, false);
    (void)state;
    raise_to(&counter, 0, NOON + MINUTE);
    assert_false(is_free(&counter, NOON + MINUTE - 1));
    assert_true(is_free(&counter, NOON + MINUTE));
    raise_to(&counter, 0, NOON + SECOND);
    assert_false(is_free(&counter, NOON + MINUTE - 1));
}

static void clearing_frees_the_key(void **state)
{
    counter_t counter = penalty_of(HOUR, true);
    (void)state;
    charge(&counter, NOON, 1);
    clear(&counter, NOON);
    assert_true(is_free(&counter, NOON));
    assert_int_equal(counter.words[0], 0);
}

/* ---- double= ---- */

static counter_t doubling(int64_t first, int64_t most, bool extend)
{
    const rl_meter_t rule = {.algorithm = RL_FIXED_WINDOW,
                             .limit = 5,
                             .period_us = SECOND,
                             .penalty_us = first,
                             .double_us = most,
                             .extend = extend};
    return counter_with(rl_meter_penalty(&rule, 0));
}

/* Imposes the penalty at *now, and moves that on to its end. */
static int64_t length_of_next(counter_t *counter, int64_t *now)
{
    const int64_t began = *now;
    assert_true(charge(counter, began, 1));
    *now = counter->step.retry;
    assert_false(is_free(counter, *now - 1));
    assert_true(is_free(counter, *now));
    return *now - began;
}

static void each_further_penalty_is_twice_as_long_up_to_the_longest(void **state)
{
    counter_t counter = doubling(MINUTE, DAY, false);
    int64_t now = NOON;
    (void)state;
    for (int64_t minutes = 1; minutes <= 1024; minutes *= 2) {
        assert_true(length_of_next(&counter, &now) == minutes * MINUTE);
        now += 7 * SECOND;
    }
    for (int i = 0; i < 40; i++) {
        assert_true(length_of_next(&counter, &now) == DAY);
        now += DAY;
    }
}

static void a_penalty_of_the_longest_is_never_longer(void **state)
{
    counter_t counter = doubling(HOUR, HOUR, false), most = doubling(SECOND, 30 * DAY, false);
    int64_t now = NOON, lasts = 0;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(length_of_next(&counter, &now) == HOUR);
    }
    for (int i = 0; i < 50; i++) {
        lasts = length_of_next(&most, &now);
        assert_true(lasts == (i < 22 ? SECOND << i : 30 * DAY));
    }
}

static void the_row_is_forgotten_after_as_long_as_the_longest(void **state)
{
    (void)state;
    for (int64_t late = 0; late <= 1; late++) {
        counter_t counter = doubling(MINUTE, HOUR, false);
        int64_t now = NOON;
        length_of_next(&counter, &now);
        assert_true(length_of_next(&counter, &now) == 2 * MINUTE);
        assert_true(counter.step.expires >= now + HOUR);
        now += HOUR + late;
        assert_true(counter.step.retry + HOUR + late == now);
        charge(&counter, now, 1);
        assert_true(counter.step.retry - now == (late ? MINUTE - 1 : 4 * MINUTE));
    }
}

static void tries_during_a_penalty_do_not_double_it(void **state)
{
    (void)state;
    for (int extend = 0; extend <= 1; extend++) {
        counter_t counter = doubling(MINUTE, HOUR, extend);
        int64_t now = NOON;
        length_of_next(&counter, &now);
        charge(&counter, now, 1);
        for (int i = 1; i <= 20; i++) {
            charge(&counter, now + i * SECOND, 1);
            assert_true(counter.step.retry == now + 2 * MINUTE + (extend ? i * SECOND : 0));
        }
    }
}

static void the_rest_of_the_window_makes_a_penalty_longer_but_not_the_next(void **state)
{
    const rl_meter_t rule = {.algorithm = RL_FIXED_WINDOW,
                             .limit = 5,
                             .period_us = HOUR,
                             .penalty_us = MINUTE,
                             .double_us = DAY};
    counter_t counter = counter_with(rl_meter_penalty(&rule, 50 * MINUTE));
    int64_t now = NOON;
    (void)state;
    assert_true(length_of_next(&counter, &now) == 50 * MINUTE);
    counter.meter = rl_meter_penalty(&rule, 0);
    assert_true(length_of_next(&counter, &now) == 2 * MINUTE);
}

static void clearing_forgets_the_row(void **state)
{
    counter_t counter = doubling(MINUTE, HOUR, false);
    int64_t now = NOON;
    (void)state;
    length_of_next(&counter, &now);
    length_of_next(&counter, &now);
    clear(&counter, now);
    assert_int_equal(counter.words[0], 0);
    assert_true(length_of_next(&counter, &now) == MINUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_never_was_is_free),
        cmocka_unit_test(a_penalty_ends_at_its_microsecond),
        cmocka_unit_test(another_try_leaves_the_end_where_it_is),
        cmocka_unit_test(another_try_starts_an_extending_one_anew),
        cmocka_unit_test(a_stale_try_shortens_nothing),
        cmocka_unit_test(a_clock_set_back_neither_frees_nor_prolongs),
        cmocka_unit_test(a_clock_that_was_years_ahead_is_forgotten),
        cmocka_unit_test(noise_is_hardly_ever_taken_for_a_penalty),
        cmocka_unit_test(nothing_of_it_is_given_back),
        cmocka_unit_test(a_raise_prolongs_and_never_shortens),
        cmocka_unit_test(clearing_frees_the_key),
        cmocka_unit_test(each_further_penalty_is_twice_as_long_up_to_the_longest),
        cmocka_unit_test(a_penalty_of_the_longest_is_never_longer),
        cmocka_unit_test(the_row_is_forgotten_after_as_long_as_the_longest),
        cmocka_unit_test(tries_during_a_penalty_do_not_double_it),
        cmocka_unit_test(the_rest_of_the_window_makes_a_penalty_longer_but_not_the_next),
        cmocka_unit_test(clearing_forgets_the_row),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
