/* SPDX-License-Identifier: Apache-2.0 */
/* status/text: escapes, and rules of one name in several sections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "status/text/metrics.h"
#include "status/text/output.h"

static char text[100000];
static size_t len, pieces;

static void take(void *context, const char *bytes, size_t n)
{
    (void)context;
    assert_true(len + n < sizeof(text));
    memcpy(text + len, bytes, n);
    len += n;
    text[len] = '\0';
    pieces++;
}

typedef void out_fn(rl_output_t *out, const char *text);

static const char *written(out_fn *write, const char *what)
{
    rl_output_t out;
    len = pieces = 0;
    text[0] = '\0';
    rl_output_begin(&out, take, NULL);
    write(&out, what);
    rl_output_end(&out);
    return text;
}

static void html_has_no_markup_of_others(void **state)
{
    (void)state;
    assert_string_equal(written(rl_out_html, "<script>\"&'"), "&lt;script&gt;&quot;&amp;&#39;");
    assert_string_equal(written(rl_out_html, "a\nb\x7f\xc2\x85z"), "a?b??z");
}

static void json_is_json_whatever_the_bytes(void **state)
{
    (void)state;
    assert_string_equal(written(rl_out_json, "a\"\\</script>\n"),
                        "\"a\\\"\\\\\\u003c/script>?\"");
    assert_string_equal(written(rl_out_json, ""), "\"\"");
}

static void labels_are_escaped_as_both_formats_want(void **state)
{
    (void)state;
    assert_string_equal(written(rl_out_label, "a\"b\\c\nd\re"), "\"a\\\"b\\\\c\\nd?e\"");
}

static void only_utf8_comes_out(void **state)
{
    (void)state;
    assert_string_equal(
        written(rl_out_html, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x98"),
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x98");
    assert_string_equal(written(rl_out_html, "\xff\xc3"), "??");
    assert_string_equal(written(rl_out_html, "\xc0\xbc"), "??");                /* overlong < */
    assert_string_equal(written(rl_out_html, "\xe0\x80\xbc"), "???");           /* overlong < */
    assert_string_equal(written(rl_out_html, "\xed\xa0\x80"), "???");           /* surrogate */
    assert_string_equal(written(rl_out_html, "\xf4\x90\x80\x80"), "????");      /* too large */
    assert_string_equal(written(rl_out_html, "\xf0\x80\x80\xbc<"), "????&lt;"); /* overlong */
    assert_string_equal(written(rl_out_html, "\xe2\x80\xae"
                                             "a"),
                        "?a");                                   /* turns text */
    assert_string_equal(written(rl_out_html, "\xe2\x82"), "??"); /* cut off */
}

static void text_of_any_length_comes_in_pieces(void **state)
{
    static char whole[50001];
    (void)state;
    for (size_t i = 0; i < sizeof(whole) - 1; i++) {
        whole[i] = (char)('a' + i % 26);
    }
    assert_string_equal(written(rl_out, whole), whole);
    assert_true(pieces > 1);
}

static void seconds_have_six_decimals(void **state)
{
    rl_output_t out;
    (void)state;
    len = 0;
    rl_output_begin(&out, take, NULL);
    rl_out_seconds(&out, 12000345);
    rl_out(&out, " ");
    rl_out_seconds(&out, -1);
    rl_output_end(&out);
    assert_string_equal(text, "12.000345 0.000000");
}

static void rules_of_one_name_and_host_are_added_up(void **state)
{
    rl_rule_row_t rows[] = {
        {.name = "login", .vhost = "a", .n = {1, 2, 3}},
        {.name = "api", .vhost = "a", .n = {10}},
        {.name = "login", .vhost = "b", .n = {100}},
        {.name = "login", .vhost = "a", .n = {4, 5, 6}},
    };
    (void)state;
    assert_int_equal(rl_metrics_merge_rules(rows, 4), 3);
    assert_string_equal(rows[0].name, "api");
    assert_string_equal(rows[1].vhost, "a");
    assert_int_equal(rows[1].n[0], 5);
    assert_int_equal(rows[1].n[2], 9);
    assert_int_equal(rows[2].n[0], 100);
    assert_int_equal(rl_metrics_merge_rules(rows, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_has_no_markup_of_others),
        cmocka_unit_test(json_is_json_whatever_the_bytes),
        cmocka_unit_test(labels_are_escaped_as_both_formats_want),
        cmocka_unit_test(only_utf8_comes_out),
        cmocka_unit_test(text_of_any_length_comes_in_pieces),
        cmocka_unit_test(seconds_have_six_decimals),
        cmocka_unit_test(rules_of_one_name_and_host_are_added_up),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
