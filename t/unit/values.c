/* SPDX-License-Identifier: Apache-2.0 */
/* stats/values: the values of keys that were logged. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stats/values.h"
#include "support.h"

static rl_values_t values;
static char text[RL_VALUES_BYTES];

static int no_values(void **state)
{
    (void)state;
    memset(&values, 0, sizeof(values));
    return 0;
}

/* All in one set. */
static rl_digest_t key(uint64_t n)
{
    return (rl_digest_t){.hi = n * RL_VALUES_SETS + 7, .lo = n};
}

static void put(uint64_t n, uint32_t now_s, const char *what)
{
    const rl_digest_t id = key(n);
    rl_values_put(&values, &id, now_s, what);
}

static const char *get(uint64_t n)
{
    const rl_digest_t id = key(n);
    return rl_values_get(&values, &id, text) ? text : NULL;
}

static void what_is_kept_is_found(void **state)
{
    (void)state;
    assert_null(get(1));
    put(1, 100, "ip=192.0.2.7\nform:username=admin");
    put(2, 100, "");
    assert_string_equal(get(1), "ip=192.0.2.7\nform:username=admin");
    assert_string_equal(get(2), "");
    put(1, 101, "other");
    assert_string_equal(get(1), "other");
    assert_null(get(3));
}

static void long_text_is_cut(void **state)
{
    char longer[2 * RL_VALUES_BYTES];
    (void)state;
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    put(1, 100, longer);
    assert_int_equal(strlen(get(1)), RL_VALUES_BYTES - 1);
}

static void the_oldest_of_a_full_set_goes(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < RL_VALUES_WAYS; n++) {
        put(n, 100 + (uint32_t)((n + 2) % RL_VALUES_WAYS), "one");
    }
    put(100, 200, "new");
    assert_null(get(2));
    assert_non_null(get(0));
    assert_string_equal(get(100), "new");
}

static void what_is_half_written_is_not_read(void **state)
{
    (void)state;
    put(1, 100, "admin");
    atomic_store(&values.sets[7][0].text[0], 0);
    assert_null(get(1));
    put(1, 101, "admin");
    assert_string_equal(get(1), "admin");
}

static void wiped_is_gone(void **state)
{
    static const rl_values_t nothing;
    (void)state;
    put(1, 100, "admin");
    put(2, 100, "root");
    rl_values_wipe(&values);
    assert_null(get(1));
    assert_null(get(2));
    assert_memory_equal((const void *)&values, (const void *)&nothing, sizeof(values));
}

static void *write_many(void *seed)
{
    for (int i = 0; i < 20000; i++) {
        char what[40];
        const uint64_t n = (uint64_t)(i + (int)(uintptr_t)seed) % 6;
        snprintf(what, sizeof(what), "value of %d, from start to end", (int)n);
        put(n, 100 + (uint32_t)i, what);
    }
    return NULL;
}

static void many_at_once_mix_nothing_up(void **state)
{
    pthread_t threads[4];
    (void)state;
    for (uintptr_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, (void *)i), 0);
    }
    for (int i = 0; i < 40000; i++) {
        char what[40];
        const char *found = get((uint64_t)i % 6);
        snprintf(what, sizeof(what), "value of %d, from start to end", i % 6);
        if (found != NULL) {
            assert_string_equal(found, what);
        }
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, no_values)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_is_found),
        TEST(long_text_is_cut),
        TEST(the_oldest_of_a_full_set_goes),
        TEST(what_is_half_written_is_not_read),
        TEST(wiped_is_gone),
        TEST(many_at_once_mix_nothing_up),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
