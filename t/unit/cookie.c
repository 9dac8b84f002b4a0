/* SPDX-License-Identifier: Apache-2.0 */
/* core/cookie: the cookies of one name in a Cookie field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/cookie.h"

/* Asserts that the field has these cookies called "k", and no others; a NULL ends the list. */
static void has(const char *field, const char *const *expected)
{
    const char *value;
    size_t len;
    while ((value = rl_cookie_next(&field, "k", &len)) != NULL) {
        assert_non_null(*expected);
        assert_int_equal(len, strlen(*expected));
        assert_memory_equal(value, *expected, len);
        expected++;
    }
    assert_null(*expected);
}

#define HAS(field, ...) has(field, (const char *const[]){__VA_ARGS__, NULL})
#define HAS_NONE(field) has(field, (const char *const[]){NULL})

static void cookies_are_found_wherever_they_stand(void **state)
{
    (void)state;
    HAS("k=v", "v");
    HAS("a=b; k=v; c=d", "v");
    HAS("a=b;k=v;c=d", "v");
    HAS(" \tk=v \t", "v");
    HAS("k=", "");
    HAS("k=a=b", "a=b");
    HAS("k=\"v\"", "\"v\"");
}

static void other_names_are_not_found(void **state)
{
    (void)state;
    HAS_NONE("");
    HAS_NONE("k");
    HAS_NONE("kk=v; K=v; =k; ak=v; k ; ;;");
    HAS_NONE("a=k=v");
}

static void a_name_that_comes_twice_is_found_twice(void **state)
{
    (void)state;
    HAS("k=1; k=2; a=b; k=1", "1", "2", "1");
}

static void a_field_that_is_not_there_has_no_cookies(void **state)
{
    (void)state;
    HAS_NONE(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_are_found_wherever_they_stand),
        cmocka_unit_test(other_names_are_not_found),
        cmocka_unit_test(a_name_that_comes_twice_is_found_twice),
        cmocka_unit_test(a_field_that_is_not_there_has_no_cookies),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
