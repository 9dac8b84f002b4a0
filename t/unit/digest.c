/* SPDX-License-Identifier: Apache-2.0 */
/* core/digest: no two different lists of parts share a digest; secrets and tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/digest.h"
#include "support.h"

static rl_secret_t secret;
static const rl_digest_t scope = {.hi = 1, .lo = 2};

static int set_up(void **state)
{
    (void)state;
    rl_secret_derive(&secret, RL_SECRET_OF_KEYS, "a secret", 8);
    return 0;
}

static bool same(rl_digest_t a, rl_digest_t b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

typedef struct part {
    unsigned kind;
    const char *bytes;
    size_t len;
} part_t;

static rl_digest_t digest_of(const part_t *parts, int n)
{
    rl_key_builder_t key;
    rl_key_begin(&key, &secret, &scope);
    for (int i = 0; i < n; i++) {
        rl_key_add(&key, parts[i].kind, parts[i].bytes, parts[i].len);
    }
    return rl_key_finish(&key);
}

/* The whole of SipHash-2-4-128, block by block. */
static rl_digest_t siphash(const unsigned char key[16], const void *message, size_t len)
{
    unsigned char last[8] = {0};
    const unsigned char *bytes = message;
    rl_digest_t digest;
    uint64_t value[2];
    rl_siphash_t hash;
    rl_siphash_begin(&hash, key);
    for (size_t i = 0; i < len / 8; i++) {
        rl_siphash_block(&hash, rl_siphash_load(bytes + 8 * i));
    }
    memcpy(last, bytes + len / 8 * 8, len % 8);
    last[7] = (unsigned char)len;
    rl_siphash_end(&hash, rl_siphash_load(last), value);
    digest = (rl_digest_t){.hi = value[0], .lo = value[1]};
    return digest;
}

/* Of the reference implementation's vectors: key 00..0f, messages 00..len-1. The same come from
 * `openssl mac -macopt size:16 SIPHASH`. */
static void siphash_gives_the_reference_vectors(void **state)
{
    static const struct {
        size_t len;
        unsigned char value[16];
    } vectors[] = {
        {0,
         {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55,
          0x02, 0x93}},
        {1,
         {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22,
          0xfc, 0x45}},
        {7,
         {0xa1, 0xf1, 0xeb, 0xbe, 0xd8, 0xdb, 0xc1, 0x53, 0xc0, 0xb8, 0x4a, 0xa6, 0x1f, 0xf0,
          0x82, 0x39}},
        {8,
         {0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83, 0xe2, 0x64, 0xf3, 0x14,
          0x97, 0xb4}},
        {15,
         {0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf,
          0xc3, 0xd9}},
        {16,
         {0x6e, 0xe2, 0xa4, 0xca, 0x67, 0xb0, 0x54, 0xbb, 0xfd, 0x33, 0x15, 0xbf, 0x85, 0x23,
          0x05, 0x77}},
        {63,
         {0x51, 0x50, 0xd1, 0x77, 0x2f, 0x50, 0x83, 0x4a, 0x50, 0x3e, 0x06, 0x9a, 0x97, 0x3f,
          0xbd, 0x7c}},
    };
    unsigned char message[63];
    (void)state;
    for (unsigned char i = 0; i < sizeof(message); i++) {
        message[i] = i;
    }
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const rl_digest_t value = siphash(message, message, vectors[i].len);
        for (unsigned n = 0; n < 16; n++) {
            const uint64_t half = n < 8 ? value.hi : value.lo;
            assert_int_equal((unsigned char)(half >> 8 * (n % 8)), vectors[i].value[n]);
        }
    }
}

static void a_key_is_its_scope_and_parts_as_drawn(void **state)
{
    static const char long_one[] = "forty letters and one more, which is long";
    unsigned char drawn[16 + 4 + 5 + 16];
    const part_t parts[] = {{3, "ab", 2}, {4, long_one, 41}};
    const rl_digest_t inner = siphash(secret.key, long_one, 41);
    (void)state;
    memcpy(drawn, &scope, 16);
    memcpy(drawn + 16, "\003\002ab\204\051\0\0\0", 9);
    memcpy(drawn + 25, &inner, 16);
    assert_true(same(digest_of(parts, 1), siphash(secret.key, drawn, 20)));
    assert_true(same(digest_of(parts, 2), siphash(secret.key, drawn, sizeof(drawn))));
}

/* A part of every length, so that the last block of the hash is of every length. */
static void a_key_of_any_length_is_hashed_whole(void **state)
{
    unsigned char drawn[16 + 2 + RL_KEY_INLINE_MAX] = {0};
    const char text[RL_KEY_INLINE_MAX] = "abcdefghijklmnopqrstuvwxyz";
    (void)state;
    memcpy(drawn, &scope, 16);
    memcpy(drawn + 18, text, sizeof(text));
    drawn[16] = 1;
    for (size_t len = 0; len <= RL_KEY_INLINE_MAX; len++) {
        const part_t part = {1, text, len};
        drawn[17] = (unsigned char)len;
        assert_true(same(digest_of(&part, 1), siphash(secret.key, drawn, 18 + len)));
    }
}

static void a_prefix_gives_the_keys_of_its_scope_any_number_of_times(void **state)
{
    const part_t part = {1, "ab", 2};
    rl_scope_t prefix;
    (void)state;
    rl_scope_make(&prefix, &secret, &scope);
    for (int i = 0; i < 2; i++) {
        rl_key_builder_t key;
        rl_key_begin_in(&key, &secret, &prefix);
        rl_key_add(&key, part.kind, part.bytes, part.len);
        assert_true(same(rl_key_finish(&key), digest_of(&part, 1)));
    }
}

static void a_key_can_be_put_into_another_scope(void **state)
{
    const rl_digest_t elsewhere = {.hi = 3, .lo = 4};
    const part_t part = {1, "ab", 2};
    rl_scope_t prefix;
    rl_key_builder_t key;
    (void)state;
    rl_key_begin(&key, &secret, &elsewhere);
    rl_key_add(&key, part.kind, part.bytes, part.len);
    assert_false(same(rl_key_finish(&key), digest_of(&part, 1)));
    rl_scope_make(&prefix, &secret, &scope);
    rl_key_rescope(&key, &prefix);
    assert_true(same(rl_key_finish(&key), digest_of(&part, 1)));
}

/* ---- counters ---- */

static rl_digest_t counter_of(const part_t *parts, int n, const rl_digest_t *in)
{
    rl_key_builder_t key;
    rl_scope_t made;
    rl_scope_make(&made, &secret, in);
    rl_key_begin_in(&key, &secret, &made);
    for (int i = 0; i < n; i++) {
        rl_key_add(&key, parts[i].kind, parts[i].bytes, parts[i].len);
    }
    return rl_key_counter(&key);
}

/* Counters on memcached, and those in a file, have these names: what changes them makes all
 * counters start anew, and splits a fleet in which servers are of several versions. */
static void a_counter_is_named_by_its_parts_and_its_scope(void **state)
{
    const part_t part = {1, "ab", 2};
    unsigned char id[8 + 16];
    rl_digest_t parts, scopes, name;
    (void)state;
    memset(id, 0xff, 8);
    memcpy(id + 8, &scope, 16);
    parts = siphash(secret.key, "\1\2ab", 4);
    scopes = siphash(secret.key, id, sizeof(id));
    name = counter_of(&part, 1, &scope);
    assert_int_equal(name.hi, parts.hi ^ scopes.hi);
    assert_int_equal(name.lo, parts.lo ^ scopes.lo);
    assert_false(same(name, digest_of(&part, 1)));
}

static void a_counter_in_another_scope_is_that_of_a_key_made_there(void **state)
{
    const rl_digest_t elsewhere = {.hi = 3, .lo = 4};
    const part_t parts[] = {{1, "ab", 2}, {2, "cd", 2}};
    rl_scope_t first, other;
    rl_key_builder_t key;
    (void)state;
    rl_scope_make(&first, &secret, &scope);
    rl_key_begin_in(&key, &secret, &first);
    rl_key_add(&key, parts[0].kind, parts[0].bytes, parts[0].len);
    assert_true(same(rl_key_counter(&key), counter_of(parts, 1, &scope)));
    rl_scope_make(&other, &secret, &elsewhere);
    rl_key_rescope(&key, &other);
    assert_true(same(rl_key_counter(&key), counter_of(parts, 1, &elsewhere)));
    rl_key_add(&key, parts[1].kind, parts[1].bytes, parts[1].len);
    assert_true(same(rl_key_counter(&key), counter_of(parts, 2, &elsewhere)));
    assert_false(same(counter_of(parts, 1, &scope), counter_of(parts, 1, &elsewhere)));
    assert_false(same(counter_of(parts, 1, &scope), counter_of(parts, 2, &scope)));
}

static void a_boundary_between_parts_counts(void **state)
{
    const part_t a[] = {{1, "ab", 2}, {1, "c", 1}};
    const part_t b[] = {{1, "a", 1}, {1, "bc", 2}};
    const part_t c[] = {{1, "abc", 3}};
    const part_t d[] = {{1, "abc", 3}, {1, "", 0}};
    const part_t e[] = {{1, "", 0}, {1, "abc", 3}};
    (void)state;
    assert_false(same(digest_of(a, 2), digest_of(b, 2)));
    assert_false(same(digest_of(a, 2), digest_of(c, 1)));
    assert_false(same(digest_of(c, 1), digest_of(d, 2)));
    assert_false(same(digest_of(d, 2), digest_of(e, 2)));
}

static void a_value_that_spells_an_encoding_is_not_that_encoding(void **state)
{
    const part_t two[] = {{1, "a", 1}, {2, "b", 1}};
    const part_t spelled[] = {{1, "a\002\001b", 4}};
    (void)state;
    assert_false(same(digest_of(two, 2), digest_of(spelled, 1)));
}

static void kinds_and_embedded_nuls_count(void **state)
{
    const part_t a[] = {{1, "a", 1}}, b[] = {{2, "a", 1}}, c[] = {{1, "a\0", 2}};
    const part_t d[] = {{1, "a\0x", 3}}, e[] = {{1, "a\0y", 3}}, f[] = {{0, NULL, 0}};
    const part_t g[] = {{1, NULL, 0}};
    (void)state;
    assert_false(same(digest_of(a, 1), digest_of(b, 1)));
    assert_false(same(digest_of(a, 1), digest_of(c, 1)));
    assert_false(same(digest_of(d, 1), digest_of(e, 1)));
    assert_false(same(digest_of(f, 1), digest_of(g, 1)));
}

static void scopes_and_secrets_separate_keys(void **state)
{
    const rl_digest_t other_scope = {.hi = 1, .lo = 3};
    rl_secret_t other_secret;
    rl_key_builder_t a, b, c;
    (void)state;
    rl_secret_derive(&other_secret, RL_SECRET_OF_KEYS, "b secret", 8);
    rl_key_begin(&a, &secret, &scope);
    rl_key_begin(&b, &secret, &other_scope);
    rl_key_begin(&c, &other_secret, &scope);
    assert_false(same(rl_key_finish(&a), rl_key_finish(&b)));
    assert_false(same(rl_key_finish(&a), rl_key_finish(&c)));
}

static char long_text[1 << 17];

/* Every length about the inline limit, with the last byte different, or one byte more. */
static void long_parts_differ_like_short_ones(void **state)
{
    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    for (size_t len = 1; len < 3 * RL_KEY_INLINE_MAX; len++) {
        const part_t part = {1, long_text, len}, more = {1, long_text, len + 1};
        const rl_digest_t whole = digest_of(&part, 1);
        assert_true(same(whole, digest_of(&part, 1)));
        assert_false(same(whole, digest_of(&more, 1)));
        long_text[len - 1] = 'y';
        assert_false(same(whole, digest_of(&part, 1)));
        long_text[len - 1] = 'x';
    }
}

static void a_very_long_part_is_looked_at_to_its_end(void **state)
{
    const part_t part = {1, long_text, sizeof(long_text)};
    const rl_digest_t whole = digest_of(&part, 1);
    (void)state;
    long_text[sizeof(long_text) - 1] ^= 1;
    assert_false(same(whole, digest_of(&part, 1)));
}

/* The digest of a long part, given as the value of a short one. */
static void nobody_can_spell_a_long_part_as_a_short_one(void **state)
{
    const part_t long_part = {1, long_text, 100};
    const rl_digest_t inner = siphash(secret.key, long_text, 100);
    part_t short_part = {1, (const char *)&inner, sizeof(inner)};
    (void)state;
    assert_false(same(digest_of(&long_part, 1), digest_of(&short_part, 1)));
    short_part.kind = 0x81;
    assert_false(same(digest_of(&long_part, 1), digest_of(&short_part, 1)));
}

static void sixteen_long_parts_all_count(void **state)
{
    part_t parts[RL_KEY_PARTS_MAX];
    rl_digest_t whole;
    (void)state;
    for (int i = 0; i < RL_KEY_PARTS_MAX; i++) {
        parts[i] = (part_t){127, long_text, RL_KEY_INLINE_MAX};
    }
    whole = digest_of(parts, RL_KEY_PARTS_MAX);
    for (int i = 0; i < RL_KEY_PARTS_MAX; i++) {
        parts[i].len--;
        assert_false(same(whole, digest_of(parts, RL_KEY_PARTS_MAX)));
        parts[i].len += 2;
        assert_false(same(whole, digest_of(parts, RL_KEY_PARTS_MAX)));
        parts[i].len--;
    }
    assert_false(same(whole, digest_of(parts, RL_KEY_PARTS_MAX - 1)));
}

#define LISTS 28000

static int by_hi(const void *a, const void *b)
{
    const rl_digest_t *left = a, *right = b;
    return left->hi < right->hi ? -1 : left->hi > right->hi;
}

static rl_digest_t digests[LISTS];

/* All lists of up to three parts of up to three letters of two, kinds of two. */
static void no_two_of_all_small_lists_share_a_digest(void **state)
{
    static const char *const values[] = {"",    "a",   "b",   "aa",  "ab",  "ba",  "bb", "aaa",
                                         "aab", "aba", "abb", "baa", "bab", "bba", "bbb"};
    part_t parts[30];
    size_t n = 0;
    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        parts[i] = (part_t){i % 2, values[i / 2], strlen(values[i / 2])};
    }
    digests[n++] = digest_of(NULL, 0);
    for (int i = 0; i < 30; i++) {
        digests[n++] = digest_of(&parts[i], 1);
        for (int j = 0; j < 30; j++) {
            const part_t two[] = {parts[i], parts[j]};
            digests[n++] = digest_of(two, 2);
            for (int k = 0; k < 30; k++) {
                const part_t three[] = {parts[i], parts[j], parts[k]};
                digests[n++] = digest_of(three, 3);
            }
        }
    }
    qsort(digests, n, sizeof(digests[0]), by_hi);
    for (size_t i = 1; i < n; i++) {
        assert_true(digests[i - 1].hi != digests[i].hi);
    }
}

static void public_digests_differ_by_every_byte_and_need_no_secret(void **state)
{
    /* SHA-1 of "p/cgi-bin/" in its first 16 bytes, as sha1sum gives it. */
    static const unsigned char known[16] = {0xf0, 0x5f, 0x96, 0x42, 0xb9, 0xd8, 0xe7, 0x7d,
                                            0x25, 0x70, 0x28, 0x72, 0xcc, 0x1a, 0xac, 0x23};
    const rl_digest_t a = rl_digest_public("/cgi-bin/", 9);
    (void)state;
    assert_memory_equal(&a, known, 16);
    assert_false(same(a, rl_digest_public("/cgi-bin", 8)));
    assert_false(same(a, rl_digest_public("/cgi-bin.", 9)));
    assert_false(same(rl_digest_public("", 0), rl_digest_public("", 1)));
}

static void secrets_are_used_to_the_last_byte(void **state)
{
    rl_secret_t a, b;
    (void)state;
    rl_secret_derive(&a, RL_SECRET_OF_KEYS, "0123456789abcdef0123456789abcdefX", 33);
    rl_secret_derive(&b, RL_SECRET_OF_KEYS, "0123456789abcdef0123456789abcdefY", 33);
    assert_memory_not_equal(a.key, b.key, 16);
    rl_secret_derive(&b, RL_SECRET_OF_KEYS, "0123456789abcdef0123456789abcdefX", 33);
    assert_memory_equal(&a, &b, sizeof(a));
}

static void tags_are_the_first_twelve_digits_of_the_low_half(void **state)
{
    const rl_digest_t digest = {.hi = UINT64_MAX, .lo = UINT64_C(0x0123456789abcdef)};
    const rl_digest_t zero = {0, 0}, other = {.lo = UINT64_C(0xfedcba9876543210)};
    char tag[RL_TAG_LENGTH + 1];
    (void)state;
    rl_digest_tag(&digest, tag);
    assert_string_equal(tag, "0123456789ab");
    rl_digest_tag(&zero, tag);
    assert_string_equal(tag, "000000000000");
    rl_digest_tag(&other, tag);
    assert_string_equal(tag, "fedcba987654");
}

static void parts_are_read_back(void **state)
{
    const rl_digest_t id = {.hi = 1, .lo = 2};
    rl_key_builder_t builder;
    rl_key_added_t added;
    size_t at = 0;
    (void)state;
    rl_key_begin(&builder, &secret, &id);
    assert_false(rl_key_next(&builder, &at, &added));
    rl_key_add(&builder, 3, "admin", 5);
    rl_key_add(&builder, 127, long_text, 100);
    rl_key_add(&builder, 0, NULL, 0);
    assert_true(rl_key_next(&builder, &at, &added));
    assert_int_equal(added.kind, 3);
    assert_int_equal(added.len, 5);
    assert_memory_equal(added.bytes, "admin", 5);
    assert_true(rl_key_next(&builder, &at, &added));
    assert_int_equal(added.kind, 127);
    assert_int_equal(added.len, 100);
    assert_null(added.bytes);
    assert_true(rl_key_next(&builder, &at, &added));
    assert_int_equal(added.kind, 0);
    assert_int_equal(added.len, 0);
    assert_false(rl_key_next(&builder, &at, &added));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_read_back),
        cmocka_unit_test(siphash_gives_the_reference_vectors),
        cmocka_unit_test(a_key_is_its_scope_and_parts_as_drawn),
        cmocka_unit_test(a_key_of_any_length_is_hashed_whole),
        cmocka_unit_test(a_prefix_gives_the_keys_of_its_scope_any_number_of_times),
        cmocka_unit_test(a_key_can_be_put_into_another_scope),
        cmocka_unit_test(a_counter_is_named_by_its_parts_and_its_scope),
        cmocka_unit_test(a_counter_in_another_scope_is_that_of_a_key_made_there),
        cmocka_unit_test(a_boundary_between_parts_counts),
        cmocka_unit_test(a_value_that_spells_an_encoding_is_not_that_encoding),
        cmocka_unit_test(kinds_and_embedded_nuls_count),
        cmocka_unit_test(scopes_and_secrets_separate_keys),
        cmocka_unit_test(long_parts_differ_like_short_ones),
        cmocka_unit_test(a_very_long_part_is_looked_at_to_its_end),
        cmocka_unit_test(nobody_can_spell_a_long_part_as_a_short_one),
        cmocka_unit_test(sixteen_long_parts_all_count),
        cmocka_unit_test(no_two_of_all_small_lists_share_a_digest),
        cmocka_unit_test(public_digests_differ_by_every_byte_and_need_no_secret),
        cmocka_unit_test(secrets_are_used_to_the_last_byte),
        cmocka_unit_test(tags_are_the_first_twelve_digits_of_the_low_half),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
