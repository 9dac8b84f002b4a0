/* SPDX-License-Identifier: Apache-2.0 */
/* stats/sketch: the keys that come most often. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stats/sketch.h"
#include "support.h"

#define NOON UINT32_C(1795694400)

static rl_sketch_t sketch;
static rl_sketch_key_t found[RL_SKETCH_KEYS];
static uint64_t sequence;

static int new_sketch(void **state)
{
    (void)state;
    memset(&sketch, 0, sizeof(sketch));
    sequence = 0;
    return 0;
}

static rl_digest_t key(uint64_t n)
{
    uint64_t seed = n * 2654435761u;
    return random_digest(&seed);
}

static void see_under(uint64_t n, uint32_t now_s, uint32_t limit)
{
    const rl_sighting_t sighting = {
        .key = key(n), .limit = limit, .period_s = 60, .now_s = now_s, .sequence = sequence++};
    rl_sketch_add(&sketch, &sighting);
}

static void see(uint64_t n, uint32_t now_s)
{
    see_under(n, now_s, 10);
}

/* Returns the place of the key among those found, -1: it isn't there. */
static int place_of(uint64_t n, unsigned count)
{
    const rl_digest_t wanted = key(n);
    for (unsigned i = 0; i < count; i++) {
        if (found[i].key.lo == wanted.lo && found[i].key.hi == wanted.hi) {
            return (int)i;
        }
    }
    return -1;
}

static void few_keys_are_counted_exactly(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 20; n++) {
        for (uint64_t i = 0; i < n; i++) {
            see(n, NOON + (uint32_t)n);
        }
    }
    assert_int_equal(rl_sketch_read(&sketch, NOON + 30, found), 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(place_of(20 - i, 20), i);
        assert_int_equal(found[i].count, 20 - i);
        assert_int_equal(found[i].error, 0);
        assert_int_equal(found[i].last_s, NOON + 20 - i);
    }
}

static void a_busy_key_stands_out_of_a_flood_of_keys_that_come_once(void **state)
{
    uint32_t now = NOON, n = 0;
    (void)state;
    for (uint64_t i = 0; i < 20000; i++, now += i % 100 == 0) {
        see(i % 10 == 0 ? 1 : 1000 + i, now); /* a tenth: more than a 32nd */
        n += i % 10 == 0;
    }
    assert_int_equal(rl_sketch_read(&sketch, now, found), RL_SKETCH_KEYS);
    assert_int_equal(place_of(1, RL_SKETCH_KEYS), 0);
    assert_true(found[0].count >= n && found[0].count - found[0].error <= n);
    assert_true(found[0].count - found[0].error > n * 9 / 10);
}

static void a_key_that_was_quiet_counts_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        see(1, NOON);
    }
    assert_int_equal(rl_sketch_read(&sketch, NOON + RL_SKETCH_QUIET_S + 1, found), 0);
    see(1, NOON + RL_SKETCH_QUIET_S + 1);
    assert_int_equal(rl_sketch_read(&sketch, NOON + RL_SKETCH_QUIET_S + 1, found), 1);
    assert_int_equal(found[0].count, 1);
    assert_int_equal(found[0].since_s, NOON + RL_SKETCH_QUIET_S + 1);
}

static void entries_of_quiet_keys_are_taken_first(void **state)
{
    const uint32_t later = NOON + RL_SKETCH_QUIET_S + 1;
    (void)state;
    for (uint64_t n = 0; n < RL_SKETCH_KEYS; n++) {
        see(n, n == 5 ? NOON : later);
        see(n, n == 5 ? NOON : later);
    }
    see(100, later);
    assert_int_equal(rl_sketch_read(&sketch, later, found), RL_SKETCH_KEYS);
    assert_int_equal(place_of(5, RL_SKETCH_KEYS), -1);
    assert_int_equal(found[place_of(100, RL_SKETCH_KEYS)].count, 1);
    assert_int_equal(found[place_of(100, RL_SKETCH_KEYS)].error, 0);
}

static void busy_streams_are_sampled(void **state)
{
    uint32_t sure;
    (void)state;
    for (int i = 0; i < 1000000; i++) { /* two keys, in turns, in one second */
        see(i % 2 == 0 ? 1 : 2, NOON);
    }
    assert_int_equal(rl_sketch_read(&sketch, NOON, found), 2);
    sure = found[1].count - found[1].error;
    assert_true(sure > 450000 && sure < 550000);
    assert_true(found[0].count > 450000 && found[0].count < 550000);
}

static void the_rate_is_the_last_one(void **state)
{
    (void)state;
    see_under(1, NOON, 10);
    see_under(1, NOON, 20);
    assert_int_equal(rl_sketch_read(&sketch, NOON, found), 1);
    assert_int_equal(found[0].limit, 20);
    assert_int_equal(found[0].period_s, 60);
}

/* As two do that take one entry at the same moment, or one that is killed while it does. */
static void an_entry_that_is_half_written_is_not_shown(void **state)
{
    (void)state;
    see(1, NOON);
    see(2, NOON);
    atomic_store(&sketch.hi[0], key(2).hi);
    assert_int_equal(rl_sketch_read(&sketch, NOON, found), 1);
    assert_int_equal(place_of(2, 1), 0);
}

static void *flood(void *first)
{
    uint64_t seed = (uint64_t)(uintptr_t)first;
    for (int i = 0; i < 50000; i++) {
        const rl_sighting_t sighting = {
            .key = key(random_below(&seed, 4) == 0 ? 1 : 1000 + random_below(&seed, 5000)),
            .now_s = NOON + (uint32_t)i / 200,
            .sequence = random_bits(&seed)};
        rl_sketch_add(&sketch, &sighting);
    }
    return NULL;
}

static void many_at_once_leave_it_whole(void **state)
{
    pthread_t threads[8];
    unsigned n;
    (void)state;
    for (uintptr_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, flood, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
    n = rl_sketch_read(&sketch, NOON + 250, found);
    assert_int_equal(place_of(1, n), 0);
    for (unsigned i = 0; i < n; i++) { /* nothing that never came */
        bool came = false;
        for (uint64_t m = 1; m < 6000 && !came; m = m == 1 ? 1000 : m + 1) {
            came = key(m).lo == found[i].key.lo && key(m).hi == found[i].key.hi;
        }
        assert_true(came);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, new_sketch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(few_keys_are_counted_exactly),
        TEST(a_busy_key_stands_out_of_a_flood_of_keys_that_come_once),
        TEST(a_key_that_was_quiet_counts_anew),
        TEST(entries_of_quiet_keys_are_taken_first),
        TEST(busy_streams_are_sampled),
        TEST(the_rate_is_the_last_one),
        TEST(an_entry_that_is_half_written_is_not_shown),
        TEST(many_at_once_leave_it_whole),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
