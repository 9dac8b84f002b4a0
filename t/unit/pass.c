/* SPDX-License-Identifier: Apache-2.0 */
/* core/pass: passes and the tokens of challenges: which are good, where a token may lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/pass/pass.h"
#include "core/pass/token.h"

#define NOW  1700000000
#define LIFE 1000

static rl_secret_t secret, other_secret;
static rl_seal_t seal;
static const rl_pass_t pass = {.nonce = {1, 2, 3, 4, 5, 6, 7, 8, 9, 255}, .issued = NOW};

static int set_up(void **state)
{
    (void)state;
    rl_secret_derive(&secret, RL_SECRET_OF_PASSES, "a secret", 8);
    rl_secret_derive(&other_secret, RL_SECRET_OF_PASSES, "A secret", 8);
    seal = (rl_seal_t){.secret = &secret,
                       .site = {.hi = 1, .lo = 2},
                       .network = {24, 192, 0, 2, 0},
                       .network_len = 5};
    return 0;
}

static bool is_good(const rl_seal_t *with, const char *text, int64_t now)
{
    rl_pass_t read;
    return rl_pass_read(with, text, strlen(text), LIFE, now, &read);
}

static rl_token_e token_state(const rl_seal_t *with, const char *text, int64_t now)
{
    char path[RL_TOKEN_PATH_MAX + 1];
    return rl_token_read(with, text, strlen(text), now, path);
}

/* ---- passes ---- */

static void a_pass_is_read_as_it_was_written(void **state)
{
    char text[RL_PASS_TEXT_LENGTH + 1], name[RL_PASS_NAME_LENGTH + 1];
    rl_pass_t read;
    (void)state;
    rl_pass_write(&seal, &pass, text);
    assert_int_equal(strlen(text), RL_PASS_TEXT_LENGTH);
    assert_int_equal(
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
        RL_PASS_TEXT_LENGTH);
    assert_true(rl_pass_read(&seal, text, strlen(text), LIFE, NOW, &read));
    assert_memory_equal(read.nonce, pass.nonce, sizeof(pass.nonce));
    assert_int_equal(read.issued, NOW);
    rl_pass_name(&read, name);
    assert_string_equal(name, "010203040506070809ff");
}

static void a_pass_lasts_as_long_as_it_is_said_to_now(void **state)
{
    char text[RL_PASS_TEXT_LENGTH + 1];
    rl_pass_t read;
    (void)state;
    rl_pass_write(&seal, &pass, text);
    assert_true(is_good(&seal, text, NOW + LIFE - 1));
    assert_false(is_good(&seal, text, NOW + LIFE));
    assert_false(rl_pass_read(&seal, text, strlen(text), 1, NOW + 1, &read));
    assert_true(is_good(&seal, text, NOW - 3600));
    assert_false(is_good(&seal, text, NOW - 3601));
}

static void a_pass_with_any_bit_changed_is_worth_nothing(void **state)
{
    char text[RL_PASS_TEXT_LENGTH + 1];
    (void)state;
    rl_pass_write(&seal, &pass, text);
    for (size_t i = 0; i < 8 * RL_PASS_TEXT_LENGTH; i++) {
        text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
        assert_false(is_good(&seal, text, NOW));
        text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
    }
    assert_true(is_good(&seal, text, NOW));
}

/* Sealed otherwise in one way each. */
static int other_seals(rl_seal_t seals[6])
{
    for (int i = 0; i < 6; i++) {
        seals[i] = seal;
    }
    seals[0].secret = &other_secret;
    seals[1].site.lo++;
    seals[2].network[3] = 3;
    seals[3].network[0] = 25;
    seals[4].network_len = 0;
    seals[5].network_len = 4;
    return 6;
}

static void another_secret_site_or_network_opens_nothing(void **state)
{
    char text[RL_PASS_TEXT_LENGTH + 1], token[RL_TOKEN_LENGTH_MAX + 1];
    rl_seal_t others[6];
    (void)state;
    rl_pass_write(&seal, &pass, text);
    rl_token_write(&seal, NOW, "/", token);
    for (int i = other_seals(others) - 1; i >= 0; i--) {
        assert_false(is_good(&others[i], text, NOW));
        assert_int_equal(token_state(&others[i], token, NOW), RL_TOKEN_FALSE);
    }
}

static void what_is_no_pass_is_none(void **state)
{
    static const char *const texts[] = {
        "", "=", "AAAA", "-", "good", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    char text[RL_PASS_TEXT_LENGTH + 4];
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(is_good(&seal, texts[i], NOW));
    }
    rl_pass_write(&seal, &pass, text);
    memcpy(text + RL_PASS_TEXT_LENGTH, "=", 2);
    assert_false(is_good(&seal, text, NOW));
    memcpy(text + RL_PASS_TEXT_LENGTH, "AA", 3);
    assert_false(is_good(&seal, text, NOW));
}

/* A token that the server has given out for a path of the client's choice is no pass. */
static void a_token_is_no_pass_and_a_pass_no_token(void **state)
{
    char text[RL_PASS_TEXT_LENGTH + 1], token[RL_TOKEN_LENGTH_MAX + 1];
    (void)state;
    rl_pass_write(&seal, &pass, text);
    assert_int_equal(token_state(&seal, text, NOW), RL_TOKEN_FALSE);
    rl_token_write(&seal, NOW, "/234567890", token);
    assert_int_equal(strlen(token), RL_PASS_TEXT_LENGTH);
    assert_false(is_good(&seal, token, NOW));
}

/* ---- tokens ---- */

static void a_token_leads_back_for_ten_minutes(void **state)
{
    char token[RL_TOKEN_LENGTH_MAX + 1], path[RL_TOKEN_PATH_MAX + 1];
    size_t len;
    (void)state;
    len = rl_token_write(&seal, NOW, "/a/b?c=d&e=%2F", token);
    assert_int_equal(len, strlen(token));
    assert_int_equal(rl_token_read(&seal, token, len, NOW + 599, path), RL_TOKEN_GOOD);
    assert_string_equal(path, "/a/b?c=d&e=%2F");
    assert_int_equal(rl_token_read(&seal, token, len, NOW + 600, path), RL_TOKEN_EXPIRED);
    assert_string_equal(path, "/a/b?c=d&e=%2F");
    assert_int_equal(token_state(&seal, token, NOW - 3601), RL_TOKEN_FALSE);
}

static void a_token_with_any_bit_changed_is_false(void **state)
{
    static const char *const paths[] = {"/", "/1", "/12",
                                        "/a/longer/path/with?a=query&of=some&length"};
    char token[RL_TOKEN_LENGTH_MAX + 1];
    (void)state;
    for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
        const size_t len = rl_token_write(&seal, NOW, paths[p], token);
        for (size_t i = 0; i < 8 * len; i++) {
            token[i / 8] = (char)(token[i / 8] ^ (1 << i % 8));
            assert_int_equal(token_state(&seal, token, NOW), RL_TOKEN_FALSE);
            token[i / 8] = (char)(token[i / 8] ^ (1 << i % 8));
        }
        assert_int_equal(token_state(&seal, token, NOW), RL_TOKEN_GOOD);
    }
}

static void a_token_leads_to_no_other_site(void **state)
{
    static const char *const elsewhere[] = {
        "",
        "//evil.example/",
        "\\\\evil.example",
        "http://evil.example/",
        "evil",
        "javascript:alert(1)",
        "?a=b",
    };
    char token[RL_TOKEN_LENGTH_MAX + 1], path[RL_TOKEN_PATH_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
        const size_t len = rl_token_write(&seal, NOW, elsewhere[i], token);
        assert_false(rl_token_path_is_local(elsewhere[i]));
        assert_int_equal(rl_token_read(&seal, token, len, NOW, path), RL_TOKEN_GOOD);
        assert_string_equal(path, "/");
    }
}

static void what_may_not_stand_in_a_path_is_escaped(void **state)
{
    static const char *const paths[][2] = {
        {"/\\evil.example/", "/%5Cevil.example/"},
        {"/\t/evil.example", "/%09/evil.example"},
        {"/ /x", "/%20/x"},
        {"/a\r\nSet-Cookie: a=b", "/a%0D%0ASet-Cookie:%20a=b"},
        {"/\x7f", "/%7F"},
        {"/\xc3\xa4?b\\", "/%C3%A4?b%5C"},
    };
    char token[RL_TOKEN_LENGTH_MAX + 1], path[RL_TOKEN_PATH_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const size_t len = rl_token_write(&seal, NOW, paths[i][0], token);
        assert_false(rl_token_path_is_local(paths[i][0]));
        assert_int_equal(rl_token_read(&seal, token, len, NOW, path), RL_TOKEN_GOOD);
        assert_string_equal(path, paths[i][1]);
    }
}

/* Writes a path of 'x' that ends in a byte that takes three characters; to be that long. */
static const char *escaped_path_of(size_t len, char path[RL_TOKEN_PATH_MAX + 2])
{
    memset(path, 'x', len - 2);
    path[0] = '/';
    path[len - 3] = '\\';
    path[len - 2] = '\0';
    return path;
}

static void a_path_that_is_too_long_once_escaped_leads_to_the_front_page(void **state)
{
    char token[RL_TOKEN_LENGTH_MAX + 1], path[RL_TOKEN_PATH_MAX + 1];
    char long_one[RL_TOKEN_PATH_MAX + 2];
    (void)state;
    for (size_t over = 0; over < 4; over++) {
        const size_t len = rl_token_write(
            &seal, NOW, escaped_path_of(RL_TOKEN_PATH_MAX + over, long_one), token);
        assert_int_equal(rl_token_read(&seal, token, len, NOW, path), RL_TOKEN_GOOD);
        assert_int_equal(strlen(path), over == 0 ? RL_TOKEN_PATH_MAX : 1);
    }
}

static void the_longest_path_fits_and_a_longer_one_leads_to_the_front_page(void **state)
{
    char token[RL_TOKEN_LENGTH_MAX + 1], path[RL_TOKEN_PATH_MAX + 1];
    char longest[RL_TOKEN_PATH_MAX + 2];
    size_t len;
    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    longest[RL_TOKEN_PATH_MAX] = '\0';
    len = rl_token_write(&seal, NOW, longest, token);
    assert_int_equal(len, RL_TOKEN_LENGTH_MAX);
    assert_int_equal(rl_token_read(&seal, token, len, NOW, path), RL_TOKEN_GOOD);
    assert_string_equal(path, longest);
    longest[RL_TOKEN_PATH_MAX] = 'x';
    longest[RL_TOKEN_PATH_MAX + 1] = '\0';
    len = rl_token_write(&seal, NOW, longest, token);
    assert_int_equal(rl_token_read(&seal, token, len, NOW, path), RL_TOKEN_GOOD);
    assert_string_equal(path, "/");
}

static void what_is_no_token_is_false(void **state)
{
    char token[RL_TOKEN_LENGTH_MAX + 8];
    (void)state;
    memset(token, 'A', sizeof(token));
    for (size_t len = 0; len < sizeof(token); len++) {
        char path[RL_TOKEN_PATH_MAX + 1];
        assert_int_equal(rl_token_read(&seal, token, len, NOW, path), RL_TOKEN_FALSE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_is_read_as_it_was_written),
        cmocka_unit_test(a_pass_lasts_as_long_as_it_is_said_to_now),
        cmocka_unit_test(a_pass_with_any_bit_changed_is_worth_nothing),
        cmocka_unit_test(another_secret_site_or_network_opens_nothing),
        cmocka_unit_test(what_is_no_pass_is_none),
        cmocka_unit_test(a_token_is_no_pass_and_a_pass_no_token),
        cmocka_unit_test(a_token_leads_back_for_ten_minutes),
        cmocka_unit_test(a_token_with_any_bit_changed_is_false),
        cmocka_unit_test(a_token_leads_to_no_other_site),
        cmocka_unit_test(what_may_not_stand_in_a_path_is_escaped),
        cmocka_unit_test(a_path_that_is_too_long_once_escaped_leads_to_the_front_page),
        cmocka_unit_test(the_longest_path_fits_and_a_longer_one_leads_to_the_front_page),
        cmocka_unit_test(what_is_no_token_is_false),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
