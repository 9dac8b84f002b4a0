/* SPDX-License-Identifier: Apache-2.0 */
/* status/page: numbers and times for people, which keys count as limited, what is shown of very
 * many rules and keys, and that nothing a report holds becomes markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "status/page/html.h"
#include "status/page/limited.h"
#include "status/page/page.h"
#include "status/page/regions.h"

#define NOW 1795700000u

#define RULES 250
#define EACH  20

static char text[4000000];
static size_t len;
static rl_figures_t figures[RULES + 1];
static rl_rule_row_t rules[RULES];
static rl_key_row_t keys[RULES * EACH];

static void take(void *context, const char *bytes, size_t n)
{
    (void)context;
    assert_true(len + n < sizeof(text));
    memcpy(text + len, bytes, n);
    len += n;
    text[len] = '\0';
}

static rl_output_t *begin(void)
{
    static rl_output_t out;
    len = 0;
    text[0] = '\0';
    rl_output_begin(&out, take, NULL);
    return &out;
}

static size_t times(const char *what)
{
    size_t n = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

static rl_report_t report_of(size_t nrules, size_t each)
{
    memset(figures, 0, sizeof(figures));
    for (size_t i = 0; i < nrules; i++) {
        rules[i] = (rl_rule_row_t){.name = "login",
                                   .vhost = "a.example",
                                   .section = "<Location \"/login\">",
                                   .rate = "5/15m",
                                   .key = "ip/24/48+form:username",
                                   .algorithm = "fixed-window",
                                   .figures = &figures[i + 1]};
        for (size_t k = 0; k < each; k++) {
            rl_key_row_t *row = &keys[i * each + k];
            *row = (rl_key_row_t){.rule = &rules[i], .values = "", .limit = 5, .used = 1};
            snprintf(row->tag, sizeof(row->tag), "%04x%04x", (unsigned)i & 0xffff,
                     (unsigned)k & 0xffff);
        }
    }
    return (rl_report_t){.version = "0",
                         .host = "h",
                         .now_s = NOW,
                         .all = figures,
                         .rules = rules,
                         .nrules = nrules,
                         .keys = keys,
                         .nkeys = nrules * each,
                         .token = "t0ken"};
}

static void write_page(const rl_report_t *report)
{
    rl_output_t *out = begin();
    rl_page_write(out, report);
    rl_output_end(out);
}

/* ---- numbers ---- */

typedef void number_fn(rl_output_t *out, uint64_t n);

static const char *written(number_fn *write, uint64_t n)
{
    rl_output_t *out = begin();
    write(out, n);
    rl_output_end(out);
    return text;
}

static void counts_are_grouped(void **state)
{
    (void)state;
    assert_string_equal(written(rl_html_count, 0), "0");
    assert_string_equal(written(rl_html_count, 999), "999");
    assert_string_equal(written(rl_html_count, 1000), "1,000");
    assert_string_equal(written(rl_html_count, 1020034), "1,020,034");
    assert_string_equal(written(rl_html_count, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void durations_have_two_units(void **state)
{
    (void)state;
    assert_string_equal(written(rl_html_duration, 0), "0 s");
    assert_string_equal(written(rl_html_duration, 59), "59 s");
    assert_string_equal(written(rl_html_duration, 60), "1 min");
    assert_string_equal(written(rl_html_duration, 200), "3 min 20 s");
    assert_string_equal(written(rl_html_duration, 3601), "1 h");
    assert_string_equal(written(rl_html_duration, 90061), "1 d 1 h");
    assert_string_equal(written(rl_html_milliseconds, 0), "0.00 ms");
    assert_string_equal(written(rl_html_milliseconds, 1234567), "1,234.57 ms");
}

static void shares_are_never_rounded_to_nothing(void **state)
{
    (void)state;
    static const struct {
        uint64_t n, of;
        const char *text;
    } cases[] = {{0, 0, "0%"},          {0, 5, "0%"},   {1, 3, "33%"},
                 {1, 1000, "under 1%"}, {7, 5, "100%"}, {UINT64_MAX / 2, UINT64_MAX, "50%"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rl_output_t *out = begin();
        rl_html_share(out, cases[i].n, cases[i].of);
        rl_output_end(out);
        assert_string_equal(text, cases[i].text);
    }
}

/* ---- keys ---- */

static void a_key_is_limited_when_its_next_request_would_be_denied(void **state)
{
    rl_rule_row_t rule = {.name = "r"};
    rl_key_row_t key = {.rule = &rule, .limit = 5, .used = 5};
    (void)state;
    assert_int_equal(rl_key_row_state(&key), RL_KEY_IN_USE); /* at its limit, nobody denied */
    key.denied = 1;
    assert_int_equal(rl_key_row_state(&key), RL_KEY_LIMITED);
    rule.observe = true;
    assert_int_equal(rl_key_row_state(&key), RL_KEY_OBSERVED);
    rule.observe = false;
    key.used = 4;
    assert_int_equal(rl_key_row_state(&key), RL_KEY_IN_USE);
    key.penalty_s = 1;
    assert_int_equal(rl_key_row_state(&key), RL_KEY_LIMITED);
    key.exempt_s = 1;
    assert_int_equal(rl_key_row_state(&key), RL_KEY_EXEMPT);
    key = (rl_key_row_t){.rule = &rule, .limit = 5};
    assert_int_equal(rl_key_row_state(&key), RL_KEY_IDLE);
}

static void ten_limited_keys_of_a_rule_may_be_more(void **state)
{
    const rl_report_t report = report_of(2, 20);
    rl_limited_t count;
    (void)state;
    for (int k = 0; k < 9; k++) {
        keys[k].penalty_s = keys[20 + k].penalty_s = 5;
    }
    count = rl_limited_count(&report);
    assert_int_equal(count.keys, 18);
    assert_false(count.or_more);
    keys[29].penalty_s = 5;
    count = rl_limited_count(&report);
    assert_int_equal(count.keys, 19);
    assert_true(count.or_more);
    write_page(&report);
    assert_non_null(strstr(text, "<title>19+ keys limited - h</title>"));
    assert_int_equal(times("<tr role=\"row\" id=\"now-"), 10);
    assert_non_null(strstr(text, "the ten that were denied most, of 19 or more"));
}

/* ---- the whole ---- */

static void the_page_is_bounded(void **state)
{
    rl_report_t report = report_of(RULES, EACH);
    (void)state;
    rules[RULES - 1].recent.n[RL_FIGURE_DENIED] = 1;
    write_page(&report);
    assert_int_equal(times("<li id=\"r"), RL_PAGE_RULES);
    assert_int_equal(times("<tr role=\"row\" id=\"k"), RL_PAGE_RULES);
    assert_non_null(
        strstr(text, "<li id=\"r250\" class=\"denying\">")); /* the last, but over */
    assert_null(strstr(text, "<li id=\"r249\""));
    assert_non_null(strstr(text, "These are 100 of 250 rules"));
    assert_non_null(strstr(text, "id=\"find-any\""));
    assert_true(len < 600000);
}

static void a_few_rules_are_shown_whole(void **state)
{
    rl_report_t report = report_of(10, EACH);
    (void)state;
    write_page(&report);
    assert_int_equal(times("<li id=\"r"), 10);
    assert_int_equal(times("<tr role=\"row\" id=\"k"), 200);
    assert_null(strstr(text, "find-any"));
}

static void forms_ask_for_each_part(void **state)
{
    rl_report_t report = report_of(1, 1);
    (void)state;
    rules[0].key = "ip/24/48+all+form:username+expr:%{HTTP:A}+%{HTTP:B+C}";
    write_page(&report);
    assert_non_null(strstr(text, "name=\"value.ip\">"));
    assert_non_null(strstr(text, "name=\"value.form:username\">"));
    assert_non_null(strstr(text, "name=\"value.expr:%{HTTP:A}\">"));
    assert_non_null(strstr(text, "name=\"value.%{HTTP:B+C}\">"));
    assert_int_equal(times("name=\"value."), 4);
    assert_int_equal(times("value=\"t0ken\""), 2);
}

static void slots_in_use_are_told(void **state)
{
    rl_report_t report = report_of(2, 0);
    (void)state;
    rules[0].rate = "5/concurrent";
    rules[0].algorithm = "concurrent";
    rules[0].in_flight = 3;
    rules[0].waiting = 2;
    write_page(&report);
    assert_non_null(strstr(text, "<b>3</b> in flight, <b>2</b> waiting"));
    assert_int_equal(times(" in flight"), 1);
}

static void without_a_token_there_are_no_forms(void **state)
{
    rl_report_t report = report_of(2, 2);
    (void)state;
    report.token = "";
    write_page(&report);
    assert_int_equal(times("<form"), 0);
    assert_int_equal(times("Actions"), 0);
}

static void what_was_done_stands_first(void **state)
{
    rl_report_t report = report_of(1, 1);
    const rl_deed_row_t deed = {.action = "clear", .done = true, .text = "Cleared <b>."};
    (void)state;
    write_page(&report);
    assert_null(strstr(text, "id=\"deed\""));
    report.deed = &deed;
    report.found = keys;
    report.nfound = 1;
    write_page(&report);

    assert_non_null(strstr(text, "<main>\n<section id=\"deed\" class=\"done\""));
    assert_non_null(strstr(text, "Cleared &lt;b&gt;."));
    assert_int_equal(times("<tr role=\"row\" id=\"found-"), 1);
}

static void nothing_in_a_report_is_markup(void **state)
{
    static const char evil[] = "\"'><u onclick=1>&\xff";
    rl_report_t report = report_of(1, 1);
    const rl_deed_row_t deed = {.action = evil, .text = evil};
    const rl_server_row_t server = {.name = evil, .state = evil};
    const rl_fellow_row_t fellow = {.host = evil, .differs = 1u << RL_ALIKE_RULES};
    const rl_measure_row_t busiest = {.name = evil};
    const rl_store_row_t store = {
        .name = evil, .servers = &server, .nservers = 1, .fleet = &fellow, .nfleet = 1};
    (void)state;
    rules[0] = (rl_rule_row_t){.name = evil,
                               .vhost = evil,
                               .section = evil,
                               .rate = evil,
                               .key = evil,
                               .algorithm = evil,
                               .recent.n[RL_FIGURE_DENIED] = 1,
                               .figures = &figures[1]};
    keys[0].values = evil;
    keys[0].penalty_s = 1;
    report.version = report.host = report.token = evil;
    report.deed = &deed;
    report.stores = &store;
    report.nstores = 1;
    report.found = keys;
    report.nfound = 1;
    report.busy = true;
    report.busy_text = evil;
    report.measures = &busiest;
    report.nmeasures = 1;
    write_page(&report);
    assert_int_equal(times("its rules"), 1);
    assert_int_equal(times("<u"), times("<ul"));
    assert_int_equal(times("'><"), 0);
    assert_true(times("&quot;&#39;&gt;&lt;u onclick=1&gt;&amp;?") > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_grouped),
        cmocka_unit_test(durations_have_two_units),
        cmocka_unit_test(shares_are_never_rounded_to_nothing),
        cmocka_unit_test(a_key_is_limited_when_its_next_request_would_be_denied),
        cmocka_unit_test(ten_limited_keys_of_a_rule_may_be_more),
        cmocka_unit_test(the_page_is_bounded),
        cmocka_unit_test(a_few_rules_are_shown_whole),
        cmocka_unit_test(forms_ask_for_each_part),
        cmocka_unit_test(slots_in_use_are_told),
        cmocka_unit_test(without_a_token_there_are_no_forms),
        cmocka_unit_test(what_was_done_stands_first),
        cmocka_unit_test(nothing_in_a_report_is_markup),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
