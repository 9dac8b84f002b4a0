/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/ledger in one process: room, eviction, take-over, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "support.h"

#define SECOND RL_USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define NOON   (INT64_C(1700049600) * SECOND)

#define CELL_SIZE  64u
#define GROUP_SIZE (8 * CELL_SIZE)

static rl_ledger_t ledger;
static void *memory;
static size_t memory_size;

static void open_ledger(size_t size)
{
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memory_size = size;
    rl_ledger_open(&ledger, memory, size);
}

static int close_ledger(void **state)
{
    (void)state;
    munmap(memory, memory_size);
    return 0;
}

static bool charge(rl_digest_t key, rl_meter_t meter, int64_t now, uint32_t cost)
{
    rl_step_t step;
    rl_ledger_charge(&ledger, OP(&key, &meter, now, cost), &step);
    return step.granted;
}

static uint32_t used(rl_digest_t key, rl_meter_t meter, int64_t now)
{
    rl_step_t step;
    rl_ledger_peek(&ledger, OP(&key, &meter, now, 0), &step);
    return step.used;
}

static rl_meter_t aligned_window(uint32_t limit, int64_t period_us)
{
    rl_meter_t meter = fixed_window(limit, period_us);
    meter.aligned = true;
    return meter;
}

/* ---- counting ---- */

static void a_key_is_granted_its_limit_and_no_more(void **state)
{
    const rl_digest_t key = {.hi = 77, .lo = 78};
    const rl_meter_t meter = fixed_window(10, HOUR);
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (uint32_t i = 1; i <= 10; i++) {
        assert_true(charge(key, meter, NOON, 1));
        assert_int_equal(used(key, meter, NOON), i);
    }
    assert_false(charge(key, meter, NOON, 1));
    assert_int_equal(used(key, meter, NOON), 10);
    assert_true(charge(key, meter, NOON + HOUR, 10));
    assert_false(charge(key, meter, NOON + HOUR, 1));
}

static void keys_count_apart_when_they_differ_in_one_bit_that_matters(void **state)
{
    const rl_meter_t meter = fixed_window(1, HOUR);
    const rl_digest_t keys[] = {{0, 0}, {0, UINT64_C(1) << 18}, {0, UINT64_C(1) << 63},
                                {1, 0}, {UINT64_C(1) << 63, 0}, {UINT64_MAX, UINT64_MAX}};
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (size_t i = 1; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_true(charge(keys[i], meter, NOON, 1));
        assert_false(charge(keys[i], meter, NOON, 1));
    }
}

static void keys_of_all_zeros_and_all_ones_are_keys_like_others(void **state)
{
    const rl_meter_t meter = fixed_window(2, HOUR);
    const rl_digest_t keys[] = {{0, 0}, {UINT64_MAX, 0}, {0, UINT64_MAX}, {0x1234, 1}};
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (size_t i = 0; i < 4; i++) {
        assert_true(charge(keys[i], meter, NOON, 2));
        assert_false(charge(keys[i], meter, NOON, 1));
    }
}

static void peeking_charges_nothing_and_takes_no_room(void **state)
{
    const rl_meter_t meter = fixed_window(3, HOUR);
    uint64_t rng = 1;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(used(random_digest(&rng), meter, NOON), 0);
    }
    for (size_t i = 0; i < memory_size / 8; i++) {
        assert_true(((uint64_t *)memory)[i] == 0);
    }
}

static void a_charge_that_can_never_fit_takes_no_room(void **state)
{
    uint64_t rng = 2;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (int i = 0; i < 2000; i++) {
        assert_false(charge(random_digest(&rng), fixed_window(0, HOUR), NOON, 1));
        assert_false(charge(random_digest(&rng), fixed_window(5, HOUR), NOON, 6));
    }
    for (size_t i = 0; i < memory_size / 8; i++) {
        assert_true(((uint64_t *)memory)[i] == 0);
    }
}

static void refunds_return_units_in_their_window_only(void **state)
{
    const rl_digest_t key = {.hi = 5, .lo = UINT64_C(6) << 32}, other = {.hi = 6, .lo = 7};
    const rl_meter_t meter = aligned_window(3, HOUR);
    rl_step_t step;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    rl_ledger_charge(&ledger, OP(&key, &meter, NOON, 3), &step);
    rl_ledger_refund(&ledger, OP(&key, &meter, NOON, 2), step.stamp);
    assert_int_equal(used(key, meter, NOON), 1);
    rl_ledger_refund(&ledger, OP(&key, &meter, NOON, 2), step.stamp);
    assert_int_equal(used(key, meter, NOON), 0);
    assert_true(charge(key, meter, NOON + HOUR, 3));
    rl_ledger_refund(&ledger, OP(&key, &meter, NOON, 2), step.stamp);
    assert_int_equal(used(key, meter, NOON + HOUR), 3);
    rl_ledger_refund(&ledger, OP(&other, &meter, NOON, 2), step.stamp);
}

/* ---- room ---- */

static void the_default_size_holds_400000_keys_and_loses_none(void **state)
{
    const rl_meter_t meter = fixed_window(10, HOUR);
    uint64_t fill = 3, check = 3;
    int lost = 0;
    (void)state;
    open_ledger(32u << 20);
    assert_true(rl_ledger_capacity(&ledger) >= 400000);
    for (int i = 0; i < 400000; i++) {
        charge(random_digest(&fill), meter, NOON, 1 + (uint32_t)i % 9);
    }
    for (int i = 0; i < 400000; i++) {
        lost += used(random_digest(&check), meter, NOON) != 1 + (uint32_t)i % 9;
    }
    assert_int_equal(lost, 0);
}

static void every_size_has_distinct_cells_within_its_memory(void **state)
{
    const rl_meter_t meter = fixed_window(1, HOUR);
    (void)state;
    for (size_t groups = 1; groups < 140; groups++) {
        uint64_t rng = groups;
        const size_t size = groups * GROUP_SIZE + groups % 64;
        memory = aligned_alloc(64, (size + 63) / 64 * 64);
        memset(memory, 0, size);
        rl_ledger_open(&ledger, memory, size);
        assert_in_range(rl_ledger_capacity(&ledger), groups * 8 * 9 / 11, groups * 8);
        for (size_t i = 0; i < 20 * groups; i++) {
            const rl_digest_t key = random_digest(&rng);
            assert_true(charge(key, meter, NOON, 1));
            assert_false(charge(key, meter, NOON, 1));
        }
        free(memory);
    }
}

/* A path that came to a group twice once made a key lose its own cell at each charge, so that
 * it was never limited. Small tables, which have the most of such paths, and full ones. */
static void in_a_full_table_every_key_is_still_limited(void **state)
{
    const rl_meter_t crowd = fixed_window(3, 60 * SECOND), meter = fixed_window(2, HOUR);
    uint64_t rng = 4;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (int i = 0; i < 10000; i++) {
        charge(random_digest(&rng), crowd, NOON, 1);
    }
    for (int i = 0; i < 500; i++) {
        const rl_digest_t key = random_digest(&rng);
        assert_true(charge(key, meter, NOON, 1));
        assert_true(charge(key, meter, NOON, 1));
        assert_false(charge(key, meter, NOON, 1));
    }
}

static void a_flood_of_new_keys_on_a_full_table_is_granted_and_counted(void **state)
{
    const rl_meter_t meter = fixed_window(1, DAY);
    uint64_t rng = 5;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (int i = 0; i < 200000; i++) {
        const rl_digest_t key = random_digest(&rng);
        assert_true(charge(key, meter, NOON, 1));
        assert_int_equal(used(key, meter, NOON), 1);
    }
}

/* ---- eviction, in a table of one group, which is every key's path ---- */

static rl_digest_t nth_key(uint64_t n)
{
    uint64_t rng = 1000 + n;
    const rl_digest_t digest = random_digest(&rng);
    return rl_ledger_key(&digest, 0);
}

static void expired_cells_go_first(void **state)
{
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 8; i++) {
        const int64_t period = i == 5 ? 60 * SECOND : HOUR;
        charge(nth_key(i), aligned_window(5, period), NOON, i == 5 ? 5 : 1);
    }
    charge(nth_key(8), aligned_window(5, HOUR), NOON + 62 * SECOND, 1);
    for (uint64_t i = 0; i < 9; i++) {
        assert_int_equal(used(nth_key(i), aligned_window(5, HOUR), NOON + 62 * SECOND), i != 5);
    }
}

#define TICK (9 * SECOND)

/* Keys 0 to 7 come once each, a tick apart, in an order of their own. */
static int64_t fill_one_by_one(rl_meter_t meter)
{
    for (uint64_t i = 0; i < 8; i++) {
        charge(nth_key(i * 3 % 8), meter, NOON + (int64_t)i * TICK, 1);
    }
    return NOON + 8 * TICK;
}

static void then_keys_that_came_once_the_longest_ago_first(void **state)
{
    const rl_meter_t hour = aligned_window(9, HOUR), minutes = aligned_window(9, HOUR / 4);
    int64_t now;
    (void)state;
    open_ledger(GROUP_SIZE);
    now = fill_one_by_one(hour);
    for (uint64_t n = 0; n < 8; n++, now += TICK) {
        charge(nth_key(100 + n), minutes, now, 1);
        for (uint64_t i = 0; i < 8; i++) {
            assert_int_equal(used(nth_key(i * 3 % 8), hour, now), i > n);
        }
    }
}

static void keys_that_were_asked_for_again_outlive_longer_periods(void **state)
{
    const rl_meter_t minute = aligned_window(9, 60 * SECOND),
                     month = aligned_window(9, 30 * DAY);
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 7; i++) {
        charge(nth_key(i), minute, NOON, 1);
        charge(nth_key(i), minute, NOON, 1);
    }
    for (uint64_t n = 100; n < 1000; n++) {
        assert_true(charge(nth_key(n), month, NOON + TICK, 1));
    }
    for (uint64_t i = 0; i < 7; i++) {
        assert_int_equal(used(nth_key(i), minute, NOON + TICK), 2);
    }
}

static void of_keys_in_use_those_that_have_used_more_of_their_limit_go_later(void **state)
{
    const rl_meter_t hour = aligned_window(8, HOUR);
    const int64_t later = NOON + 10 * TICK;
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 8;
         i++) { /* 7, 2, 7, 2 ... units; the ticks of both kinds differ */
        charge(nth_key(i), hour, NOON + (int64_t)(i % 2) * TICK, 1);
        charge(nth_key(i), hour, NOON + (int64_t)(i % 2) * TICK, i % 2 == 0 ? 6 : 1);
    }
    for (uint64_t n = 100; n < 104; n++) {
        charge(nth_key(n), hour, later, 1);
        charge(nth_key(n), hour, later, 1);
    }
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(used(nth_key(i), hour, later), i % 2 == 0 ? 7 : 0);
    }
}

static void cells_at_their_limit_go_last(void **state)
{
    const rl_meter_t day = aligned_window(3, DAY), hour = aligned_window(3, HOUR);
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 7; i++) {
        charge(nth_key(i), hour, NOON + (int64_t)i * TICK, 3);
    }
    for (uint64_t i = 100; i < 200; i++) {
        assert_true(charge(nth_key(i), day, NOON + 7 * TICK, 1));
        assert_true(charge(nth_key(i), day, NOON + 7 * TICK, 1));
    }
    for (uint64_t i = 0; i < 7; i++) {
        assert_false(charge(nth_key(i), hour, NOON + 8 * TICK, 1));
    }
    /* Nothing else left: the one that was denied the longest ago. */
    assert_true(charge(nth_key(199), day, NOON + 8 * TICK, 1));
    for (uint64_t i = 0; i < 7; i++) {
        assert_true(i == 3 || !charge(nth_key(i), hour, NOON + 9 * TICK, 1));
    }
    assert_false(charge(nth_key(199), day, NOON + 9 * TICK, 1));
    assert_true(charge(nth_key(300), day, NOON + 10 * TICK, 3));
    for (uint64_t i = 0; i < 7; i++) {
        assert_int_equal(used(nth_key(i), hour, NOON + 10 * TICK), i == 3 ? 0 : 3);
    }
}

static void a_key_that_a_look_denies_again_and_again_keeps_its_cell(void **state)
{
    const rl_meter_t hour = aligned_window(3, HOUR);
    const rl_digest_t key = nth_key(0);
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 8; i++) {
        charge(nth_key(i), hour, NOON + (i > 0 ? TICK : 0), 3);
    }
    for (int64_t now = NOON + TICK; now < NOON + 4 * TICK; now += TICK) {
        rl_sight_t sight;
        rl_step_t step;
        rl_ledger_aim(&ledger, &key, &sight);
        rl_ledger_look(&ledger, OP(&key, &hour, now, 1), &step, &sight);
        assert_false(step.granted);
        rl_ledger_keep(OP(&key, &hour, now, 1), &sight, &step);
    }
    assert_true(charge(nth_key(100), hour, NOON + 4 * TICK, 1));
    assert_int_equal(used(key, hour, NOON + 4 * TICK), 3);
}

static void a_cell_that_was_full_in_an_earlier_window_is_not_full_any_more(void **state)
{
    const rl_meter_t hour = aligned_window(3, HOUR), day = aligned_window(3, DAY);
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 8; i++) {
        charge(nth_key(i), hour, NOON, 3);
    }
    charge(nth_key(0), hour, NOON + HOUR, 1);
    for (uint64_t i = 1; i < 8; i++) {
        charge(nth_key(i), day, NOON + HOUR, 3);
    }
    charge(nth_key(8), day, NOON + HOUR, 1);
    assert_int_equal(used(nth_key(0), hour, NOON + HOUR), 0);
    for (uint64_t i = 1; i < 8; i++) {
        assert_int_equal(used(nth_key(i), day, NOON + HOUR), 3);
    }
}

static void denied_requests_do_not_prolong_a_cell(void **state)
{
    const rl_meter_t hour = aligned_window(1, HOUR), day = aligned_window(1, DAY);
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 8; i++) {
        charge(nth_key(i), i == 0 ? hour : day, NOON, 1);
    }
    for (int i = 0; i < 1000; i++) {
        assert_false(charge(nth_key(0), hour, NOON + i * SECOND, 1));
    }
    charge(nth_key(8), day, NOON + HOUR + 2 * SECOND, 1);
    for (uint64_t i = 1; i < 9; i++) {
        assert_int_equal(used(nth_key(i), day, NOON + HOUR + 2 * SECOND), 1);
    }
}

static void denied_requests_write_to_a_cell_once_in_eight_seconds_at_most(void **state)
{
    const rl_meter_t hour = aligned_window(1, HOUR);
    uint64_t before[8], writes = 0;
    (void)state;
    open_ledger(GROUP_SIZE);
    charge(nth_key(0), hour, NOON, 1);
    for (int i = 0; i < 1000; i++) {
        memcpy(before, memory, sizeof(before));
        assert_false(charge(nth_key(0), hour, NOON + i * SECOND / 10, 1));
        writes += memcmp(before, memory, sizeof(before)) != 0;
    }
    assert_in_range(writes, 12, 14);
}

static void cells_of_a_clock_that_was_years_ahead_are_reused(void **state)
{
    const rl_meter_t hour = aligned_window(3, HOUR);
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 8; i++) {
        charge(nth_key(i), hour, NOON + 3000 * DAY, 3);
    }
    for (uint64_t i = 10; i < 17; i++) {
        charge(nth_key(i), hour, NOON, 1);
    }
    for (uint64_t i = 10; i < 17; i++) {
        assert_int_equal(used(nth_key(i), hour, NOON), 1);
    }
}

/* ---- take-over ---- */

static void a_take_over_leaves_no_trace_of_the_former_owner(void **state)
{
    const rl_meter_t hour = aligned_window(3, HOUR);
    rl_step_t step;
    uint32_t before = 99;
    (void)state;
    open_ledger(GROUP_SIZE);
    for (uint64_t i = 0; i < 8; i++) {
        const rl_digest_t key = nth_key(i);
        charge(key, hour, NOON, 3);
        rl_ledger_charge(&ledger, OP(&key, &hour, NOON, 1), &step);
        for (int n = 0; n < 5; n++) {
            rl_ledger_count_denial(&ledger, OP(&key, &no_meter, NOON, 0), &step, &before);
        }
    }
    for (uint64_t i = 10; i < 18; i++) {
        const rl_digest_t key = nth_key(i);
        assert_int_equal(used(key, hour, NOON), 0);
        rl_ledger_charge(&ledger, OP(&key, &hour, NOON + 2 * HOUR, 1), &step);
        assert_int_equal(step.used, 1);
        assert_int_equal(rl_ledger_count_denial(
                             &ledger, OP(&key, &no_meter, NOON + 2 * HOUR, 0), &step, &before),
                         1);
        assert_int_equal(before, 0);
    }
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(used(nth_key(i), hour, NOON), 0);
    }
}

/* ---- denials ---- */

static uint32_t denied(rl_digest_t key, rl_meter_t meter, int64_t now, uint32_t *before)
{
    rl_step_t step;
    rl_ledger_charge(&ledger, OP(&key, &meter, now, 1), &step);
    assert_false(step.granted);
    return rl_ledger_count_denial(&ledger, OP(&key, &no_meter, now, 0), &step, before);
}

static void denials_are_counted_by_window_and_those_before_are_told(void **state)
{
    const rl_meter_t hour = aligned_window(1, HOUR);
    const rl_digest_t key = nth_key(1);
    uint32_t before;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    charge(key, hour, NOON, 1);
    for (uint32_t n = 1; n <= 5; n++) {
        assert_int_equal(denied(key, hour, NOON + n, &before), n);
        assert_int_equal(before, n - 1);
    }
    charge(key, hour, NOON + HOUR, 1);
    assert_int_equal(denied(key, hour, NOON + HOUR, &before), 1);
    assert_int_equal(before, 5);
    charge(key, hour, NOON + 2 * HOUR, 1);
    assert_int_equal(denied(key, hour, NOON + 2 * HOUR, &before), 1);
    assert_int_equal(before, 1);
}

static void a_key_of_limit_zero_has_its_denials_counted_too(void **state)
{
    const rl_meter_t closed = aligned_window(0, HOUR);
    uint32_t before;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    assert_int_equal(denied(nth_key(1), closed, NOON, &before), 1);
    assert_int_equal(denied(nth_key(1), closed, NOON, &before), 2);
    assert_int_equal(denied(nth_key(2), closed, NOON, &before), 1);
}

/* ---- against a plain array ---- */

static void random_traffic_agrees_with_a_plain_array_of_counters(void **state)
{
    enum { KEYS = 300 };
    static struct {
        uint64_t stamp, units;
    } plain[KEYS];
    const rl_meter_t meter = fixed_window(5, 60 * SECOND);
    int64_t now = NOON;
    uint64_t rng = 7;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (int i = 0; i < 200000; i++) {
        const uint64_t k = random_below(&rng, KEYS);
        const rl_digest_t key = nth_key(k);
        const uint32_t cost = 1 + (uint32_t)random_below(&rng, 3);
        rl_step_t step;
        rl_ledger_charge(&ledger, OP(&key, &meter, now, cost), &step);
        if (plain[k].stamp != step.stamp) {
            assert_true(plain[k].stamp < step.stamp);
            plain[k].stamp = step.stamp;
            plain[k].units = 0;
        }
        assert_int_equal(step.granted, plain[k].units + cost <= 5);
        plain[k].units += step.granted ? cost : 0;
        if (step.granted && random_below(&rng, 4) == 0) {
            rl_ledger_refund(&ledger, OP(&key, &meter, NOON, cost), step.stamp);
            plain[k].units -= cost;
        }
        now += (int64_t)random_below(&rng, SECOND / 10);
    }
}

#define LEDGER_TEST(f) cmocka_unit_test_teardown(f, close_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_key_is_granted_its_limit_and_no_more),
        LEDGER_TEST(keys_count_apart_when_they_differ_in_one_bit_that_matters),
        LEDGER_TEST(keys_of_all_zeros_and_all_ones_are_keys_like_others),
        LEDGER_TEST(peeking_charges_nothing_and_takes_no_room),
        LEDGER_TEST(a_charge_that_can_never_fit_takes_no_room),
        LEDGER_TEST(refunds_return_units_in_their_window_only),
        LEDGER_TEST(the_default_size_holds_400000_keys_and_loses_none),
        cmocka_unit_test(every_size_has_distinct_cells_within_its_memory),
        LEDGER_TEST(in_a_full_table_every_key_is_still_limited),
        LEDGER_TEST(a_flood_of_new_keys_on_a_full_table_is_granted_and_counted),
        LEDGER_TEST(expired_cells_go_first),
        LEDGER_TEST(then_keys_that_came_once_the_longest_ago_first),
        LEDGER_TEST(keys_that_were_asked_for_again_outlive_longer_periods),
        LEDGER_TEST(of_keys_in_use_those_that_have_used_more_of_their_limit_go_later),
        LEDGER_TEST(cells_at_their_limit_go_last),
        LEDGER_TEST(a_key_that_a_look_denies_again_and_again_keeps_its_cell),
        LEDGER_TEST(a_cell_that_was_full_in_an_earlier_window_is_not_full_any_more),
        LEDGER_TEST(denied_requests_do_not_prolong_a_cell),
        LEDGER_TEST(denied_requests_write_to_a_cell_once_in_eight_seconds_at_most),
        LEDGER_TEST(cells_of_a_clock_that_was_years_ahead_are_reused),
        LEDGER_TEST(a_take_over_leaves_no_trace_of_the_former_owner),
        LEDGER_TEST(denials_are_counted_by_window_and_those_before_are_told),
        LEDGER_TEST(a_key_of_limit_zero_has_its_denials_counted_too),
        LEDGER_TEST(random_traffic_agrees_with_a_plain_array_of_counters),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
