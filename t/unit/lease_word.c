/* SPDX-License-Identifier: Apache-2.0 */
/* core/lease: what a lease holds, and how large it is, at its edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/meter/bucket.h"
#include "core/meter/lease_word.h"
#include "counter.h"

#define MILLISECOND (SECOND / 1000)

static const rl_meter_t window = {
    .algorithm = RL_FIXED_WINDOW, .aligned = true, .limit = 8000, .period_us = MINUTE};

/* ---- windows ---- */

static void nothing_is_leased_at_first(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 10);
    (void)state;
    assert_int_equal(rl_lease_word_left(OP(&no_key, &window, NOON, 0), 0, 0), 0);
    assert_int_equal(rl_lease_word_left(OP(&no_key, &window, NOON, 0), 0, 7), 0);
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), 0, 0), 0);
}

static void units_of_a_window_are_spent_one_by_one(void **state)
{
    uint64_t lease = rl_lease_word_extended(OP(&no_key, &window, NOON, 0), 0, 7, 0, 3);
    (void)state;
    for (uint32_t left = 3; left > 0; left--) {
        assert_int_equal(rl_lease_word_left(OP(&no_key, &window, NOON + left, 0), lease, 7),
                         left);
        lease = rl_lease_word_spent(OP(&no_key, &window, NOON, 0), lease, 7, 1);
    }
    assert_int_equal(rl_lease_word_left(OP(&no_key, &window, NOON, 0), lease, 7), 0);
}

static void they_are_of_this_window_only(void **state)
{
    const uint64_t lease = rl_lease_word_extended(OP(&no_key, &window, NOON, 0), 0, 7, 0, 3);
    (void)state;
    assert_int_equal(rl_lease_word_left(OP(&no_key, &window, NOON, 0), lease, 8), 0);
    assert_int_equal(rl_lease_word_left(OP(&no_key, &window, NOON, 0), lease, 6), 0);
    assert_int_equal(rl_lease_word_left(
                         OP(&no_key, &window, NOON, 0),
                         rl_lease_word_extended(OP(&no_key, &window, NOON, 0), lease, 8, 0, 2),
                         8),
                     2);
    /* too late for the one before */
    assert_int_equal(rl_lease_word_extended(OP(&no_key, &window, NOON, 0), lease, 6, 0, 2),
                     lease);
    assert_int_equal(rl_lease_word_left(
                         OP(&no_key, &window, NOON, 0),
                         rl_lease_word_extended(OP(&no_key, &window, NOON, 0), lease, 7, 0, 2),
                         7),
                     5);
}

/* ---- token buckets ---- */

/* The arrival time so many tokens ahead of a moment. */
static uint64_t ahead(const rl_meter_t *bucket, int64_t now, uint32_t tokens)
{
    return rl_bucket_ticks(bucket, now) + rl_bucket_cost(bucket, tokens);
}

static void tokens_drain_as_fast_as_the_bucket(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 100);
    const uint64_t lease =
        rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), 0, 0, ahead(&bucket, NOON, 5), 5);
    (void)state;
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), lease, 0), 5);
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 1 * MILLISECOND, 0), lease, 0), 4);
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 100 * MILLISECOND, 0), lease, 0), 4);
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 101 * MILLISECOND, 0), lease, 0), 3);
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 500 * MILLISECOND, 0), lease, 0), 0);
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON + 365 * DAY, 0), lease, 0),
                     0);
}

/* What others have reserved before lies between. */
static void not_before_their_time(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 100);
    const uint64_t lease = rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), 0, 0,
                                                  ahead(&bucket, NOON, 25), 5);
    (void)state;
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 2 * SECOND - MILLISECOND, 0), lease, 0),
        5);
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 2 * SECOND + MILLISECOND, 0), lease, 0),
        4);
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 5 * SECOND / 2, 0), lease, 0), 0);
}

static void spending_and_draining_are_not_added_up(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 100);
    uint64_t lease =
        rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), 0, 0, ahead(&bucket, NOON, 5), 5);
    (void)state;
    lease = rl_lease_word_spent(OP(&no_key, &bucket, NOON, 0), lease, 0, 2);
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), lease, 0), 3);
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 200 * MILLISECOND - 1, 0), lease, 0), 3);
    assert_int_equal(
        rl_lease_word_left(OP(&no_key, &bucket, NOON + 201 * MILLISECOND, 0), lease, 0), 2);
}

static void a_clock_that_steps_backward_drains_nothing(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 100);
    const uint64_t lease =
        rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), 0, 0, ahead(&bucket, NOON, 5), 5);
    (void)state;
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON - MINUTE, 0), lease, 0), 5);
    assert_int_equal(
        rl_lease_word_left(
            OP(&no_key, &bucket, NOON, 0),
            rl_lease_word_spent(OP(&no_key, &bucket, NOON - MINUTE, 0), lease, 0, 1), 0),
        4);
}

/* What a former owner of the cell wrote a moment too late. */
static void noise_is_no_lease(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 500);
    uint64_t rng = 1;
    unsigned taken = 0;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        const uint32_t left =
            rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), random_bits(&rng), 0);
        assert_in_range(left, 0, 500);
        taken += left > 0;
    }
    assert_in_range(taken, 0, 100);
}

static void adjacent_pieces_become_one(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 100);
    uint64_t lease =
        rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), 0, 0, ahead(&bucket, NOON, 5), 5);
    (void)state;
    lease = rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), lease, 0,
                                   ahead(&bucket, NOON, 8), 3);
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), lease, 0), 8);
    assert_true(rl_lease_word_ends_at(lease, ahead(&bucket, NOON, 8)));
    assert_false(rl_lease_word_ends_at(lease, ahead(&bucket, NOON, 8) + 1));
}

static void of_two_pieces_the_longer_is_kept(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 100);
    const uint64_t lease =
        rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), 0, 0, ahead(&bucket, NOON, 5), 5);
    const uint64_t kept = rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), lease, 0,
                                                 ahead(&bucket, NOON, 20), 4);
    const uint64_t changed = rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), lease, 0,
                                                    ahead(&bucket, NOON, 20), 6);
    (void)state;
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), kept, 0), 5);
    assert_true(rl_lease_word_ends_at(kept, ahead(&bucket, NOON, 5)));
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), changed, 0), 6);
    assert_true(rl_lease_word_ends_at(changed, ahead(&bucket, NOON, 20)));
}

static void a_piece_comes_down_as_far_as_the_clock(void **state)
{
    const rl_meter_t bucket = token_bucket(10, SECOND, 100);
    const uint64_t lease = rl_lease_word_extended(OP(&no_key, &bucket, NOON, 0), 0, 0,
                                                  ahead(&bucket, NOON, 25), 5);
    const uint64_t by_ten = rl_lease_word_lowered(OP(&no_key, &bucket, NOON, 0), lease, 10);
    const uint64_t by_all = rl_lease_word_lowered(OP(&no_key, &bucket, NOON, 0), lease, 100);
    (void)state;
    assert_true(rl_lease_word_ends_at(by_ten, ahead(&bucket, NOON, 15)));
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), by_ten, 0), 5);
    assert_true(rl_lease_word_ends_at(by_all, ahead(&bucket, NOON, 5)));
    assert_int_equal(rl_lease_word_left(OP(&no_key, &bucket, NOON, 0), by_all, 0), 5);
    assert_int_equal(
        rl_lease_word_left(
            OP(&no_key, &bucket, NOON, 0),
            rl_lease_word_lowered(OP(&no_key, &bucket, NOON + SECOND, 0), by_all, 100), 0),
        0); /* drained, and stays so */
}

/* ---- sizes ---- */

/* Asked for 1 at NOON, halfway through a window of which so much is used. */
static uint32_t size(uint32_t last, uint32_t used, int64_t since, uint32_t in_use)
{
    const uint64_t pace = rl_pace_end(rl_pace_begin(last, NOON - since), last);
    const rl_step_t step = {.used = in_use, .reset = NOON + MINUTE / 2};
    return rl_pace_next_size(OP(&no_key, &window, NOON, 0), pace, used, &step, 1);
}

static void a_lease_is_what_is_used_in_a_second(void **state)
{
    const rl_step_t step = {.reset = NOON + MINUTE / 2};
    (void)state;
    assert_int_equal(rl_pace_next_size(OP(&no_key, &window, NOON, 0), 0, 1, &step, 1),
                     1); /* a new key */
    assert_int_equal(size(50, 50, SECOND / 2, 1), 100);
    assert_int_equal(size(50, 50, SECOND, 1), 50);
    assert_int_equal(size(50, 50, 10 * SECOND, 1), 5);
    assert_int_equal(size(50, 10, SECOND / 2, 1), 20);
    assert_int_equal(size(50, 50, 1000 * SECOND, 1), 1);
}

static void at_most_twice_the_last_one(void **state)
{
    (void)state;
    assert_int_equal(size(1, 1, 0, 1), 2);
    assert_int_equal(size(50, 50, MILLISECOND, 1), 100);
    assert_int_equal(size(1, 1, -SECOND, 1), 2); /* the clock was set back */
}

static void at_most_an_eighth_of_what_remains(void **state)
{
    (void)state;
    assert_int_equal(size(500, 500, SECOND / 2, 1), 999);
    assert_int_equal(size(500, 500, SECOND / 2, 4000), 500);
    assert_int_equal(size(500, 500, SECOND / 2, 7984), 2);
    assert_int_equal(size(500, 500, SECOND / 2, 7985), 1);
    assert_int_equal(size(500, 500, SECOND / 2, 8000), 1);
}

static void at_most_so_many_and_at_least_the_cost(void **state)
{
    rl_meter_t large = window;
    const uint64_t pace = rl_pace_end(rl_pace_begin(5000, NOON - MILLISECOND), 5000);
    rl_step_t step = {.used = 1, .reset = NOON + MINUTE / 2};
    (void)state;
    large.limit = 1000000;
    assert_int_equal(rl_pace_next_size(OP(&no_key, &large, NOON, 0), pace, 5000, &step, 1),
                     RL_LEASE_MAX);
    assert_int_equal(rl_pace_next_size(OP(&no_key, &large, NOON, 0), pace, 5000, &step, 3000),
                     3000);
    step.used = 1000000;
    assert_int_equal(rl_pace_next_size(OP(&no_key, &large, NOON, 0), pace, 5000, &step, 7), 7);
}

static void no_more_than_is_used_before_the_window_ends(void **state)
{
    const uint64_t pace = rl_pace_end(rl_pace_begin(500, NOON - SECOND), 500);
    rl_step_t step = {.used = 1, .reset = NOON + SECOND / 10};
    rl_meter_t sliding = window;
    (void)state;
    assert_int_equal(rl_pace_next_size(OP(&no_key, &window, NOON, 0), pace, 500, &step, 1), 50);
    step.reset = NOON + 1;
    assert_int_equal(rl_pace_next_size(OP(&no_key, &window, NOON, 0), pace, 500, &step, 1), 1);
    sliding.algorithm = RL_SLIDING_WINDOW;
    step.reset = NOON + MINUTE + SECOND / 10; /* when nothing of its use is left */
    assert_int_equal(rl_pace_next_size(OP(&no_key, &sliding, NOON, 0), pace, 500, &step, 1),
                     50);
}

static void one_at_a_time_reserves_ahead(void **state)
{
    const uint64_t busy = rl_pace_begin(20, NOON);
    const uint64_t done = rl_pace_end(busy, 10);
    (void)state;
    assert_true(rl_pace_is_busy(busy, NOON));
    assert_true(rl_pace_is_busy(busy, NOON + 10 * SECOND));
    assert_false(rl_pace_is_busy(busy, NOON + 10 * SECOND + MILLISECOND)); /* was killed */
    assert_false(rl_pace_is_busy(busy, NOON - MINUTE));
    assert_false(rl_pace_is_busy(done, NOON));
    assert_false(rl_pace_is_busy(0, NOON));
    assert_int_equal(rl_pace_units(busy), 20);
    assert_int_equal(rl_pace_units(done), 10);
    assert_int_equal(rl_pace_units(rl_pace_begin(UINT32_MAX, NOON)), 0x7fff);
}

static void a_large_lease_is_renewed_before_it_is_used_up(void **state)
{
    const uint64_t large = rl_pace_end(rl_pace_begin(0, NOON), 160);
    (void)state;
    assert_false(rl_pace_is_low(large, 10));
    assert_true(rl_pace_is_low(large, 9));
    assert_true(rl_pace_is_low(large, 0));
    assert_false(rl_pace_is_low(rl_pace_end(rl_pace_begin(0, NOON), 15), 0));
    assert_false(rl_pace_is_low(0, 0));
    /* which RL_LEASE_LOW must not stand against */
    assert_false(
        rl_pace_is_low(rl_pace_end(rl_pace_begin(0, NOON), RL_LEASE_MAX), RL_LEASE_LOW));
}

/* As many tokens as a word has room for, whatever the rate. */
static void a_lease_of_a_slow_bucket_fits_its_word(void **state)
{
    (void)state;
    for (uint32_t limit = 1; limit < 3000; limit = limit * 3 + 1) {
        const rl_meter_t meter = token_bucket(limit, 30 * DAY, 100000);
        const uint64_t pace = rl_pace_end(rl_pace_begin(1000, NOON - SECOND), 1000);
        const rl_step_t step = {.used = 1, .reset = NOON + DAY};
        const uint32_t units =
            rl_pace_next_size(OP(&no_key, &meter, NOON, 0), pace, 1000, &step, 1);
        const uint64_t lease = rl_lease_word_extended(OP(&no_key, &meter, NOON, 0), 0, 0,
                                                      ahead(&meter, NOON, units), units - 1);
        assert_int_equal(rl_lease_word_left(OP(&no_key, &meter, NOON, 0), lease, 0), units - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_leased_at_first),
        cmocka_unit_test(units_of_a_window_are_spent_one_by_one),
        cmocka_unit_test(they_are_of_this_window_only),
        cmocka_unit_test(tokens_drain_as_fast_as_the_bucket),
        cmocka_unit_test(not_before_their_time),
        cmocka_unit_test(spending_and_draining_are_not_added_up),
        cmocka_unit_test(a_clock_that_steps_backward_drains_nothing),
        cmocka_unit_test(noise_is_no_lease),
        cmocka_unit_test(adjacent_pieces_become_one),
        cmocka_unit_test(of_two_pieces_the_longer_is_kept),
        cmocka_unit_test(a_piece_comes_down_as_far_as_the_clock),
        cmocka_unit_test(a_lease_is_what_is_used_in_a_second),
        cmocka_unit_test(at_most_twice_the_last_one),
        cmocka_unit_test(at_most_an_eighth_of_what_remains),
        cmocka_unit_test(at_most_so_many_and_at_least_the_cost),
        cmocka_unit_test(no_more_than_is_used_before_the_window_ends),
        cmocka_unit_test(one_at_a_time_reserves_ahead),
        cmocka_unit_test(a_large_lease_is_renewed_before_it_is_used_up),
        cmocka_unit_test(a_lease_of_a_slow_bucket_fits_its_word),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
