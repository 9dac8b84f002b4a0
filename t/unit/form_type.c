/* Content-Type: which form a body is, and the boundary of a multipart one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/form/form.h"

static void assert_type_in(const char *charset, const char *content_type, rl_form_type_e type,
                           const char *boundary)
{
    char found[RL_BOUNDARY_MAX];
    size_t len = 0;
    const rl_form_type_e is =
        rl_form_type(content_type, strlen(content_type), charset, found, &len);
    if (is != type || len != strlen(boundary) || memcmp(found, boundary, len) != 0) {
        fail_msg("%s: %d, %.*s", content_type, (int)is, (int)len, found);
    }
}

static void assert_type(const char *content_type, rl_form_type_e type, const char *boundary)
{
    assert_type_in("utf-8", content_type, type, boundary);
}

static void test_content_type(void **state)
{
    (void)state;
    static const char urlencoded[] = "application/x-www-form-urlencoded";
    assert_type(urlencoded, RL_FORM_URLENCODED, "");
    assert_type("application/x-www-form-urlencoded; charset=UTF-8", RL_FORM_URLENCODED, "");
    assert_type("application/x-www-form-urlencoded;charset=utf-8", RL_FORM_URLENCODED, "");
    assert_type("application/x-www-form-urlencoded; charset=\"utf-8\"", RL_FORM_URLENCODED, "");
    assert_type("application/x-www-form-urlencoded, text/plain", RL_FORM_NONE, "");
    assert_type("application/x-www-form-urlencodedx", RL_FORM_NONE, "");
    assert_type("application/x-www-form-urlencode", RL_FORM_NONE, "");
    /* Laravel and CodeIgniter find JSON here; other readers find no form. */
#define URLENCODED "application/x-www-form-urlencoded"
    static const char *const bad[] = {
        URLENCODED "; v=\"/json\"",
        URLENCODED "; v=1",
        URLENCODED "; boundary=x",
        URLENCODED "; charset=utf-16",
        URLENCODED "; charset=\"IBM037\"",
        URLENCODED "; charset=iso-8859-1",
        URLENCODED "; charset=us-ascii",
        URLENCODED "; charset=utf-8; charset=utf-8",
        URLENCODED "; charset*=utf-8''utf-8",
        URLENCODED ";",
        URLENCODED "; ",
        URLENCODED "; charset=utf-8;",
        URLENCODED "; ; charset=utf-8",
        URLENCODED " ; charset=utf-8",
        URLENCODED " ",
        URLENCODED " charset=utf-8",
        "Application/X-WWW-Form-URLEncoded",
        "multipart/form-data; boundary=a/json",
        "multipart/form-data; boundary=aXMLa",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_type(bad[i], RL_FORM_NONE, "");
    }
    assert_type("", RL_FORM_NONE, "");
    assert_type("text/plain", RL_FORM_NONE, "");
}

static void test_charset_is_the_forms(void **state)
{
    (void)state;
    assert_type_in("windows-1252", URLENCODED, RL_FORM_URLENCODED, "");
    assert_type_in("windows-1252", URLENCODED "; charset=Windows-1252", RL_FORM_URLENCODED, "");
    assert_type_in("windows-1252", URLENCODED "; charset=utf-8", RL_FORM_NONE, "");
    assert_type_in("windows-1252", "multipart/form-data; charset=windows-1252; boundary=x",
                   RL_FORM_MULTIPART, "x");
}

static void test_boundary_parameter(void **state)
{
    (void)state;
#define FORM "multipart/form-data; "
    assert_type(FORM "boundary=x", RL_FORM_MULTIPART, "x");
    assert_type("multipart/form-data;boundary=x", RL_FORM_MULTIPART, "x");
    assert_type("MULTIPART/Form-Data; boundary=AaB03x", RL_FORM_NONE, "");
    assert_type(FORM "boundary=\"a b(c)\"", RL_FORM_MULTIPART, "a b(c)");
    assert_type(FORM "charset=utf-8; boundary=x", RL_FORM_MULTIPART, "x");
    assert_type(FORM "boundary=x; charset=utf-8", RL_FORM_MULTIPART, "x");
    assert_type(FORM "charset=utf-8; boundary=x; y=z", RL_FORM_NONE, "");
    assert_type(FORM "boundary=----=_Part_0_1.2:3/?'()", RL_FORM_MULTIPART,
                "----=_Part_0_1.2:3/?'()");
    assert_type(FORM "boundary=boundary", RL_FORM_MULTIPART, "boundary");
    static const char *const bad[] = {
        "multipart/form-data",
        "multipart/mixed; boundary=x",
        FORM "boundary",
        FORM "boundary=",
        FORM "boundary=\"\"",
        FORM "boundary =x",
        FORM "boundary= x",
        FORM "boundary=x y",
        FORM "boundary=x,y",
        FORM "boundary=\"x,y\"",
        FORM "boundary=\"x;y\"",
        FORM "boundary=\"x ",
        FORM "boundary=\"x \"",
        FORM "boundary=\"x\\y\"",
        FORM "boundary=\"x\\\"y\"",
        FORM "boundary=\"x\ty\"",
        FORM "boundary=x\xc3\xbc",
        FORM "boundary=x; boundary=x",
        FORM "boundary=x; Boundary=y",
        FORM "boundary=x, multipart/form-data; boundary=y",
        FORM "xboundary=y; boundary=x",
        FORM "boundary=x; xboundary=y",
        FORM "x=\"boundary=y\"; boundary=x",
        FORM "Boundary=x",
        FORM "boundary*=UTF-8''x",
        FORM "boundary*0=x",
        FORM "charset=utf-7; boundary=x",
        FORM "boundary=01234567890123456789012345678901234567890123456789012345678901234567890",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_type(bad[i], RL_FORM_NONE, "");
    }
    assert_type(
        FORM "boundary=0123456789012345678901234567890123456789012345678901234567890123456789",
        RL_FORM_MULTIPART,
        "0123456789012345678901234567890123456789012345678901234567890123456789");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_charset_is_the_forms),
        cmocka_unit_test(test_boundary_parameter),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
