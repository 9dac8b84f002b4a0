/* SPDX-License-Identifier: Apache-2.0 */
/* core/address: prefixes at every bit, mapped addresses, malformed text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/address.h"
#include "support.h"

static rl_address_t parsed(const char *text)
{
    rl_address_t address;
    const char *reason;
    memset(&address, 0xa5, sizeof(address));
    reason = rl_address_parse_prefix(text, &address);
    if (reason != NULL) {
        fail_msg("\"%s\": %s", text, reason);
    }
    return address;
}

static void assert_same(const char *a, const char *b)
{
    const rl_address_t left = parsed(a), right = parsed(b);
    if (memcmp(&left, &right, sizeof(left)) != 0) {
        fail_msg("%s and %s differ", a, b);
    }
}

static void assert_within(const char *address, const char *prefix, bool wanted)
{
    const rl_address_t a = parsed(address), p = parsed(prefix);
    if (rl_address_within(&a, &p) != wanted) {
        fail_msg("%s is %s within %s", address, wanted ? "not" : "wrongly", prefix);
    }
}

static void host_bits_are_dropped(void **state)
{
    (void)state;
    assert_same("192.0.2.77/24", "192.0.2.0/24");
    assert_same("255.255.255.255/0", "0.0.0.0/0");
    assert_same("192.0.2.77/32", "192.0.2.77");
    assert_same("192.0.2.255/25", "192.0.2.128/25");
    assert_same("2001:db8:1:2:3:4:5:6/64", "2001:db8:1:2::/64");
    assert_same("2001:db8::1/128", "2001:db8::1");
    assert_same("ffff:ffff::/0", "::/0");
    assert_same("2001:db8:1:ffff::/49", "2001:db8:1:8000::/49");
}

/* Against a mask made bit by bit. */
static void every_prefix_length_keeps_exactly_its_bits(void **state)
{
    uint64_t rng = 1;
    (void)state;
    for (int family = 4; family <= 6; family += 2) {
        const unsigned most = family == 4 ? 32 : 128;
        for (unsigned bits = 0; bits <= most + 8; bits++) {
            uint8_t bytes[16], wanted[16] = {0};
            rl_address_t address;
            for (int i = 0; i < 16; i++) {
                bytes[i] = (uint8_t)(random_bits(&rng) | (i == 0));
            }
            for (unsigned b = 0; b < bits && b < most; b++) {
                wanted[b / 8] |= (uint8_t)(bytes[b / 8] & (0x80 >> b % 8));
            }
            rl_address_set(&address, family, bytes);
            rl_address_mask(&address, family == 4 ? bits : 0, family == 6 ? bits : 0);
            assert_memory_equal(address.bytes, wanted, 16);
            assert_int_equal(address.bits, bits < most ? bits : most);
            assert_int_equal(address.family, family);
        }
    }
}

static void masking_again_with_more_bits_brings_nothing_back(void **state)
{
    rl_address_t address = parsed("192.0.2.77/20");
    const rl_address_t before = address;
    (void)state;
    rl_address_mask(&address, 24, 64);
    assert_memory_equal(&address, &before, sizeof(address));
}

static void mapped_addresses_are_the_ipv4_addresses(void **state)
{
    static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    const rl_address_t v4 = parsed("192.0.2.1");
    rl_address_t address;
    (void)state;
    rl_address_set(&address, 6, mapped);
    assert_memory_equal(&address, &v4, sizeof(address));
    assert_same("::ffff:192.0.2.1", "192.0.2.1");
    assert_same("::FFFF:c000:0201", "192.0.2.1");
    assert_same("::ffff:192.0.2.1/128", "192.0.2.1/32");
    assert_same("::ffff:192.0.2.1/120", "192.0.2.0/24");
    assert_same("::ffff:192.0.2.1/96", "0.0.0.0/0");
}

static void addresses_that_only_resemble_mapped_ones_stay_ipv6(void **state)
{
    static const char *const others[] = {"::192.0.2.1",
                                         "::fffe:192.0.2.1",
                                         "64:ff9b::192.0.2.1",
                                         "1::ffff:192.0.2.1",
                                         "::ffff:0:192.0.2.1",
                                         "::",
                                         "::1"};
    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const rl_address_t address = parsed(others[i]);
        assert_int_equal(address.family, 6);
        assert_int_equal(address.bits, 128);
    }
}

static void prefixes_contain_their_own_and_nothing_else(void **state)
{
    (void)state;
    assert_within("192.0.2.255", "192.0.2.0/24", true);
    assert_within("192.0.3.0", "192.0.2.0/24", false);
    assert_within("192.0.2.127", "192.0.2.0/25", true);
    assert_within("192.0.2.128", "192.0.2.0/25", false);
    assert_within("8.8.8.8", "0.0.0.0/0", true);
    assert_within("2001:db8::1", "::/0", true);
    assert_within("2001:db8:0:1::", "2001:db8::/64", false);
    assert_within("2001:db8::ffff:ffff:ffff:ffff", "2001:db8::/64", true);
    assert_within("2001:db8::1", "2001:db8::1", true);
    assert_within("2001:db8::2", "2001:db8::1", false);
    assert_within("192.0.2.1", "192.0.2.1/31", true);
}

static void families_do_not_contain_each_other(void **state)
{
    (void)state;
    assert_within("192.0.2.1", "::/0", false);
    assert_within("::1", "0.0.0.0/0", false);
    assert_within("::ffff:192.0.2.1", "192.0.2.0/24", true);
    assert_within("192.0.2.9", "::ffff:192.0.2.0/120", true);
    assert_within("::192.0.2.1", "192.0.2.0/24", false);
}

static void malformed_text_is_refused_with_a_reason(void **state)
{
    static const char *const wrong[] = {
        "",
        "/",
        "/24",
        "localhost",
        "192.0.2",
        "192.0.2.1.",
        "192.0.2.256",
        "192.0.2.1/",
        "192.0.2.1/33",
        "192.0.2.1/-1",
        "192.0.2.1/ 8",
        "192.0.2.1/8 ",
        "192.0.2.1/8/8",
        "192.0.2.1/255.255.255.0",
        " 192.0.2.1",
        "192.0.2.1 ",
        "192.0.2.1/0x8",
        "0xc0.0.2.1",
        "2001:db8::/129",
        "2001:db8:::",
        "2001:db8::1::",
        "fe80::1%eth0",
        "[::1]",
        "[::1]/64",
        "::ffff:192.0.2.1/129",
        "::ffff:192.0.2.1/95",
        "::ffff:192.0.2.1/24",
        "12345::",
        "192.0.2.1/4294967297",
        "192.0.2.1/18446744073709551617",
        "1111:2222:3333:4444:5555:6666:255.255.255.2555",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        rl_address_t address;
        if (rl_address_parse_prefix(wrong[i], &address) == NULL) {
            fail_msg("\"%s\" was taken", wrong[i]);
        }
    }
}

static void the_longest_spelling_is_read(void **state)
{
    (void)state;
    assert_same("1111:2222:3333:4444:5555:6666:255.255.255.255/128",
                "1111:2222:3333:4444:5555:6666:ffff:ffff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_bits_are_dropped),
        cmocka_unit_test(every_prefix_length_keeps_exactly_its_bits),
        cmocka_unit_test(masking_again_with_more_bits_brings_nothing_back),
        cmocka_unit_test(mapped_addresses_are_the_ipv4_addresses),
        cmocka_unit_test(addresses_that_only_resemble_mapped_ones_stay_ipv6),
        cmocka_unit_test(prefixes_contain_their_own_and_nothing_else),
        cmocka_unit_test(families_do_not_contain_each_other),
        cmocka_unit_test(malformed_text_is_refused_with_a_reason),
        cmocka_unit_test(the_longest_spelling_is_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
