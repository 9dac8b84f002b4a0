/* Charsets of forms: text becomes UTF-8, or isn't valid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "core/charset.h"

static apr_pool_t *pool;

static const rl_charset_t *parse(const char *name)
{
    const rl_charset_t *charset = NULL;
    const char *reason = rl_charset_parse(pool, name, &charset);
    if (reason != NULL) {
        fail_msg("%s: %s", name, reason);
    }
    return charset;
}

static void assert_decodes(const char *charset, const char *bytes, const char *utf8)
{
    const char *text = bytes;
    apr_size_t len = strlen(bytes);
    if (!rl_charset_decode(parse(charset), pool, &text, &len) || len != strlen(utf8) ||
        memcmp(text, utf8, len) != 0) {
        fail_msg("%s: %s: %.*s", charset, utf8, (int)len, text);
    }
}

static void assert_invalid(const char *charset, const char *bytes)
{
    const char *text = bytes;
    apr_size_t len = strlen(bytes);
    if (rl_charset_decode(parse(charset), pool, &text, &len)) {
        fail_msg("%s: %.*s", charset, (int)len, text);
    }
}

static void text_becomes_utf8(void **state)
{
    (void)state;
    assert_decodes("windows-1252", "\xc9tienne \x80", "\u00c9tienne \u20ac");
    assert_decodes("Windows-1252", "admin", "admin");
    assert_decodes("shift_jis", "\x89\xa4\x8f\xac\x96\xbe", "\u738b\u5c0f\u660e");
    assert_decodes("big5", "\xa4\xfd", "\u738b");
    assert_decodes("iso-8859-15", "\xa4", "\u20ac");
    assert_decodes("iso-2022-jp", "\x1b$B2&\x1b(B", "\u738b");
    assert_decodes("utf-8", "\xc3\x89", "\u00c9");
    assert_decodes("UTF8", "\xff", "\xff"); /* folding looks at it */
    assert_decodes("windows-1252", "", "");
}

static void what_is_not_valid_is_told(void **state)
{
    (void)state;
    assert_invalid("windows-1252", "a\x81");
    assert_invalid("shift_jis", "a\x89");
    assert_invalid("us-ascii", "\xc3\x89");
    assert_invalid("iso-2022-jp", "\x1b$B2");
    assert_invalid("euc-kr", "\xff");
}

static void charsets_that_nobody_knows_or_that_are_no_ascii_are_refused(void **state)
{
    static const char *const names[] = {
        "",         "latin", "utf-9",         "utf-16",
        "utf-16le", "utf-7", "utf-8//ignore", "windows-1252//TRANSLIT",
        "ibm037",   "ucs-4"};
    const rl_charset_t *charset;
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (rl_charset_parse(pool, names[i], &charset) == NULL) {
            fail_msg("%s", names[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_utf8),
        cmocka_unit_test(what_is_not_valid_is_told),
        cmocka_unit_test(charsets_that_nobody_knows_or_that_are_no_ascii_are_refused),
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
