/* SPDX-License-Identifier: Apache-2.0 */
/* core/rate: the grammar of COUNT/PERIOD, every right and wrong spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/rate.h"

#define MINUTE (60 * RL_USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void assert_rate(const char *text, uint32_t count, int64_t period_us)
{
    rl_rate_t rate = {.unlimited = true};
    const char *reason = rl_rate_parse(text, &rate);
    if (reason != NULL) {
        fail_msg("\"%s\": %s", text, reason);
    }
    if (rate.unlimited || rate.count != count || rate.period_us != period_us) {
        fail_msg("\"%s\" gave %u in %lld us", text, rate.count, (long long)rate.period_us);
    }
}

/* The reason must say what is allowed in the words that the administrator needs. */
static void assert_wrong(const char *text, const char *says)
{
    rl_rate_t rate = {.count = 77, .period_us = 88};
    const char *reason = rl_rate_parse(text, &rate);
    if (reason == NULL) {
        fail_msg("\"%s\" was taken", text);
    }
    else if (strstr(reason, says) == NULL) {
        fail_msg("\"%s\": \"%s\" doesn't say \"%s\"", text, reason, says);
    }
    assert_false(rate.unlimited);
    assert_int_equal(rate.count, 77);
    assert_int_equal(rate.period_us, 88);
}

static void every_unit_has_its_spellings(void **state)
{
    static const struct {
        int64_t us;
        const char *names[6];
    } units[] = {
        {RL_USEC_PER_SEC, {"s", "sec", "secs", "second", "seconds"}},
        {MINUTE, {"m", "min", "mins", "minute", "minutes"}},
        {HOUR, {"h", "hr", "hrs", "hour", "hours"}},
        {DAY, {"d", "day", "days"}},
    };
    (void)state;
    for (size_t u = 0; u < 4; u++) {
        for (int n = 0; units[u].names[n] != NULL; n++) {
            char text[32];
            snprintf(text, sizeof(text), "5/%s", units[u].names[n]);
            assert_rate(text, 5, units[u].us);
            snprintf(text, sizeof(text), "7/3%s", units[u].names[n]);
            assert_rate(text, 7, 3 * units[u].us);
        }
    }
}

static void letter_case_is_not_significant(void **state)
{
    (void)state;
    assert_rate("5/S", 5, RL_USEC_PER_SEC);
    assert_rate("5/10MIN", 5, 10 * MINUTE);
    assert_rate("5/HourS", 5, HOUR);
    assert_rate("5/DAYS", 5, DAY);
}

static void a_period_without_a_unit_is_in_seconds(void **state)
{
    (void)state;
    assert_rate("100/300", 100, 5 * MINUTE);
    assert_rate("1/1", 1, RL_USEC_PER_SEC);
    assert_rate("1/2592000", 1, 30 * DAY);
    assert_rate("1/007", 1, 7 * RL_USEC_PER_SEC);
}

static void the_examples_of_the_manual_are_right(void **state)
{
    (void)state;
    assert_rate("5/10m", 5, 10 * MINUTE);
    assert_rate("1000/d", 1000, DAY);
    assert_rate("10/m", 10, MINUTE);
    assert_rate("100/5m", 100, 5 * MINUTE);
}

static void counts_reach_from_zero_to_32_bits(void **state)
{
    (void)state;
    assert_rate("0/m", 0, MINUTE);
    assert_rate("4294967295/s", UINT32_MAX, RL_USEC_PER_SEC);
    assert_wrong("4294967296/s", "4294967295");
    assert_wrong("99999999999999999999999/s", "4294967295");
}

static void none_is_unlimited(void **state)
{
    static const char *const names[] = {"none", "None", "NONE"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rl_rate_t rate = {.unlimited = false};
        assert_null(rl_rate_parse(names[i], &rate));
        assert_true(rate.unlimited);
    }
    assert_wrong("none/s", "count");
    assert_wrong("nonee", "COUNT/PERIOD");
    assert_wrong("no", "COUNT/PERIOD");
    assert_wrong("none ", "COUNT/PERIOD");
}

static void periods_reach_from_one_second_to_30_days(void **state)
{
    (void)state;
    assert_rate("1/30d", 1, 30 * DAY);
    assert_rate("1/720h", 1, 30 * DAY);
    assert_rate("1/43200m", 1, 30 * DAY);
    assert_wrong("1/31d", "30 days");
    assert_wrong("1/721h", "30 days");
    assert_wrong("1/43201min", "30 days");
    assert_wrong("1/2592001", "30 days");
    assert_wrong("1/2592001s", "30 days");
    assert_wrong("1/18446744073709551617s", "30 days");
    assert_wrong("10/0s", "at least 1 second");
    assert_wrong("10/0", "at least 1 second");
    assert_wrong("10/000d", "at least 1 second");
}

static void a_wrong_count_is_named(void **state)
{
    static const char *const wrong[] = {"ten/m", "-1/m", "+1/m",  "1.5/s", "/m",  " 5/m",
                                        "5 /m",  "/",    "1e3/m", "0x5/m", "5,/m"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_wrong(wrong[i], "count");
    }
}

static void a_wrong_period_is_named(void **state)
{
    static const char *const wrong[] = {
        "10/",  "10/x",  "5//m",    "5/week", "5/ss",    "5/ms",  "5/ds",      "5/hs",
        "5/ m", "5/m ",  "5/10 m",  "5/-1m",  "5/1.5m",  "5/m5",  "5/1m30s",   "5/secondss",
        "5/mi", "5/hou", "5/10m/s", "5/+1",   "5/month", "5/1d2", "5/minutess"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_wrong(wrong[i], "UNIT");
    }
}

static void text_without_a_slash_is_told_the_form(void **state)
{
    static const char *const wrong[] = {"", "5", "5m", "m", "off", "unlimited", "5 per m"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_wrong(wrong[i], "COUNT/PERIOD");
    }
}

static void durations_are_written_like_periods(void **state)
{
    int64_t us = 0;
    (void)state;
    assert_null(rl_duration_parse("15m", &us));
    assert_int_equal(us, 15 * MINUTE);
    assert_null(rl_duration_parse("hour", &us));
    assert_int_equal(us, HOUR);
    assert_null(rl_duration_parse("90", &us));
    assert_int_equal(us, 90 * RL_USEC_PER_SEC);
    us = 5;
    assert_non_null(rl_duration_parse("", &us));
    assert_non_null(rl_duration_parse("0", &us));
    assert_non_null(rl_duration_parse("31d", &us));
    assert_non_null(rl_duration_parse("none", &us));
    assert_int_equal(us, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_has_its_spellings),
        cmocka_unit_test(letter_case_is_not_significant),
        cmocka_unit_test(a_period_without_a_unit_is_in_seconds),
        cmocka_unit_test(the_examples_of_the_manual_are_right),
        cmocka_unit_test(counts_reach_from_zero_to_32_bits),
        cmocka_unit_test(none_is_unlimited),
        cmocka_unit_test(periods_reach_from_one_second_to_30_days),
        cmocka_unit_test(a_wrong_count_is_named),
        cmocka_unit_test(a_wrong_period_is_named),
        cmocka_unit_test(text_without_a_slash_is_told_the_form),
        cmocka_unit_test(durations_are_written_like_periods),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
