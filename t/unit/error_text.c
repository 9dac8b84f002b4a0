/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/error_text: what a server said, and what that means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memcached/error_text.h"

static const char *said(const char *message)
{
    static char text[RL_ERROR_TEXT_MAX + 1];
    return rl_error_text(message, "nothing", text);
}

static void what_a_server_said_is_taken_out_of_a_message(void **state)
{
    (void)state;
    assert_string_equal(said("(0x55d0c0ffee00) SERVER ERROR, Host is down,  host: "
                             "127.0.0.1:11211 -> ./src/file.cc:285"),
                        "Host is down");
    assert_string_equal(said("SERVER ERROR, a\tb\r\n,  host: x"), "a?b");
    assert_string_equal(said("(0x0) TIMEOUT"), "nothing");
    assert_string_equal(said(""), "nothing");
}

/* As twemproxy, mcrouter and memcached's own proxy write them. */
static void a_proxy_tells_that_a_backend_is_gone(void **state)
{
    static const char *const gone[] = {
        "Connection refused",
        "Connection timed out",
        "Host is down",
        "unknown",
        "unavailable",
        "connection error",
        "backend failure",
        "No route to host",
        "remote error",
        "local error",
        "aborted",
        "307 busy",
        "Reply timeout",
        "overloaded",
        "302 try again",
        "Client queue timeout",
        "Server unavailable. Reason: mc_res_connect_error",
        "AsyncSocketException: connect failed, type = Socket not open, errno = 111 (Connection "
        "refused)",
        "Timed out when trying to connect to server. Ex: AsyncSocketException: connect timed "
        "out",
        "Connection closed by the server.",
        "Failed to write into socket with remote endpoint \"127.0.0.1:11211\", wrote 0 bytes.",
        "Failed to send request - deadline exceeded",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
        assert_true(rl_error_text_says_backend_gone(gone[i]));
        assert_false(rl_error_text_says_no_memory(gone[i]));
    }
}

/* As memcached writes them, or a proxy that minds the command. */
static void other_errors_are_of_a_key(void **state)
{
    static const char *const others[] = {
        "",
        "out of memory storing object",
        "Out of memory allocating new item",
        "object too large for cache",
        "Invalid argument",
        "unknown command",
        "too many open connections",
        "cannot increment or decrement non-numeric value",
        "bad value",
        "permission denied",
        "hot key",
        "a Server unavailable. Reason: x",
        "Failed to store",
        "Connection refused by policy",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(rl_error_text_says_backend_gone(others[i]));
    }
    assert_true(rl_error_text_says_no_memory(others[1]));
    assert_true(rl_error_text_says_no_memory(others[2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_said_is_taken_out_of_a_message),
        cmocka_unit_test(a_proxy_tells_that_a_backend_is_gone),
        cmocka_unit_test(other_errors_are_of_a_key),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
