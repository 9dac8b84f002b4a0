/* SPDX-License-Identifier: Apache-2.0 */
/* fleet/muster: what a server leaves in a shared store of itself, and what others find there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/muster.h"
#include "store_memory.h"

static memory_store_t store;
static rl_store_session_t session;

static int set_out(void **state)
{
    (void)state;
    memory_open(&store);
    session = (rl_store_session_t){.store = &store.base};
    return 0;
}

static rl_print_t print_of(uint64_t secret, uint64_t servers, uint64_t rules)
{
    const rl_digest_t of[RL_ALIKE_PARTS] = {[RL_ALIKE_SECRET] = {.hi = secret},
                                            [RL_ALIKE_SERVERS] = {.hi = servers},
                                            [RL_ALIKE_RULES] = {.hi = rules}};
    return rl_muster_print(of);
}

static rl_print_t print_with(rl_alike_e part, uint64_t value)
{
    rl_digest_t of[RL_ALIKE_PARTS] = {{.hi = 0}};
    of[part].hi = value;
    return rl_muster_print(of);
}

static unsigned differences(rl_print_t a, rl_print_t b)
{
    assert_int_equal(rl_muster_differences(&b, &a), rl_muster_differences(&a, &b));
    return rl_muster_differences(&a, &b);
}

static bool is_same(rl_print_t a, rl_print_t b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Leaves a fingerprint with a name. */
static rl_store_status_e leave(unsigned place, rl_print_t print, const char *name)
{
    return rl_muster_write(&session, place, &print, name);
}

static bool is_none(rl_print_t print)
{
    return print.words[0] == 0;
}

static void a_fingerprint_says_what_is_different(void **state)
{
    const rl_print_t print = print_of(1, 2, 3);
    (void)state;
    assert_int_equal(differences(print, print_of(1, 2, 3)), 0);
    assert_int_equal(differences(print, print_of(9, 2, 3)), 1 << RL_ALIKE_SECRET);
    assert_int_equal(differences(print, print_of(1, 9, 3)), 1 << RL_ALIKE_SERVERS);
    assert_int_equal(differences(print, print_of(1, 2, 9)), 1 << RL_ALIKE_RULES);
    assert_int_equal(differences(print, print_of(2, 3, 1)), 7);
    assert_false(is_none(print_of(0, 0, 0)));
}

static void each_part_is_told_by_itself(void **state)
{
    (void)state;
    for (int i = 0; i < RL_ALIKE_PARTS; i++) {
        const rl_print_t some = print_with((rl_alike_e)i, 1);
        const rl_print_t more = print_with((rl_alike_e)i, 0xfffff);
        assert_int_equal(differences(some, print_of(0, 0, 0)), 1 << i);
        assert_int_equal(differences(some, more), 1 << i);
    }
}

/* Where the rules are others, so are their options. */
static void options_are_compared_only_of_the_same_rules(void **state)
{
    rl_digest_t of[RL_ALIKE_PARTS] = {{.hi = 0}};
    (void)state;
    of[RL_ALIKE_SECRET].hi = of[RL_ALIKE_PENALTIES].hi = of[RL_ALIKE_UNITS].hi = 5;
    assert_int_equal(differences(rl_muster_print(of), print_of(5, 0, 0)),
                     1 << RL_ALIKE_PENALTIES | 1 << RL_ALIKE_UNITS);
    assert_int_equal(differences(rl_muster_print(of), print_of(5, 0, 1)), 1 << RL_ALIKE_RULES);
    assert_int_equal(differences(rl_muster_print(of), print_of(4, 0, 1)),
                     1 << RL_ALIKE_SECRET | 1 << RL_ALIKE_RULES);
}

/* What a version of format 0 left is its first number alone. */
static void another_version_is_told_as_that_alone(void **state)
{
    const rl_shared_counter_t first = {
        .key = rl_digest_public("mod_ratelimit_cache muster 1", 28), .window = 16, .server = 1};
    rl_print_t print = print_of(1, 2, 3);
    (void)state;
    leave(1, print, "web1:80");
    session.store->ops->put(&session, &first, UINT64_C(1) << 63 | 1);
    assert_int_equal(rl_muster_read_print(&session, 1, &print), RL_STORE_OK);
    assert_false(is_none(print));
    assert_int_equal(differences(print, print_of(1, 0, 0)), 1 << RL_ALIKE_VERSION);
    session.store->ops->put(&session, &first, UINT64_C(0xa) << 60 | 1);
    assert_int_equal(rl_muster_read_print(&session, 1, &print), RL_STORE_OK);
    assert_int_equal(differences(print, print_of(1, 0, 0)), 1 << RL_ALIKE_VERSION);
}

static void twenty_bits_of_the_secret_are_told(void **state)
{
    (void)state;
    const rl_print_t all = print_of(UINT64_MAX, 0, 0), none = print_of(0, 0, 0);
    assert_int_equal(all.words[0] & ~none.words[0], 0xfffff);
    assert_true(all.words[1] == none.words[1] && all.words[2] == none.words[2]);
    assert_true(is_same(print_of(UINT64_C(0xabcde) << 20, 2, 3), print_of(0, 2, 3)));
}

static void what_is_written_is_found(void **state)
{
    char name[RL_MUSTER_NAME_MAX + 1];
    rl_print_t print;
    uint64_t roll;
    (void)state;
    assert_int_equal(rl_muster_read_roll(&session, &roll), RL_STORE_OK);
    assert_int_equal(roll, 0);
    assert_int_equal(rl_muster_read_print(&session, 59, &print), RL_STORE_OK);
    assert_true(is_none(print));
    assert_int_equal(leave(59, print_of(1, 2, 3), "web1.example:443"), RL_STORE_OK);
    assert_int_equal(rl_muster_write_roll(&session, UINT64_C(1) << 59 | 1), RL_STORE_OK);
    assert_int_equal(rl_muster_read_roll(&session, &roll), RL_STORE_OK);
    assert_true(roll == (UINT64_C(1) << 59 | 1));
    assert_int_equal(rl_muster_read_print(&session, 59, &print), RL_STORE_OK);
    assert_true(is_same(print, print_of(1, 2, 3)));
    assert_int_equal(rl_muster_read_name(&session, 59, name), RL_STORE_OK);
    assert_string_equal(name, "web1.example:443");
    assert_int_equal(rl_muster_read_print(&session, 58, &print), RL_STORE_OK);
    assert_true(is_none(print));
}

static void names_of_any_length_are_cut_off(void **state)
{
    char name[RL_MUSTER_NAME_MAX + 1];
    (void)state;
    leave(0, print_of(1, 2, 3), "0123456789abcdef0123456789abcdefXYZ");
    rl_muster_read_name(&session, 0, name);
    assert_string_equal(name, "0123456789abcdef0123456789abcdef");
    leave(0, print_of(1, 2, 3), "a:1");
    rl_muster_read_name(&session, 0, name);
    assert_string_equal(name, "a:1");
}

/* Whoever can write to memcached must not write to the log. */
static void what_others_may_write_there_is_harmless(void **state)
{
    char name[RL_MUSTER_NAME_MAX + 1];
    rl_print_t print;
    (void)state;
    leave(0, (rl_print_t){.words = {17}}, "web1\n[notice] <b>");
    assert_int_equal(rl_muster_read_print(&session, 0, &print), RL_STORE_OK);
    assert_true(is_none(print));
    rl_muster_read_name(&session, 0, name);
    assert_string_equal(name, "web1");
}

/* memcached may have evicted one of its numbers. */
static void a_fingerprint_that_is_cut_short_is_none(void **state)
{
    rl_print_t print;
    (void)state;
    leave(3, print_of(1, 2, 3), "web1:80");
    for (int i = 0; i < store.n; i++) {
        if (store.counters[i].name.window == 3 * 16 + 1 + RL_MUSTER_NAME_WORDS) {
            store.counters[i].value = 0;
        }
    }
    assert_int_equal(rl_muster_read_print(&session, 3, &print), RL_STORE_OK);
    assert_true(is_none(print));
}

/* Of three servers, the last is the second of another's list, and the first is not in it. */
static void one_server_in_common_is_enough(void **state)
{
    char name[RL_MUSTER_NAME_MAX + 1];
    rl_print_t print;
    uint64_t roll;
    (void)state;
    store.base.nservers = 3;
    leave(3, print_of(1, 2, 3), "web1:80");
    rl_muster_write_roll(&session, 8);
    for (int i = 0; i < store.n; i++) {
        store.counters[i].name.server = store.counters[i].name.server == 3 ? 2 : 9;
    }
    store.base.nservers = 2;
    rl_muster_read_roll(&session, &roll);
    assert_int_equal(roll, 8);
    rl_muster_read_print(&session, 3, &print);
    assert_true(is_same(print, print_of(1, 2, 3)));
    rl_muster_read_name(&session, 3, name);
    assert_string_equal(name, "web1:80");
}

static unsigned away; /* operations that are refused: those on the first of two servers */

static fault_e every_other_refused(void *context, rl_store_session_t *asked)
{
    (void)context, (void)asked;
    return away++ % 2 == 0 ? FAULT_REFUSED : FAULT_NONE;
}

static void a_server_that_is_away_is_passed_over(void **state)
{
    char name[RL_MUSTER_NAME_MAX + 1];
    rl_print_t print;
    uint64_t roll;
    (void)state;
    away = 0;
    store.base.nservers = 2;
    store.fault = every_other_refused;
    assert_int_equal(rl_muster_read_roll(&session, &roll), RL_STORE_OK);
    assert_int_equal(leave(3, print_of(1, 2, 3), "web1:80"), RL_STORE_OK);
    assert_int_equal(rl_muster_write_roll(&session, 8), RL_STORE_OK);
    assert_int_equal(rl_muster_read_roll(&session, &roll), RL_STORE_OK);
    assert_int_equal(roll, 8);
    assert_int_equal(rl_muster_read_print(&session, 3, &print), RL_STORE_OK);
    assert_true(is_same(print, print_of(1, 2, 3)));
    assert_int_equal(rl_muster_read_name(&session, 3, name), RL_STORE_OK);
    assert_string_equal(name, "web1:80");
}

static fault_e always_refused(void *context, rl_store_session_t *asked)
{
    (void)context, (void)asked;
    return FAULT_REFUSED;
}

static void a_store_that_fails_is_told_from_an_empty_one(void **state)
{
    char name[RL_MUSTER_NAME_MAX + 1];
    rl_print_t print;
    uint64_t roll;
    (void)state;
    store.fault = always_refused;
    assert_int_not_equal(rl_muster_read_roll(&session, &roll), RL_STORE_OK);
    assert_int_not_equal(rl_muster_read_print(&session, 0, &print), RL_STORE_OK);
    assert_true(is_none(print));
    assert_int_not_equal(rl_muster_read_name(&session, 0, name), RL_STORE_OK);
    assert_string_equal(name, "");
    assert_int_not_equal(leave(0, (rl_print_t){.words = {1}}, "a"), RL_STORE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fingerprint_says_what_is_different),
        cmocka_unit_test(each_part_is_told_by_itself),
        cmocka_unit_test(options_are_compared_only_of_the_same_rules),
        cmocka_unit_test_setup(another_version_is_told_as_that_alone, set_out),
        cmocka_unit_test(twenty_bits_of_the_secret_are_told),
        cmocka_unit_test_setup(what_is_written_is_found, set_out),
        cmocka_unit_test_setup(names_of_any_length_are_cut_off, set_out),
        cmocka_unit_test_setup(what_others_may_write_there_is_harmless, set_out),
        cmocka_unit_test_setup(a_fingerprint_that_is_cut_short_is_none, set_out),
        cmocka_unit_test_setup(one_server_in_common_is_enough, set_out),
        cmocka_unit_test_setup(a_server_that_is_away_is_passed_over, set_out),
        cmocka_unit_test_setup(a_store_that_fails_is_told_from_an_empty_one, set_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
