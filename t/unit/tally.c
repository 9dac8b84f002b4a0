/* SPDX-License-Identifier: Apache-2.0 */
/* core/tally: the number that a fleet shares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/meter/tally.h"
#include "support.h"

static bool unpacks(uint64_t value)
{
    rl_tally_t tally;
    return rl_tally_unpack(value, &tally);
}

static void what_is_packed_is_unpacked(void **state)
{
    uint64_t rng = 1;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        const uint32_t seed = (uint32_t)random_below(&rng, RL_TALLY_LIMIT + 1);
        const rl_tally_t made = {.incarnation = rl_tally_incarnation(random_bits(&rng)),
                                 .seed = seed,
                                 .total = seed + (uint32_t)random_below(&rng, 1000)};
        rl_tally_t read;
        assert_true(rl_tally_unpack(rl_tally_pack(&made), &read));
        assert_int_equal(read.incarnation, made.incarnation);
        assert_int_equal(read.seed, made.seed);
        assert_int_equal(read.total, made.total);
    }
}

static void adding_units_raises_the_total_alone(void **state)
{
    const rl_tally_t made = {.incarnation = 7, .seed = 40, .total = 41};
    rl_tally_t read;
    (void)state;
    assert_true(rl_tally_unpack(rl_tally_pack(&made) + 59, &read));
    assert_int_equal(read.incarnation, 7);
    assert_int_equal(read.seed, 40);
    assert_int_equal(read.total, 100);
    assert_true(rl_tally_unpack(rl_tally_pack(&made) - 1, &read));
    assert_int_equal(read.total, 40);
}

static void raising_moves_seed_and_total_together(void **state)
{
    const rl_tally_t made = {.incarnation = 32766, .seed = 3, .total = 10};
    rl_tally_t read;
    (void)state;
    assert_true(rl_tally_unpack(rl_tally_pack(&made) + rl_tally_raise(90), &read));
    assert_int_equal(read.incarnation, 32766);
    assert_int_equal(read.seed, 93);
    assert_int_equal(read.total, 100);
}

static void what_was_never_counted_can_be_given_back(void **state)
{
    const rl_tally_t made = {.incarnation = 7, .seed = 40, .total = 2};
    rl_tally_t read;
    (void)state;
    assert_true(rl_tally_unpack(rl_tally_pack(&made) - 5, &read));
    assert_int_equal(read.incarnation, 7);
    assert_int_equal(read.seed, 40);
    assert_int_equal(read.total, 0);
    assert_true(rl_tally_unpack(rl_tally_pack(&made) - 5 + 4, &read));
    assert_int_equal(read.total, 1);
}

static void a_time_keeps_its_incarnation(void **state)
{
    const rl_tally_time_t made = {.incarnation = 32766 | RL_TALLY_CLEARED,
                                  .ticks = RL_TALLY_TICKS_MAX - 1};
    rl_tally_time_t read;
    (void)state;
    assert_true(
        rl_tally_unpack_time(rl_tally_pack_time(&made) + 2000 * RL_TALLY_BUCKET_MAX, &read));
    assert_int_equal(read.incarnation, made.incarnation);
    assert_true(read.ticks == made.ticks + 2000 * RL_TALLY_BUCKET_MAX);
    assert_false(rl_tally_unpack_time(5, &read));
    assert_false(rl_tally_unpack_time(UINT64_MAX, &read));
}

/* 0, small numbers, all bits set, what is subtracted below 0, a total beyond any limit. */
static void numbers_of_somebody_elses_are_refused(void **state)
{
    const rl_tally_t high = {.incarnation = 9, .seed = 0, .total = RL_TALLY_LIMIT};
    const rl_tally_t zero = {.incarnation = 9, .seed = 5, .total = 0};
    (void)state;
    assert_false(unpacks(0));
    assert_false(unpacks(1));
    assert_false(unpacks(5));
    assert_false(unpacks(UINT64_MAX));
    assert_false(unpacks(UINT64_MAX - 1000));
    assert_true(unpacks(rl_tally_pack(&high)));
    assert_true(unpacks(rl_tally_pack(&high) + RL_TALLY_LIMIT));
    assert_true(unpacks(rl_tally_pack(&zero) - RL_TALLY_BASE));
    assert_false(unpacks(rl_tally_pack(&zero) - RL_TALLY_BASE - 1));
}

static void a_closed_number_stays_closed_whatever_is_added(void **state)
{
    const uint64_t changes[] = {0, 1, RL_TALLY_COST_MAX, 1000 * (uint64_t)RL_TALLY_LIMIT,
                                rl_tally_raise(RL_TALLY_LIMIT / 4)};
    (void)state;
    for (int i = 0; i < 5; i++) {
        rl_tally_t tally;
        assert_true(rl_tally_unpack(rl_tally_closed() + changes[i], &tally));
        assert_true(rl_tally_is_closed(&tally));
        assert_true(rl_tally_unpack(rl_tally_closed() - changes[i], &tally));
        assert_true(rl_tally_is_closed(&tally));
        assert_int_equal(tally.total, 0);
    }
}

static void incarnations_are_never_all_bits_0_or_1(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        assert_in_range(rl_tally_incarnation(i), 1, 32766);
        assert_in_range(rl_tally_incarnation(UINT64_MAX - i), 1, 32766);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_unpacked),
        cmocka_unit_test(adding_units_raises_the_total_alone),
        cmocka_unit_test(raising_moves_seed_and_total_together),
        cmocka_unit_test(what_was_never_counted_can_be_given_back),
        cmocka_unit_test(a_time_keeps_its_incarnation),
        cmocka_unit_test(numbers_of_somebody_elses_are_refused),
        cmocka_unit_test(a_closed_number_stays_closed_whatever_is_added),
        cmocka_unit_test(incarnations_are_never_all_bits_0_or_1),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
