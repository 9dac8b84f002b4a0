/* SPDX-License-Identifier: Apache-2.0 */
/* core/known: entries of known browsers: which are good, and what a browser is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/known.h"

#define NOW  1700000000
#define LATE (NOW + 1000)

static rl_secret_t secret;
static const rl_digest_t admin = {.hi = 1, .lo = 2}, mallory = {.hi = 1, .lo = 3};

static int set_up(void **state)
{
    (void)state;
    rl_secret_derive(&secret, RL_SECRET_OF_KNOWN, "a secret", 8);
    return 0;
}

/* Returns an entry for the account whose nonce ends with this byte. */
static rl_known_entry_t entry_of(const rl_digest_t *account, unsigned char nonce,
                                 int64_t expires)
{
    rl_known_entry_t entry = {.nonce = {9, 8, 7, 6, 5, 4, 3, nonce}, .expires = expires};
    rl_known_seal(&entry, &secret, account);
    return entry;
}

static void put(rl_known_t *known, const rl_digest_t *account, unsigned char nonce,
                int64_t expires)
{
    const rl_known_entry_t entry = entry_of(account, nonce, expires);
    rl_known_put(known, &entry, NOW);
}

static int last_byte(const rl_known_entry_t *entry)
{
    return entry->nonce[RL_KNOWN_NONCE_SIZE - 1];
}

/* What a browser has after it was given the entries, and sends them back. */
static void send_back(rl_known_t *known, char text[RL_KNOWN_TEXT_MAX])
{
    rl_known_write(known, text);
    memset(known, 0xa5, sizeof(*known));
    known->n = 0;
    rl_known_read(known, text, strlen(text));
}

static void an_entry_is_good_for_its_account_until_it_expires(void **state)
{
    rl_known_t known = {.n = 0};
    char text[RL_KNOWN_TEXT_MAX];
    (void)state;
    put(&known, &admin, 1, LATE);
    send_back(&known, text);
    assert_int_equal(strlen(text), RL_KNOWN_ENTRY_LENGTH);
    assert_int_equal(last_byte(rl_known_find(&known, &secret, &admin, NOW)), 1);
    assert_non_null(rl_known_find(&known, &secret, &admin, LATE - 1));
    assert_null(rl_known_find(&known, &secret, &admin, LATE));
    assert_null(rl_known_find(&known, &secret, &mallory, NOW));
}

static void another_secret_makes_no_good_entry(void **state)
{
    rl_known_t known = {.n = 0};
    rl_secret_t other, for_keys;
    (void)state;
    put(&known, &admin, 1, LATE);
    rl_secret_derive(&other, RL_SECRET_OF_KNOWN, "b secret", 8);
    rl_secret_derive(&for_keys, RL_SECRET_OF_KEYS, "a secret", 8);
    assert_null(rl_known_find(&known, &other, &admin, NOW));
    assert_null(rl_known_find(&known, &for_keys, &admin, NOW));
}

/* Every bit of nonce, expiry and seal is under the seal, and no two texts are one entry. */
static void an_entry_with_any_bit_changed_is_worth_nothing(void **state)
{
    rl_known_t known = {.n = 0};
    char text[RL_KNOWN_TEXT_MAX];
    (void)state;
    put(&known, &admin, 1, LATE);
    rl_known_write(&known, text);
    for (size_t i = 0; i < RL_KNOWN_ENTRY_LENGTH; i++) {
        const char own = text[i];
        for (int c = 1; c < 256; c++) {
            text[i] = (char)c;
            known.n = 0;
            rl_known_read(&known, text, RL_KNOWN_ENTRY_LENGTH);
            assert_int_equal(rl_known_find(&known, &secret, &admin, 0) != NULL, (char)c == own);
        }
        text[i] = own;
    }
}

static void a_browser_has_several_accounts(void **state)
{
    rl_known_t known = {.n = 0};
    char text[RL_KNOWN_TEXT_MAX];
    (void)state;
    put(&known, &admin, 1, LATE);
    put(&known, &mallory, 2, LATE + 1);
    send_back(&known, text);
    assert_int_equal(known.n, 2);
    assert_int_equal(last_byte(rl_known_find(&known, &secret, &admin, NOW)), 1);
    assert_int_equal(last_byte(rl_known_find(&known, &secret, &mallory, NOW)), 2);
    assert_int_equal(rl_known_expires(&known), LATE + 1);
}

static void the_oldest_entry_is_dropped(void **state)
{
    rl_known_t known = {.n = 0};
    char text[RL_KNOWN_TEXT_MAX];
    (void)state;
    for (int i = 1; i <= 20; i++) {
        const rl_digest_t account = {.hi = 5, .lo = (uint64_t)i};
        put(&known, &account, (unsigned char)i, LATE);
    }
    send_back(&known, text);
    assert_int_equal(known.n, RL_KNOWN_ENTRIES_MAX);
    assert_int_equal(strlen(text), RL_KNOWN_TEXT_MAX - 1);
    for (int i = 0; i < RL_KNOWN_ENTRIES_MAX; i++) {
        assert_int_equal(last_byte(&known.entries[i]), 20 - i);
    }
}

static void a_renewed_entry_takes_the_place_of_the_old_one(void **state)
{
    rl_known_t known = {.n = 0};
    (void)state;
    put(&known, &admin, 1, LATE);
    put(&known, &mallory, 2, LATE);
    put(&known, &admin, 1, LATE + 9);
    assert_int_equal(known.n, 2);
    assert_int_equal(last_byte(&known.entries[0]), 1);
    assert_int_equal(known.entries[0].expires, LATE + 9);
    assert_int_equal(last_byte(&known.entries[1]), 2);
}

static void what_has_expired_or_never_would_is_dropped(void **state)
{
    rl_known_t known = {.n = 3};
    (void)state;
    known.entries[0] = entry_of(&admin, 1, NOW);
    known.entries[1] = entry_of(&admin, 2, NOW + RL_KNOWN_LAST_MAX + 1);
    known.entries[2] = entry_of(&admin, 3, NOW + RL_KNOWN_LAST_MAX);
    put(&known, &mallory, 4, LATE);
    assert_int_equal(known.n, 2);
    assert_int_equal(last_byte(&known.entries[1]), 3);
}

/* A browser can send anything, in several cookies. */
static void reading_stops_at_what_is_no_entry(void **state)
{
    rl_known_t known = {.n = 0};
    char text[RL_KNOWN_TEXT_MAX], more[100 * RL_KNOWN_ENTRY_LENGTH];
    (void)state;
    put(&known, &admin, 1, LATE);
    rl_known_write(&known, text);
    for (size_t len = 0; len < RL_KNOWN_ENTRY_LENGTH; len++) {
        known.n = 0;
        rl_known_read(&known, text, len);
        assert_int_equal(known.n, 0);
    }
    known.n = 0;
    rl_known_read(&known, "=====", 5);
    rl_known_read(&known, "", 0);
    assert_int_equal(known.n, 0);
    memset(more, 'A', sizeof(more));
    more[RL_KNOWN_ENTRY_LENGTH + 3] = '\0';
    rl_known_read(&known, more, sizeof(more));
    assert_int_equal(known.n, 1);
    rl_known_read(&known, text, strlen(text));
    assert_non_null(rl_known_find(&known, &secret, &admin, NOW));
    more[RL_KNOWN_ENTRY_LENGTH + 3] = 'A';
    rl_known_read(&known, more, sizeof(more));
    assert_int_equal(known.n, RL_KNOWN_READ_MAX);
    rl_known_read(&known, text, strlen(text));
    assert_int_equal(known.n, RL_KNOWN_READ_MAX);
}

/* Nothing in the text is the same for two browsers of one account. */
static void entries_of_one_account_are_unlike(void **state)
{
    const rl_known_entry_t a = entry_of(&admin, 1, LATE), b = entry_of(&admin, 2, LATE);
    (void)state;
    assert_true(a.seal.hi != b.seal.hi && a.seal.lo != b.seal.lo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_good_for_its_account_until_it_expires),
        cmocka_unit_test(another_secret_makes_no_good_entry),
        cmocka_unit_test(an_entry_with_any_bit_changed_is_worth_nothing),
        cmocka_unit_test(a_browser_has_several_accounts),
        cmocka_unit_test(the_oldest_entry_is_dropped),
        cmocka_unit_test(a_renewed_entry_takes_the_place_of_the_old_one),
        cmocka_unit_test(what_has_expired_or_never_would_is_dropped),
        cmocka_unit_test(reading_stops_at_what_is_no_entry),
        cmocka_unit_test(entries_of_one_account_are_unlike),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
