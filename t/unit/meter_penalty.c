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
    charge(&counter, NOON + HOUR - 1, 1);
    assert_true(counter.step.retry == NOON + 2 * HOUR - 1);
    assert_false(is_free(&counter, NOON + 2 * HOUR - 2));
    assert_true(is_free(&counter, NOON + 2 * HOUR - 1));
    charge(&counter, NOON + 90 * MINUTE, 0);
    assert_true(is_free(&counter, NOON + 2 * HOUR - 1));
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
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
