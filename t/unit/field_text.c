/* SPDX-License-Identifier: Apache-2.0 */
/* core/text, answer/text/fields: response fields in buffers that fit, and in some that don't.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "answer/text/field_text.h"

#define SECOND  INT64_C(1000000)
#define LONGEST "abcdefghijklmnopqrstuvwxyz_-0123"

static void policies_are_a_list(void **state)
{
    char buffer[200];
    rl_text_t text;
    (void)state;
    rl_text_begin(&text, buffer, sizeof(buffer));
    rl_field_text_add_policy(&text, "burst", 100, 60 * SECOND);
    rl_field_text_add_policy(&text, "hourly", 1000, 3600 * SECOND);
    assert_true(rl_text_end(&text) > 0);
    assert_string_equal(buffer, "\"burst\";q=100;w=60, \"hourly\";q=1000;w=3600");
}

static void assert_window(int64_t us, const char *expected)
{
    char buffer[RL_FIELD_ITEM_MAX];
    rl_text_t text;
    rl_text_begin(&text, buffer, sizeof(buffer));
    rl_field_text_add_policy(&text, "r", 1, us);
    rl_text_end(&text);
    assert_string_equal(buffer, expected);
}

static void a_window_is_whole_seconds_and_one_at_least(void **state)
{
    (void)state;
    assert_window(1, "\"r\";q=1;w=1");
    assert_window(0, "\"r\";q=1;w=1");
    assert_window(-5 * SECOND, "\"r\";q=1;w=1");
    assert_window(SECOND, "\"r\";q=1;w=1");
    assert_window(SECOND + 1, "\"r\";q=1;w=2");
    assert_window(INT64_MAX, "\"r\";q=1;w=9223372036855");
    assert_int_equal(rl_field_text_epoch(INT64_MAX), INT64_C(9223372036855));
}

static void a_policy_of_requests_at_the_same_time_has_a_unit(void **state)
{
    char buffer[RL_FIELD_ITEM_MAX];
    rl_text_t text;
    (void)state;
    rl_text_begin(&text, buffer, sizeof(buffer));
    rl_field_text_add_concurrent(&text, "r", 6);
    rl_text_end(&text);
    assert_string_equal(buffer, "\"r\";q=6;qu=\"concurrent-requests\"");
}

static void a_state_has_both_numbers(void **state)
{
    static const struct {
        int64_t remaining, seconds;
        const char *expected;
    } cases[] = {
        {50, 30, "\"burst\";r=50;t=30"},
        {0, 1, "\"burst\";r=0;t=1"},
        {-1, 0, "\"burst\";r=0;t=0"},
        {50, -1, "\"burst\";r=50"}, /* not known */
        {INT64_MAX, INT64_MAX, "\"burst\";r=999999999999999;t=999999999999999"},
        {RL_FIELD_INTEGER_MAX, 0, "\"burst\";r=999999999999999;t=0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char buffer[RL_FIELD_ITEM_MAX];
        rl_text_t text;
        rl_text_begin(&text, buffer, sizeof(buffer));
        rl_field_text_add_state(&text, "burst", cases[i].remaining, cases[i].seconds);
        assert_int_equal(rl_text_end(&text), strlen(cases[i].expected));
        assert_string_equal(buffer, cases[i].expected);
    }
}

static void the_largest_item_has_room(void **state)
{
    char buffer[2 * RL_FIELD_ITEM_MAX];
    rl_text_t text;
    (void)state;
    rl_text_begin(&text, buffer, sizeof(buffer));
    rl_field_text_add_policy(&text, LONGEST, UINT32_MAX, INT64_MAX);
    rl_field_text_add_policy(&text, LONGEST, UINT32_MAX, INT64_MAX);
    assert_true(rl_text_end(&text) > 0);
    rl_text_begin(&text, buffer, RL_FIELD_ITEM_MAX);
    rl_field_text_add_state(&text, LONGEST, INT64_MAX, INT64_MAX);
    assert_true(rl_text_end(&text) > 0);
}

static void what_does_not_fit_is_no_text(void **state)
{
    static const char whole[] = "\"r\";q=12;w=60";
    (void)state;
    for (size_t size = 1; size <= sizeof(whole); size++) {
        char buffer[32];
        rl_text_t text;
        memset(buffer, '#', sizeof(buffer));
        rl_text_begin(&text, buffer, size);
        rl_field_text_add_policy(&text, "r", 12, 60 * SECOND);
        assert_int_equal(rl_text_end(&text), size == sizeof(whole) ? strlen(whole) : 0);
        assert_string_equal(buffer, size == sizeof(whole) ? whole : "");
        for (size_t i = size; i < sizeof(buffer); i++) {
            assert_int_equal(buffer[i], '#');
        }
    }
}

static void numbers_of_every_size(void **state)
{
    char buffer[RL_FIELD_NUMBER_MAX];
    rl_text_t text;
    (void)state;
    rl_text_begin(&text, buffer, sizeof(buffer));
    rl_text_add_number(&text, UINT64_MAX);
    rl_text_end(&text);
    assert_string_equal(buffer, "18446744073709551615");
    rl_text_begin(&text, buffer, sizeof(buffer));
    rl_text_add_number(&text, 0);
    rl_text_add_number(&text, 10);
    rl_text_end(&text);
    assert_string_equal(buffer, "010");
}

static void an_epoch_is_never_early(void **state)
{
    (void)state;
    assert_int_equal(rl_field_text_epoch(0), 0);
    assert_int_equal(rl_field_text_epoch(1), 1);
    assert_int_equal(rl_field_text_epoch(SECOND), 1);
    assert_int_equal(rl_field_text_epoch(SECOND + 1), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_a_list),
        cmocka_unit_test(a_window_is_whole_seconds_and_one_at_least),
        cmocka_unit_test(a_policy_of_requests_at_the_same_time_has_a_unit),
        cmocka_unit_test(a_state_has_both_numbers),
        cmocka_unit_test(the_largest_item_has_room),
        cmocka_unit_test(what_does_not_fit_is_no_text),
        cmocka_unit_test(numbers_of_every_size),
        cmocka_unit_test(an_epoch_is_never_early),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
