/* SPDX-License-Identifier: Apache-2.0 */
/* Set-Cookie fields: which set a cookie, and which remove one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/set_cookie.h"

#define NOW 1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */

static void a_cookie_with_a_value_and_time_left_is_live(void **state)
{
    static const char *const live[] = {
        "a=b",
        "a=deleted",
        "a = b ; Path=/",
        "a=b=c",
        "a=b; Secure; HttpOnly",
        "a=b; Max-Age=1",
        "a=b; max-age=00001",
        "a=b; Max-Age=",
        "a=b; Max-Age=soon",
        "a=b; Expires=Tue, 14 Nov 2023 22:13:21 GMT",
        "a=b; Expires=Tue, 14-Nov-2023 22:13:21 GMT",
        "a=b; Expires=Tuesday, 14-Nov-33 22:13:21 GMT",
        "a=b; expires=Fri, 31 Dec 9999 23:59:59 GMT",
        "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60",
        "a=b;;",
    };
    rl_set_cookie_t cookie;
    (void)state;
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        if (!rl_set_cookie_parse(live[i], NOW, &cookie) || !cookie.live) {
            fail_msg("%s", live[i]);
        }
        assert_int_equal(cookie.name.len, 1);
        assert_int_equal(cookie.name.at[0], 'a');
    }
}

static void one_that_is_emptied_or_over_is_not(void **state)
{
    static const char *const removed[] = {
        "a=",
        "a=; Path=/",
        "a= ",
        "a=\"\"; Path=/",
        "a=deleted; Expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0; path=/",
        "a=deleted; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
        "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "a=b; EXPIRES=Tue, 14 Nov 2023 22:13:20 GMT",
        "a=b; Expires=Tuesday, 14-Nov-95 22:13:20 GMT",
        "a=b; Max-Age=0",
        "a=b; Max-Age=-1",
        "a=b; Max-Age=000",
        "a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=0",
        "a=b; Max-Age=5; max-age=0",
    };
    rl_set_cookie_t cookie;
    (void)state;
    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
        if (!rl_set_cookie_parse(removed[i], NOW, &cookie) || cookie.live) {
            fail_msg("%s", removed[i]);
        }
    }
}

static void what_names_no_cookie_is_none(void **state)
{
    static const char *const none[] = {"", "=", "=b", " = b", "a", "; a=b", "a; b=c"};
    rl_set_cookie_t cookie;
    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        if (rl_set_cookie_parse(none[i], NOW, &cookie)) {
            fail_msg("%s", none[i]);
        }
    }
}

static bool replaces(const char *later, const char *earlier)
{
    rl_set_cookie_t a, b;
    assert_true(rl_set_cookie_parse(later, NOW, &a));
    assert_true(rl_set_cookie_parse(earlier, NOW, &b));
    return rl_set_cookie_replaces(&a, &b);
}

static void name_domain_and_path_tell_cookies_apart(void **state)
{
    (void)state;
    assert_true(replaces("a=", "a=b"));
    assert_true(replaces("a=; path=/; domain=X.example", "a=b; Domain=x.example; Path=/"));
    assert_true(replaces("a=; domain=x.example; path=/", "a=b; path=/; Domain=.X.example"));
    assert_true(replaces("a=", "a=b; path=x"));
    assert_false(replaces("a=; path=/x", "a=b; path=x"));
    assert_false(replaces("A=", "a=b"));
    assert_false(replaces("aa=", "a=b"));
    assert_false(replaces("a=; path=/x", "a=b; path=/X"));
    assert_false(replaces("a=; path=/", "a=b"));
    assert_false(replaces("a=; domain=x.example", "a=b; domain=y.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_with_a_value_and_time_left_is_live),
        cmocka_unit_test(one_that_is_emptied_or_over_is_not),
        cmocka_unit_test(what_names_no_cookie_is_none),
        cmocka_unit_test(name_domain_and_path_tell_cookies_apart),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
