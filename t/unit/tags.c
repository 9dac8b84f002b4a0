/* SPDX-License-Identifier: Apache-2.0 */
/* stats/tags: which key a tag stands for. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stats/tags.h"
#include "support.h"

#define DAY 86400

static rl_tags_t tags;

static int no_tags(void **state)
{
    (void)state;
    memset(&tags, 0, sizeof(tags));
    return 0;
}

/* All in one set: the tag is the top of the low half. */
static rl_digest_t key(uint64_t n)
{
    return (rl_digest_t){.hi = n, .lo = (n * RL_TAGS_SETS + 7) << 16 | 0x1234};
}

static void put(uint64_t n, uint32_t now_s)
{
    const rl_tagged_key_t entry = {.key = key(n),
                                   .meter = fixed_window((uint32_t)n, 60 * RL_USEC_PER_SEC),
                                   .figures_number = (uint32_t)n,
                                   .rule = 3,
                                   .seen_s = now_s};
    rl_tags_put(&tags, &entry);
}

static bool get(uint64_t n, rl_tagged_key_t *found)
{
    const rl_digest_t id = key(n);
    char tag[RL_TAG_LENGTH + 1];
    rl_digest_tag(&id, tag);
    return rl_tags_get(&tags, tag, found);
}

static void a_key_is_found_by_its_tag(void **state)
{
    const rl_digest_t id = key(5);
    rl_tagged_key_t found;
    (void)state;
    assert_false(get(5, &found));
    put(5, 1000);
    put(6, 1000);
    assert_true(get(5, &found));
    assert_memory_equal(&found.key, &id, sizeof(id));
    assert_int_equal(found.meter.limit, 5);
    assert_int_equal(found.figures_number, 5);
    assert_int_equal(found.rule, 3);
    assert_int_equal(found.seen_s, 1000);
    assert_false(get(7, &found));
}

static void what_is_no_tag_finds_nothing(void **state)
{
    static const char *const texts[] = {"",
                                        "0",
                                        "0123456789a",
                                        "0123456789abc",
                                        "0123456789aB",
                                        "0123456789ag",
                                        "0123456789a\n"};
    rl_tagged_key_t found;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(rl_is_tag(texts[i]));
        assert_false(rl_tags_get(&tags, texts[i], &found));
    }
    assert_true(rl_is_tag("0123456789ab"));
}

static void the_oldest_gives_way(void **state)
{
    rl_tagged_key_t found;
    (void)state;
    for (uint64_t n = 1; n <= RL_TAGS_WAYS; n++) {
        put(n, (uint32_t)(1000 + n));
    }
    put(1, 2000);
    put(99, 2001);
    assert_true(get(99, &found));
    assert_true(get(1, &found));
    assert_false(get(2, &found));
    assert_true(get(3, &found));
}

static void denials_in_a_row_have_one_beginning(void **state)
{
    rl_tagged_key_t found;
    (void)state;
    put(5, 1000);
    put(5, 1600);
    assert_true(get(5, &found));
    assert_int_equal(found.since_s, 1000);
    assert_int_equal(found.seen_s, 1600);
    put(5, 1600 + DAY);
    assert_true(get(5, &found));
    assert_int_equal(found.since_s, 1600 + DAY);
}

static void *write_many(void *mine)
{
    for (uint32_t i = 0; i < 20000; i++) {
        put((uintptr_t)mine + i % 12, 1000 + i);
    }
    return NULL;
}

/* Every entry that is read belongs together. */
static void an_entry_that_two_write_is_whole_or_not_read(void **state)
{
    pthread_t writers[2];
    (void)state;
    for (uintptr_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, write_many, (void *)(i * 6 + 1)), 0);
    }
    for (uint64_t i = 0; i < 20000; i++) {
        const uint64_t n = i % 18 + 1;
        rl_tagged_key_t found;
        if (get(n, &found)) {
            assert_int_equal(found.figures_number, n);
            assert_int_equal(found.meter.limit, n);
        }
    }
    pthread_join(writers[0], NULL);
    pthread_join(writers[1], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_key_is_found_by_its_tag, no_tags),
        cmocka_unit_test_setup(what_is_no_tag_finds_nothing, no_tags),
        cmocka_unit_test_setup(the_oldest_gives_way, no_tags),
        cmocka_unit_test_setup(denials_in_a_row_have_one_beginning, no_tags),
        cmocka_unit_test_setup(an_entry_that_two_write_is_whole_or_not_read, no_tags),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
