/* SPDX-License-Identifier: Apache-2.0 */
/* What rlctl writes to a terminal: escapes, widths, tables, numbers and times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "text/paragraph.h"
#include "text/safe.h"
#include "text/table.h"
#include "text/words.h"

/* Asserts that what a function returned is that, and frees it. */
static void is(char *got, const char *wanted)
{
    if (wanted == NULL) {
        assert_null(got);
        return;
    }
    assert_non_null(got);
    assert_string_equal(got, wanted);
    free(got);
}

/* ---- escapes ---- */

static void nothing_that_moves_a_terminal_is_left(void **state)
{
    (void)state;
    is(rlctl_safe("plain, text; with 'signs'"), "plain, text; with 'signs'");
    is(rlctl_safe("\033[31mred\007\r\n\t"), "\\x1b[31mred\\x07\\x0d\\x0a\\x09");
    is(rlctl_safe("\x7f"), "\\x7f");
    is(rlctl_safe("\xc2\x9b"
                  "31m"),
       "\\xc2\\x9b31m"); /* CSI of C1 */
}

static void nothing_that_turns_or_hides_writing_is_left(void **state)
{
    (void)state;
    is(rlctl_safe("a\xe2\x80\xae"
                  "b"),
       "a\\xe2\\x80\\xaeb"); /* right-to-left override */
    is(rlctl_safe("a\xe2\x81\xa6"
                  "b"),
       "a\\xe2\\x81\\xa6b"); /* isolate */
    is(rlctl_safe("a\xe2\x80\x8b"
                  "b"),
       "a\\xe2\\x80\\x8bb"); /* zero width space */
    is(rlctl_safe("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");
}

static void letters_of_all_scripts_stay(void **state)
{
    static const char text[] = "Zoë Жук 漢字 🙂";
    (void)state;
    is(rlctl_safe(text), text);
}

static void bytes_that_are_not_utf8_are_told(void **state)
{
    (void)state;
    is(rlctl_safe("\xff"), "\\xff");
    is(rlctl_safe("a\xc3"), "a\\xc3");
    is(rlctl_safe("\xc0\x80"), "\\xc0\\x80");
    is(rlctl_safe("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

static void width_is_counted_in_columns(void **state)
{
    (void)state;
    assert_int_equal(rlctl_width("abc"), 3);
    assert_int_equal(rlctl_width("Zoë"), 3);
    assert_int_equal(rlctl_width("e\xcc\x81"), 1); /* with a combining accent */
    assert_int_equal(rlctl_width("漢字"), 4);
    assert_int_equal(rlctl_fitting("漢字", 3), 3);
    assert_int_equal(rlctl_fitting("e\xcc\x81x", 1), 3);
    assert_int_equal(rlctl_fitting("abc", 9), 3);
}

static void words_for_a_shell_mean_themselves(void **state)
{
    (void)state;
    is(rlctl_shell_word("ip=192.0.2.7"), "ip=192.0.2.7");
    is(rlctl_shell_word("form:user=o'neil"), "'form:user=o'\\''neil'");
    is(rlctl_shell_word("a=$(reboot)`x`"), "'a=$(reboot)`x`'");
    is(rlctl_shell_word("-x"), "'-x'");
    is(rlctl_shell_word(""), "''");
    is(rlctl_shell_word("a=\\x1b"), NULL);
    is(rlctl_shell_word("a=\n"), NULL);
}

static void values_are_read_as_they_were_meant(void **state)
{
    (void)state;
    is(rlctl_value_meant("form:user=o%27neil%25"), "form:user=o'neil%");
    is(rlctl_value_meant("ip=2001:db8::/64"), "ip=2001:db8::");
    is(rlctl_value_meant("user-or-ip=ip:192.0.2.0/24"), "user-or-ip=ip:192.0.2.0");
    is(rlctl_value_meant("path=/a/b"), "path=/a/b");
    is(rlctl_value_meant("a=100%"), "a=100%");
    is(rlctl_value_meant("a=%4"), "a=%4");
    is(rlctl_value_meant("a=%00"), NULL);
    is(rlctl_value_meant("form:user"), NULL);
    is(rlctl_value_meant("form:user=(300 bytes)"), NULL);
}

/* ---- numbers and times ---- */

static void numbers_have_groups(void **state)
{
    (void)state;
    is(rlctl_number(0), "0");
    is(rlctl_number(-5), "0");
    is(rlctl_number(999), "999");
    is(rlctl_number(1000), "1,000");
    is(rlctl_number(1234567), "1,234,567");
    is(rlctl_number(INT64_MAX), "9,223,372,036,854,775,807");
}

static void durations_have_two_units(void **state)
{
    (void)state;
    is(rlctl_duration(-3), "0 s");
    is(rlctl_duration(59), "59 s");
    is(rlctl_duration(60), "1 min");
    is(rlctl_duration(61), "1 min 1 s");
    is(rlctl_duration(3600 + 59), "1 h");
    is(rlctl_duration(2 * 3600 + 300), "2 h 5 min");
    is(rlctl_duration(3 * 86400 + 4 * 3600 + 59), "3 d 4 h");
    is(rlctl_short_duration(3 * 86400 + 4 * 3600), "3 d");
    is(rlctl_short_duration(119), "1 min");
}

static void moments_have_a_date_if_they_are_far(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    is(rlctl_moment(1700000000, 1700000010), "22:13:20");
    is(rlctl_moment(1700000000, 1700090000), "2023-11-14 22:13");
}

static void a_rate_has_its_period(void **state)
{
    (void)state;
    assert_int_equal(rlctl_period("5/m"), 60);
    assert_int_equal(rlctl_period("5/10min"), 600);
    assert_int_equal(rlctl_period("100/300"), 300);
    assert_int_equal(rlctl_period("1/D"), 86400);
    assert_int_equal(rlctl_period("4/concurrent"), 0);
    assert_int_equal(rlctl_period("none"), 0);
    assert_int_equal(rlctl_period("expr=%{env:A}/m"), 0);
    assert_int_equal(rlctl_period("5/99999999999999999999d"), 0);
}

/* ---- tables ---- */

static char output[4096];

/* Runs write() with what it writes to stdout in `output`. */
static void capture(void (*write)(const void *), const void *context)
{
    FILE *file = tmpfile();
    const int saved = dup(STDOUT_FILENO);
    size_t len;
    assert_non_null(file);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    write(context);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    len = fread(output, 1, sizeof(output) - 1, file);
    output[len] = '\0';
    fclose(file);
}

static const rlctl_column_t columns[] = {{"NAME", false, 4, 0},
                                         {"COUNT", true, 0, 1},
                                         {"EMPTY", false, 0, 0},
                                         {"TEXT", false, 6, 2}};

static size_t width;

static void write_table(const void *context)
{
    rlctl_table_write(context, width);
}

static const char *written(const rlctl_table_t *table, size_t columns_of_terminal)
{
    width = columns_of_terminal;
    capture(write_table, table);
    return output;
}

static rlctl_table_t *table_of_two(void)
{
    static const char *const cells[] = {"login", "1,234", "", "Zoë and others",
                                        "漢字",  "5",     "", ""};
    rlctl_table_t *table = rlctl_table_new(columns, 4);
    for (size_t i = 0; i < 8; i++) {
        rlctl_table_cell(table, RLCTL_PLAIN, rlctl_copy(cells[i]));
    }
    return table;
}

static void columns_are_aligned_and_empty_ones_left_out(void **state)
{
    rlctl_table_t *table = table_of_two();
    (void)state;
    assert_string_equal(written(table, 0), "NAME   COUNT  TEXT\n"
                                           "login  1,234  Zoë and others\n"
                                           "漢字       5\n");
    rlctl_table_free(table);
}

static void the_longest_are_cut_first(void **state)
{
    rlctl_table_t *table = table_of_two();
    (void)state;
    assert_string_equal(written(table, 24), "NAME   COUNT  TEXT\n"
                                            "login  1,234  Zoë and o…\n"
                                            "漢字       5\n");
    rlctl_table_free(table);
}

static void then_columns_are_left_out(void **state)
{
    rlctl_table_t *table = table_of_two();
    (void)state;
    assert_string_equal(written(table, 17), "NAME   COUNT\n"
                                            "login  1,234\n"
                                            "漢字       5\n");
    assert_string_equal(written(table, 10), "NAME\nlogin\n漢字\n");
    assert_string_equal(written(table, 4), "NAME\nlog…\n漢字\n");
    assert_string_equal(written(table, 1), "NAME\nlog…\n漢字\n");
    rlctl_table_free(table);
}

static void write_paragraph(const void *context)
{
    rlctl_paragraph(RLCTL_PLAIN, context);
}

static void sentences_break_at_blanks(void **state)
{
    (void)state;
    setenv("COLUMNS", "12", 1);
    capture(write_paragraph, "One word after another-and-a-long-one end.");
    assert_string_equal(output, "One word\nafter\nanother-and-a-long-one\nend.\n");
    unsetenv("COLUMNS");
    capture(write_paragraph, "One word after another, and no width is known.");
    assert_string_equal(output, "One word after another, and no width is known.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_moves_a_terminal_is_left),
        cmocka_unit_test(nothing_that_turns_or_hides_writing_is_left),
        cmocka_unit_test(letters_of_all_scripts_stay),
        cmocka_unit_test(bytes_that_are_not_utf8_are_told),
        cmocka_unit_test(width_is_counted_in_columns),
        cmocka_unit_test(words_for_a_shell_mean_themselves),
        cmocka_unit_test(values_are_read_as_they_were_meant),
        cmocka_unit_test(numbers_have_groups),
        cmocka_unit_test(durations_have_two_units),
        cmocka_unit_test(moments_have_a_date_if_they_are_far),
        cmocka_unit_test(a_rate_has_its_period),
        cmocka_unit_test(columns_are_aligned_and_empty_ones_left_out),
        cmocka_unit_test(the_longest_are_cut_first),
        cmocka_unit_test(then_columns_are_left_out),
        cmocka_unit_test(sentences_break_at_blanks),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
