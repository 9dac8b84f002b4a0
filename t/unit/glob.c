/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns with * and ?. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/glob.h"

static bool matches(const char *pattern, const char *text)
{
    return rl_glob_matches(pattern, text, strlen(text));
}

static void patterns_match_the_whole_text(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } cases[] = {
        {"a", "a", true},
        {"a", "A", false},
        {"a", "ab", false},
        {"ab", "a", false},
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "abc", true},
        {"**", "abc", true},
        {"?", "", false},
        {"?", "a", true},
        {"??", "a", false},
        {"a*", "a", true},
        {"a*", "ba", false},
        {"*a", "ba", true},
        {"*a", "ab", false},
        {"a*c", "abcbc", true},
        {"a*c", "abcb", false},
        {"*ab*cd*", "xxabyycdzz", true},
        {"*ab*cd*", "xxcdyyabzz", false},
        {"*aab", "aaaaab", true},
        {"*a?b", "aaxb", true},
        {"wordpress_logged_in_*", "wordpress_logged_in_0123", true},
        {"wordpress_logged_in_*", "wordpress_sec_0123", false},
        {"*/wp-admin/*", "https://a.example/wp-admin/", true},
        {"a.c", "abc", false},
        {"[a]", "a", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (matches(cases[i].pattern, cases[i].text) != cases[i].match) {
            fail_msg("%s, %s", cases[i].pattern, cases[i].text);
        }
    }
}

static void the_length_counts_not_a_terminator(void **state)
{
    (void)state;
    assert_true(rl_glob_matches("ab", "abc", 2));
    assert_false(rl_glob_matches("abc", "abc", 2));
    assert_true(rl_glob_matches("a?c", "a\0c", 3));
    assert_false(rl_glob_matches("a", "a\0", 2));
}

/* With backtracking into earlier stars this would take longer than the world is old. */
static void stars_do_not_multiply(void **state)
{
    char text[8192];
    (void)state;
    memset(text, 'a', sizeof(text));
    for (int i = 0; i < 10; i++) {
        assert_false(
            rl_glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text, sizeof(text)));
    }
    assert_true(
        rl_glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*", text, sizeof(text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_the_whole_text),
        cmocka_unit_test(the_length_counts_not_a_terminator),
        cmocka_unit_test(stars_do_not_multiply),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
