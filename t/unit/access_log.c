/* SPDX-License-Identifier: Apache-2.0 */
/* accesslog: lines of access logs, in the formats that httpd writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "accesslog/read.h"
#include "support.h"

static apr_pool_t *pool;

#define COMBINED                                                                               \
    "192.0.2.7 - jane [10/Oct/2000:13:55:36 -0700] \"GET /a?b=c HTTP/1.1\" 429 12 "            \
    "\"http://x/\" \"Moz \\\"illa\\\" \\xc3\\xa9\""
#define COMBINED_TIME INT64_C(971211336000000)

static bool read_as(const char *format_text, const char *text, rl_log_line_t *line)
{
    const rl_log_format_t *format;
    const char *reason = rl_log_format_parse(pool, format_text, &format);
    if (reason != NULL) {
        fail_msg("%s: %s", format_text, reason);
    }
    return rl_log_read(rl_log_reader_make(pool, format), text, strlen(text), line);
}

static void assert_text(const rl_log_text_t *text, const char *wanted)
{
    if (wanted == NULL ? text->at != NULL
                       : text->at == NULL || text->len != strlen(wanted) ||
                             memcmp(text->at, wanted, text->len) != 0) {
        fail_msg("\"%.*s\" is not \"%s\"", (int)text->len, text->at != NULL ? text->at : "",
                 wanted != NULL ? wanted : "nothing");
    }
}

static void combined_is_read(void **state)
{
    rl_log_line_t line;
    (void)state;
    assert_true(read_as("combined", COMBINED, &line));
    assert_text(&line.client, "192.0.2.7");
    assert_text(&line.user, "jane");
    assert_text(&line.method, "GET");
    assert_text(&line.url, "/a");
    assert_text(&line.query, "?b=c");
    assert_text(&line.protocol, "HTTP/1.1");
    assert_text(&line.headers[0], "http://x/");
    assert_text(&line.headers[1], "Moz \"illa\" \xc3\xa9");
    assert_int_equal(line.status, 429);
    assert_int_equal(line.began, COMBINED_TIME);
    assert_int_equal(line.duration, -1);
}

static void a_format_is_found_by_a_line(void **state)
{
    static const struct {
        const char *line, *name;
    } cases[] = {
        {COMBINED, "combined"},
        {COMBINED " 1234", "combined"},
        {"a.example:443 " COMBINED, "vhost_combined"},
        {"2001:db8::1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 -", "common"},
        {"a.example 2001:db8::1 - - [10/Oct/2000:13:55:36 -0700] \"-\" 408 -", "vhost_common"},
        {"[Thu Nov 26 09:38:26 2026] [error] no access log", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *name = rl_log_guess(pool, cases[i].line, strlen(cases[i].line));
        if (cases[i].name == NULL ? name != NULL
                                  : name == NULL || strcmp(name, cases[i].name) != 0) {
            fail_msg("%s: taken for %s", cases[i].line, name != NULL ? name : "nothing");
        }
    }
}

static void times_are_read_in_every_way(void **state)
{
    static const struct {
        const char *format, *line;
        int64_t began;
    } cases[] = {
        {"%a %t", "::1 [10/Oct/2000:13:55:36 -0700]", COMBINED_TIME},
        {"%a %t", "::1 [10/Oct/2000:20:55:36 +0000]", COMBINED_TIME},
        {"%a %{sec}t", "::1 971211336", COMBINED_TIME},
        {"%a %{msec}t", "::1 971211336001", COMBINED_TIME + 1000},
        {"%a %{usec}t", "::1 971211336000001", COMBINED_TIME + 1},
        {"%a [%{%d/%b/%Y %T}t.%{usec_frac}t %{%z}t]", "::1 [10/Oct/2000 13:55:36.000042 -0700]",
         COMBINED_TIME + 42},
        {"%a %{%Y-%m-%dT%H:%M:%S}t.%{msec_frac}t%{%z}t x", "::1 2000-10-10T13:55:36.007-0700 x",
         0},
        {"%a %t %D", "::1 [10/Oct/2000:13:55:36 -0700] 250000", COMBINED_TIME},
        {"%a %{end:usec}t %D", "::1 971211336250000 250000", COMBINED_TIME},
        {"%a %{end:usec}t %{ms}T", "::1 971211336250000 250", COMBINED_TIME},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const rl_log_format_t *format;
        rl_log_line_t line;
        if (cases[i].began == 0) {
            assert_non_null(rl_log_format_parse(pool, cases[i].format, &format));
            continue;
        }
        if (!read_as(cases[i].format, cases[i].line, &line) || line.began != cases[i].began) {
            fail_msg("%s: %s is %lld", cases[i].format, cases[i].line, (long long)line.began);
        }
    }
}

static void lines_of_another_format_are_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "192.0.2.7",
        "- - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1",
        "192.0.2.7 - - [10/Foo/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1",
        "192.0.2.7 - - [10/Oct/2000:13:55:36 -0700 \"GET / HTTP/1.1\" 200 1",
        "192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1 200 1",
        "192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" abc 1",
        "192.0.2.7 - - [] \"GET / HTTP/1.1\" 200 1",
    };
    rl_log_line_t line;
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (read_as("common", lines[i], &line)) {
            fail_msg("taken: %s", lines[i]);
        }
    }
}

static void requests_that_are_none_have_no_url(void **state)
{
    rl_log_line_t line;
    (void)state;
    assert_true(read_as("common", "::1 - - [10/Oct/2000:13:55:36 -0700] \"-\" 408 -", &line));
    assert_text(&line.method, NULL);
    assert_int_equal(line.status, 408);
    assert_true(
        read_as("common", "::1 - - [10/Oct/2000:13:55:36 -0700] \"\\x16\\x03\" 400 1", &line));
    assert_text(&line.method, NULL);
    assert_text(&line.url, NULL);
}

static void formats_without_client_or_time_are_refused(void **state)
{
    const rl_log_format_t *format;
    (void)state;
    assert_non_null(rl_log_format_parse(pool, "%t \"%r\"", &format));
    assert_non_null(rl_log_format_parse(pool, "%h \"%r\"", &format));
    assert_non_null(rl_log_format_parse(pool, "%h%u %t", &format));
    assert_non_null(rl_log_format_parse(pool, "%h %t %", &format));
    assert_non_null(rl_log_format_parse(pool, "%h %t %{X", &format));
    assert_null(rl_log_format_parse(pool, "%h %t%% %m %U%q %H %<s %>s %^FB %{X}e", &format));
}

static int set_up(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combined_is_read),
        cmocka_unit_test(a_format_is_found_by_a_line),
        cmocka_unit_test(times_are_read_in_every_way),
        cmocka_unit_test(lines_of_another_format_are_refused),
        cmocka_unit_test(requests_that_are_none_have_no_url),
        cmocka_unit_test(formats_without_client_or_time_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
