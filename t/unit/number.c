/* SPDX-License-Identifier: Apache-2.0 */
/* core/number: whole numbers and sizes, at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/number.h"
#include "support.h"

#define UNTOUCHED UINT64_C(0xdeadbeef)

static void assert_number(const char *text, uint64_t max, uint64_t wanted)
{
    uint64_t value = UNTOUCHED;
    if (!rl_number_parse(text, strlen(text), max, &value) || value != wanted) {
        fail_msg("\"%s\" up to %llu gave %llu", text, (unsigned long long)max,
                 (unsigned long long)value);
    }
}

static void assert_no_number(const char *text, uint64_t max)
{
    uint64_t value = UNTOUCHED;
    if (rl_number_parse(text, strlen(text), max, &value) || value != UNTOUCHED) {
        fail_msg("\"%s\" up to %llu was taken", text, (unsigned long long)max);
    }
}

static void assert_size(const char *text, uint64_t max, uint64_t wanted)
{
    uint64_t value = UNTOUCHED;
    if (!rl_number_parse_size(text, max, &value) || value != wanted) {
        fail_msg("\"%s\" gave %llu", text, (unsigned long long)value);
    }
}

static void assert_no_size(const char *text, uint64_t max)
{
    uint64_t value = UNTOUCHED;
    if (rl_number_parse_size(text, max, &value) || value != UNTOUCHED) {
        fail_msg("\"%s\" was taken", text);
    }
}

static void digits_are_read_up_to_the_maximum_and_no_further(void **state)
{
    (void)state;
    assert_number("0", 0, 0);
    assert_no_number("1", 0);
    assert_number("007", 7, 7);
    assert_no_number("8", 7);
    assert_number("4294967295", UINT32_MAX, UINT32_MAX);
    assert_no_number("4294967296", UINT32_MAX);
    assert_number("18446744073709551615", UINT64_MAX, UINT64_MAX);
    assert_no_number("18446744073709551616", UINT64_MAX);
    assert_no_number("99999999999999999999999999999999", UINT64_MAX);
}

static void anything_but_digits_is_refused(void **state)
{
    static const char *const wrong[] = {"",   " ",   "+1",  "-1", "1 ", " 1",  "1.0",
                                        "1,", "0x1", "1e3", "١",  "1k", "ten", "1\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_no_number(wrong[i], UINT64_MAX);
    }
}

static void only_the_given_bytes_are_looked_at(void **state)
{
    uint64_t value = UNTOUCHED;
    (void)state;
    assert_true(rl_number_parse("123x", 3, 1000, &value));
    assert_int_equal(value, 123);
    assert_false(rl_number_parse("1\0002", 3, 1000, &value));
}

static void every_small_number_is_taken_exactly_up_to_every_small_maximum(void **state)
{
    (void)state;
    for (uint64_t max = 0; max < 130; max++) {
        for (uint64_t n = 0; n < 130; n++) {
            char text[8];
            snprintf(text, sizeof(text), "%u", (unsigned)n);
            if (n <= max) {
                assert_number(text, max, n);
            }
            else {
                assert_no_number(text, max);
            }
        }
    }
}

static void sizes_take_a_unit_in_any_letter_case(void **state)
{
    (void)state;
    assert_size("0", 0, 0);
    assert_size("512", 512, 512);
    assert_size("64K", 1 << 20, 65536);
    assert_size("64k", 1 << 20, 65536);
    assert_size("32M", 1 << 30, 32 << 20);
    assert_size("1m", 1 << 30, 1 << 20);
    assert_size("3g", UINT64_MAX, UINT64_C(3) << 30);
    assert_size("64G", UINT64_C(64) << 30, UINT64_C(64) << 30);
}

static void sizes_beyond_the_maximum_are_refused_without_wrapping(void **state)
{
    (void)state;
    assert_size("1K", 1024, 1024);
    assert_no_size("1K", 1023);
    assert_no_size("2K", 2047);
    assert_no_size("65G", UINT64_C(64) << 30);
    assert_size("17179869183G", UINT64_MAX, UINT64_C(17179869183) << 30);
    assert_no_size("17179869184G", UINT64_MAX);
    assert_no_size("18446744073709551615K", UINT64_MAX);
}

static void malformed_sizes_are_refused(void **state)
{
    static const char *const wrong[] = {"",    "K",   "k",    "KM", "1KB", "1KK", "1T",
                                        "1 K", "-1K", "1.5K", "K1", " 1K", "1K ", "1b"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_no_size(wrong[i], UINT64_MAX);
    }
}

static void assert_written(uint64_t number)
{
    char wanted[RL_DIGITS_MAX + 1], buffer[RL_DIGITS_MAX + 2] = "";
    char *end = buffer + RL_DIGITS_MAX + 1;
    snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)number);
    assert_string_equal(rl_number_write(end, number), wanted);
    assert_int_equal(buffer[RL_DIGITS_MAX - strlen(wanted)], '\0'); /* nothing before it */
}

static void numbers_are_written_as_printf_writes_them(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 100100; n++) {
        assert_written(n);
    }
    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10) {
        assert_written(power * 10 - 1);
        assert_written(power * 10);
    }
    assert_written(UINT32_MAX);
    assert_written(UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_read_up_to_the_maximum_and_no_further),
        cmocka_unit_test(anything_but_digits_is_refused),
        cmocka_unit_test(only_the_given_bytes_are_looked_at),
        cmocka_unit_test(every_small_number_is_taken_exactly_up_to_every_small_maximum),
        cmocka_unit_test(sizes_take_a_unit_in_any_letter_case),
        cmocka_unit_test(sizes_beyond_the_maximum_are_refused_without_wrapping),
        cmocka_unit_test(malformed_sizes_are_refused),
        cmocka_unit_test(numbers_are_written_as_printf_writes_them),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
