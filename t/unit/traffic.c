/* SPDX-License-Identifier: Apache-2.0 */
/* stats/traffic: what is counted of a server of a shared store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stats/traffic.h"

#define SECOND INT64_C(1000000)

static rl_traffic_t traffic;
static rl_traffic_sums_t sums;

static int no_traffic(void **state)
{
    (void)state;
    memset(&traffic, 0, sizeof(traffic));
    return 0;
}

static void round_trips_are_counted_by_how_long_they_took(void **state)
{
    static const int64_t took[] = {-5, 0, 50, 51, 100, 5000, 100000, 100001, 10 * SECOND};
    (void)state;
    for (size_t i = 0; i < sizeof(took) / sizeof(took[0]); i++) {
        rl_traffic_answered(&traffic, took[i]);
    }
    rl_traffic_error(&traffic);
    rl_traffic_sum(&traffic, 0, &sums);
    assert_int_equal(sums.round_trips, 9);
    assert_int_equal(sums.errors, 1);
    assert_int_equal(sums.buckets[0], 3);
    assert_int_equal(sums.buckets[1], 2);
    assert_int_equal(sums.buckets[6], 1);
    assert_int_equal(sums.buckets[10], 1);
    assert_int_equal(sums.buckets[RL_TRAFFIC_BUCKETS - 1], 2);
    assert_int_equal(sums.sum_us, 50 + 51 + 100 + 5000 + 100000 + 100001 + 10 * SECOND);
}

static void an_outage_lasts_until_the_first_answer(void **state)
{
    (void)state;
    rl_traffic_away(&traffic, 100 * SECOND);
    rl_traffic_away(&traffic, 105 * SECOND); /* another process finds out, too */
    rl_traffic_sum(&traffic, 110 * SECOND, &sums);
    assert_int_equal(sums.outages, 1);
    assert_int_equal(sums.outage_us, 10 * SECOND);
    assert_int_equal(sums.last_outage_us, 0);
    rl_traffic_back(&traffic, 130 * SECOND);
    rl_traffic_back(&traffic, 140 * SECOND);
    rl_traffic_sum(&traffic, 150 * SECOND, &sums);
    assert_int_equal(sums.outage_us, 0);
    assert_int_equal(sums.last_outage_us, 30 * SECOND);
    rl_traffic_away(&traffic, 200 * SECOND);
    rl_traffic_back(&traffic, 201 * SECOND);
    rl_traffic_sum(&traffic, 210 * SECOND, &sums);
    assert_int_equal(sums.outages, 2);
    assert_int_equal(sums.last_outage_us, SECOND);
    assert_int_equal(sums.all_outages_us, 31 * SECOND);
}

static void no_traffic_is_none(void **state)
{
    (void)state;
    rl_traffic_answered(NULL, 10);
    rl_traffic_error(NULL);
    rl_traffic_away(NULL, 10);
    rl_traffic_back(NULL, 20);
    rl_traffic_sum(NULL, 30, &sums);
    assert_int_equal(sums.round_trips, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, no_traffic)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(round_trips_are_counted_by_how_long_they_took),
        TEST(an_outage_lasts_until_the_first_answer),
        TEST(no_traffic_is_none),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
