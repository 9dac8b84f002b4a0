/* Credentials of Basic authentication: which are written as clients write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/basic.h"

static void clean_credentials_tell_their_length(void **state)
{
    static const struct {
        const char *value;
        size_t bytes;
    } clean[] = {
        {"Basic YWRtaW46cHc=", 8}, {"basic YTpi", 3}, {"BASIC Og==", 1}, {"Basic +/+/+/+/", 6}};
    (void)state;
    for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++) {
        size_t bytes = 0;
        if (!rl_basic_is_clean(clean[i].value, &bytes) || bytes != clean[i].bytes) {
            fail_msg("%s: %zu", clean[i].value, bytes);
        }
    }
}

static void what_decoders_disagree_about_is_not_clean(void **state)
{
    static const char *const values[] = {
        "Basic YWRt!aW46cHc=", /* httpd stops at the "!", Werkzeug skips it */
        "Basic YWRt aW46cHc=",
        "Basic YWRtaW46cHc", /* no padding */
        "Basic YWRtaW46cHc==",
        "Basic YWRtaW46cHc=x",
        "Basic YWRtaW46cHc=YWRt",
        "Basic YWRtaW46cHd=", /* bits of no byte */
        "Basic Oh==",
        "Basic -_-_", /* base64url */
        "Basic  YWRtaW46cHc=",
        "Basic\tYWRtaW46cHc=",
        "Basic YWRtaW46cHc= ",
        "Basic YWRtaW46cHc=, Basic YWRtaW46cHc=",
        "Basic YW=taW46cHc=",
        "Basic =",
        "Basic ====",
        "Basic Y===",
        "Basic ",
        "Basic",
        "BasicYWRt",
        "Bearer YWRt",
        "Bas",
        ""};
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        size_t bytes;
        if (rl_basic_is_clean(values[i], &bytes)) {
            fail_msg("%s", values[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_credentials_tell_their_length),
        cmocka_unit_test(what_decoders_disagree_about_is_not_clean),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
