/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter: token buckets at saturation keep their rate, also one that doesn't divide evenly,
 * to the unit: over a day, and over years for slow ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/wide.h"
#include "counter.h"

typedef struct run {
    const char *name;
    uint32_t limit;
    int64_t period_us;
    uint32_t burst;
    uint32_t cost; /* of each request */
    int64_t span;
} run_t;

/* Rates that share no factor with a second's microseconds, a day or a power of two. */
static const run_t runs[] = {
    {"7/s", 7, SECOND, 7, 1, DAY},
    {"1/m", 1, MINUTE, 1, 1, DAY},
    {"1/m over a year", 1, MINUTE, 5, 1, 365 * DAY},
    {"3/h", 3, HOUR, 3, 1, DAY},
    {"3/h over ten years", 3, HOUR, 3, 1, 3650 * DAY},
    {"1000/7s", 1000, 7 * SECOND, 1000, 30, DAY},
    {"1000/7s, a burst of 1", 1000, 7 * SECOND, 1, 1, HOUR},
    {"100000/d", 100000, DAY, 100000, 1, DAY},
    {"100000/d, a burst of 3", 100000, DAY, 3, 1, 10 * DAY},
    {"999983/d", 999983, DAY, 17, 1, DAY},
    {"7/13d over ten years", 7, 13 * DAY, 7, 1, 3650 * DAY},
    {"1/30d over 50 years", 1, 30 * DAY, 2, 1, 18250 * DAY},
    {"34305/s", 34305, SECOND, 34305, 10007, DAY},
    {"34306/s, not shareable", 34306, SECOND, 34306, 1009, 3 * HOUR},
    {"4294967295/30d", UINT32_MAX, 30 * DAY, 4000, 397, DAY},
    {"4294967295/s", UINT32_MAX, SECOND, UINT32_MAX, 4294967, 100 * SECOND},
    {"4294967291/2591999s", 4294967291u, 2591999 * SECOND, 1000, 389, DAY},
};

static counter_t counter_for(const run_t *run)
{
    return counter_with((rl_meter_t){.algorithm = RL_TOKEN_BUCKET,
                                     .limit = run->limit,
                                     .burst = run->burst,
                                     .initial = run->burst,
                                     .period_us = run->period_us});
}

/* Units that come in a span, rounded down. */
static uint64_t units_in(const run_t *run, int64_t span)
{
    return rl_mul_div(run->limit, (uint64_t)span, (uint64_t)run->period_us);
}

static void check(const run_t *run, const char *who, int64_t span, uint64_t admitted)
{
    const uint64_t expected = run->burst + units_in(run, span);
    const bool is_floor = admitted / run->cost == expected / run->cost;
    const bool is_ceil = admitted / run->cost == (expected + 1) / run->cost;
    if (!is_floor && !is_ceil) {
        fail_msg("%s, %s: %llu instead of %llu", run->name, who, (unsigned long long)admitted,
                 (unsigned long long)expected);
    }
}

/* Comes back when it is told to, to the microsecond. */
static void a_client_that_waits_for_each_retry_gets_the_rate(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        const int64_t begin = NOON + 123457;
        counter_t counter = counter_for(&runs[i]);
        uint64_t admitted = 0;
        int64_t now = begin;
        while (now <= begin + runs[i].span) {
            if (charge(&counter, now, runs[i].cost)) {
                admitted += runs[i].cost;
            }
            now = counter.step.retry;
        }
        check(&runs[i], "at each retry", runs[i].span, admitted);
    }
}

/* Asks all the time, at moments that have nothing to do with the tokens'; the bucket is large
 * enough for what comes between two of them. */
static void a_client_that_never_waits_gets_the_rate(void **state)
{
    uint64_t rng = 1;
    (void)state;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        const int64_t begin = NOON + 98765;
        const uint64_t gap = (uint64_t)runs[i].span / 250000 + 1;
        counter_t counter = counter_for(&runs[i]);
        uint64_t admitted = 0;
        int64_t now = begin, last = begin;
        for (; now <= begin + runs[i].span; now += (int64_t)random_below(&rng, gap)) {
            while (charge(&counter, now, runs[i].cost)) {
                admitted += runs[i].cost;
            }
            last = now;
        }
        if (units_in(&runs[i], (int64_t)gap) + 1 + runs[i].cost <= runs[i].burst) {
            check(&runs[i], "all the time", last - begin, admitted);
        }
    }
}

/* A minute's token each minute, on the minute: 1440 a day, and not one less. */
static void a_client_with_the_same_rate_is_never_denied(void **state)
{
    counter_t minute = counter_with((rl_meter_t){.algorithm = RL_TOKEN_BUCKET,
                                                 .limit = 1,
                                                 .burst = 1,
                                                 .initial = 1,
                                                 .period_us = MINUTE});
    counter_t seventh = minute;
    (void)state;
    seventh.meter.limit = 7;
    rl_meter_prepare(&seventh.meter);
    for (int64_t n = 0; n < 7 * 1440 * 30; n++) {
        if (n < 1440 * 30) {
            assert_true(charge(&minute, NOON + 31 + n * MINUTE, 1));
        }
        assert_true(charge(&seventh, NOON + 31 + (n * MINUTE + 6) / 7, 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_waits_for_each_retry_gets_the_rate),
        cmocka_unit_test(a_client_that_never_waits_gets_the_rate),
        cmocka_unit_test(a_client_with_the_same_rate_is_never_denied),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
