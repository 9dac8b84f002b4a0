/* SPDX-License-Identifier: Apache-2.0 */
/* core/accept, answer/text/denial: which form a client asks for, and what stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "answer/text/accept.h"
#include "answer/text/denial_text.h"

#define T RL_MEDIA_TEXT
#define H RL_MEDIA_HTML
#define P RL_MEDIA_PROBLEM

static const struct {
    const char *accept;
    rl_media_e media;
} wishes[] = {
    {NULL, T},
    {"", T},
    {"*/*", T},
    {"text/*", T},
    {"application/*", T},
    {"text/plain", T},
    {"image/png", T},
    /* named */
    {"text/html", H},
    {"TEXT/HTML", H},
    {"application/xhtml+xml", H},
    {"application/json", P},
    {"application/problem+json", P},
    {"application/vnd.api+json", T},
    {"text/htmlx", T},
    {"text/htm", T},
    /* as they come */
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", H},
    {"application/json, text/plain, */*", P},
    {"application/json, text/javascript, */*; q=0.01", P},
    {"text/html, */*", H},
    /* the highest q; of equals HTML, problem, text */
    {"application/json, text/html", H},
    {"text/html, application/json", H},
    {"text/html;q=0.5, application/json", P},
    {"text/html;q=0.5, application/json;q=0.4", H},
    {"text/plain, application/json", P},
    {"text/plain, application/json;q=0.9", T},
    {"text/html;q=0.999, text/plain;q=1.000", T},
    {"text/html;q=0.9, */*", T},
    {"text/html;q=0.9, text/*", T},
    {"text/html;q=0.9, */*;q=0.9", H},
    /* what is named has precedence over a range */
    {"text/html;q=0.5, text/plain;q=0.1, */*", H},
    {"text/html;q=0.5, text/*;q=0.1, */*", H},
    {"application/json;q=0.3, text/*;q=0.1, text/plain;q=0.4", T},
    /* refused */
    {"text/html;q=0", T},
    {"text/html;q=0.000, application/json;q=0.001", P},
    {"text/plain;q=0, application/json;q=0.1", P},
    {"text/plain;q=0", T},
    {"application/json;q=0", T},
    /* parameters and blanks */
    {"text/html;level=1", H},
    {"text/html ; level=\"a,b;q=0\" ; q=0.7 , application/json;q=0.6", H},
    {"text/html;level=\"a\\\",\";q=0.2, application/json;q=0.3", P},
    {"text/html;Q=0.1,application/json;q=0.2", P},
    {" \t text/html \t , ", H},
    {",,, text/html", H},
    {"text/html;", H},
    {"text/html; ;q=0.5", H},
    /* malformed members count for nothing, the others do */
    {"text/html;q=x", T},
    {"text/html;q=", T},
    {"text/html;q=1.1", T},
    {"text/html;q=2", T},
    {"text/html;q=-1", T},
    {"text/html;q=0.1234", T},
    {"text/html;q=.5", T},
    {"text/html;q=1e0", T},
    {"text/html;q", T},
    {"text/html;=1", T},
    {"text/html application/json", T},
    {"text/html;a=\"unclosed, application/json", T},
    {"text/html;q=x, application/json", P},
    {"text/html foo, application/json;q=0.1", P},
    {"text / html", T},
    {"\"", T},
    {";", T},
    {";q=1", T},
    {"=,=;=", T},
};

static void the_form_is_what_accept_asks_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        const rl_media_e media = rl_accept_choose(wishes[i].accept);
        if (media != wishes[i].media) {
            fail_msg("%s: form %d instead of %d", wishes[i].accept, (int)media,
                     (int)wishes[i].media);
        }
    }
}

static void write(const rl_denial_text_t *denial, rl_media_e media, char *buffer, size_t size)
{
    rl_text_t text;
    rl_text_begin(&text, buffer, size);
    rl_denial_text_write(denial, media, &text);
    assert_true(rl_text_end(&text) > 0);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" has no \"%s\"", text, part);
    }
}

static void every_form_says_when_and_what_to_quote(void **state)
{
    static const char *const names[] = {"login", "hour-2"};
    const rl_denial_text_t denial = {
        .status = 429, .retry_s = 54, .tag = "0a2fe286b3c2", .rules = names, .rules_n = 2};
    char buffer[RL_DENIAL_TEXT_MAX];
    (void)state;
    for (int media = 0; media < RL_MEDIA; media++) {
        write(&denial, (rl_media_e)media, buffer, sizeof(buffer));
        assert_has(buffer, "Too many requests");
        assert_has(buffer, " 54 seconds");
        assert_has(buffer, "0a2fe286b3c2");
    }
    write(&denial, P, buffer, sizeof(buffer));
    assert_has(buffer, "{\"type\":\"https://iana.org/assignments/http-problem-types#"
                       "quota-exceeded\",\"title\":\"Too many requests\",\"status\":429,"
                       "\"detail\":\"");
    assert_has(buffer, "\"violated-policies\":[\"login\",\"hour-2\"]}\n");
}

static void waits_are_told_in_units_that_people_use(void **state)
{
    static const struct {
        uint32_t seconds;
        const char *words;
    } waits[] = {
        {1, "in 1 second."},
        {2, "in 2 seconds."},
        {120, "in 120 seconds."},
        {121, "in 3 minutes (121 seconds)."},
        {287, "in 5 minutes (287 seconds)."},
        {7200, "in 120 minutes (7200 seconds)."},
        {7201, "in 3 hours (7201 seconds)."},
        {172801, "in 3 days (172801 seconds)."},
        {UINT32_MAX, "in 49711 days (4294967295 seconds)."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        const rl_denial_text_t denial = {
            .status = 429, .retry_s = waits[i].seconds, .tag = "0a2fe286b3c2"};
        char buffer[RL_DENIAL_TEXT_MAX];
        write(&denial, T, buffer, sizeof(buffer));
        assert_has(buffer, waits[i].words);
    }
}

static void a_store_that_fails_is_no_quota_exceeded(void **state)
{
    const rl_denial_text_t denial = {
        .status = 503, .retry_s = 1, .tag = "0a2fe286b3c2", .uncounted = true};
    char buffer[RL_DENIAL_TEXT_MAX];
    (void)state;
    write(&denial, P, buffer, sizeof(buffer));
    assert_has(buffer, "#temporary-reduced-capacity\",\"title\":\"Service unavailable\"");
    assert_null(strstr(buffer, "violated-policies"));
    write(&denial, H, buffer, sizeof(buffer));
    assert_has(buffer, "Service unavailable");
    assert_null(strstr(buffer, "requests than"));
}

static void there_is_room_for_every_rule(void **state)
{
    static const char *names[300];
    const rl_denial_text_t denial = {.status = 429,
                                     .retry_s = UINT32_MAX,
                                     .tag = "0a2fe286b3c2",
                                     .rules = names,
                                     .rules_n = 300};
    static char buffer[RL_DENIAL_TEXT_MAX + 300 * RL_DENIAL_TEXT_RULE_MAX];
    (void)state;
    for (size_t i = 0; i < 300; i++) {
        names[i] = "abcdefghijklmnopqrstuvwxyz_-0123";
    }
    for (int media = 0; media < RL_MEDIA; media++) {
        write(&denial, (rl_media_e)media, buffer, sizeof(buffer));
        assert_true(buffer[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_is_what_accept_asks_for),
        cmocka_unit_test(every_form_says_when_and_what_to_quote),
        cmocka_unit_test(waits_are_told_in_units_that_people_use),
        cmocka_unit_test(a_store_that_fails_is_no_quota_exceeded),
        cmocka_unit_test(there_is_room_for_every_rule),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
