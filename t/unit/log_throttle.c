/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/log_throttle: what the log hears of a server that comes and goes. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "memcached/log_throttle.h"

#define SECOND INT64_C(1000000)
#define NOW    (5000 * SECOND)

static rl_log_slot_t slot;

static int forget(void **state)
{
    (void)state;
    memset(&slot, 0, sizeof(slot));
    return 0;
}

static rl_log_level_e at(int64_t seconds, rl_server_event_e event)
{
    return rl_log_throttle_note(&slot, event, NOW + seconds * SECOND);
}

static void a_server_that_always_worked_is_no_news(void **state)
{
    (void)state;
    assert_int_equal(at(0, RL_SERVER_WORKS), RL_LOG_NOTHING);
    assert_int_equal(at(100, RL_SERVER_WORKS), RL_LOG_NOTHING);
}

static void of_many_processes_one_tells(void **state)
{
    (void)state;
    assert_int_equal(at(0, RL_SERVER_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(0, RL_SERVER_FAILS), RL_LOG_NOTHING);
    assert_int_equal(at(1, RL_SERVER_STILL_FAILS), RL_LOG_NOTHING);
    assert_int_equal(at(1000, RL_SERVER_STILL_FAILS), RL_LOG_NOTHING);
    assert_int_equal(at(1001, RL_SERVER_WORKS), RL_LOG_NOTICE);
    assert_int_equal(at(1001, RL_SERVER_WORKS), RL_LOG_NOTHING);
}

static void within_a_minute_a_change_is_information(void **state)
{
    (void)state;
    assert_int_equal(at(0, RL_SERVER_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(1, RL_SERVER_WORKS), RL_LOG_NOTICE);
    for (int64_t second = 2; second < 60; second += 2) {
        assert_int_equal(at(second, RL_SERVER_FAILS), RL_LOG_INFO);
        assert_int_equal(at(second, RL_SERVER_FAILS), RL_LOG_NOTHING);
        assert_int_equal(at(second + 1, RL_SERVER_WORKS), RL_LOG_INFO);
    }
    assert_int_equal(at(60, RL_SERVER_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(61, RL_SERVER_WORKS), RL_LOG_NOTICE);
}

static void what_still_fails_after_a_minute_is_told(void **state)
{
    (void)state;
    assert_int_equal(at(0, RL_SERVER_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(1, RL_SERVER_WORKS), RL_LOG_NOTICE);
    assert_int_equal(at(2, RL_SERVER_FAILS), RL_LOG_INFO);
    assert_int_equal(at(3, RL_SERVER_STILL_FAILS), RL_LOG_NOTHING);
    assert_int_equal(at(59, RL_SERVER_STILL_FAILS), RL_LOG_NOTHING);
    assert_int_equal(at(60, RL_SERVER_STILL_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(61, RL_SERVER_STILL_FAILS), RL_LOG_NOTHING);
    assert_int_equal(at(70, RL_SERVER_WORKS), RL_LOG_NOTICE);
}

/* Two processes disagree for a moment: one finds it working when another told that it fails. */
static void a_process_that_still_sees_it_fail_tells_after_a_minute(void **state)
{
    (void)state;
    assert_int_equal(at(0, RL_SERVER_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(0, RL_SERVER_WORKS), RL_LOG_NOTICE);
    assert_int_equal(at(30, RL_SERVER_STILL_FAILS), RL_LOG_NOTHING);
    assert_int_equal(at(60, RL_SERVER_STILL_FAILS), RL_LOG_ERROR);
}

static void who_finds_out_anew_later_tells_again(void **state)
{
    (void)state;
    assert_int_equal(at(0, RL_SERVER_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(59, RL_SERVER_FAILS), RL_LOG_NOTHING);
    assert_int_equal(at(60, RL_SERVER_FAILS), RL_LOG_ERROR);
}

static void a_full_server_is_told_of_once_a_minute_and_has_no_end(void **state)
{
    (void)state;
    for (int64_t second = 0; second < 180; second++) {
        assert_int_equal(at(second, RL_SERVER_IS_FULL),
                         second % 60 == 0 ? RL_LOG_ERROR : RL_LOG_NOTHING);
        assert_int_equal(at(second, RL_SERVER_WORKS), RL_LOG_NOTHING);
    }
    assert_int_equal(at(180, RL_SERVER_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(181, RL_SERVER_WORKS), RL_LOG_NOTICE);
}

static void error_answers_are_told_once_a_minute_whatever_else_is(void **state)
{
    (void)state;
    assert_int_equal(at(0, RL_SERVER_FAILS), RL_LOG_ERROR);
    assert_int_equal(at(0, RL_SERVER_IS_FULL), RL_LOG_ERROR);
    for (int64_t second = 0; second < 180; second++) {
        assert_int_equal(at(second, RL_SERVER_ANSWERS_ERROR),
                         second % 60 == 0 ? RL_LOG_ERROR : RL_LOG_NOTHING);
    }
    assert_int_equal(at(180, RL_SERVER_WORKS), RL_LOG_NOTICE);
}

static void the_first_second_after_boot_counts(void **state)
{
    (void)state;
    assert_int_equal(rl_log_throttle_note(&slot, RL_SERVER_FAILS, 0), RL_LOG_ERROR);
    assert_int_equal(rl_log_throttle_note(&slot, RL_SERVER_WORKS, 0), RL_LOG_NOTICE);
    assert_int_equal(rl_log_throttle_note(&slot, RL_SERVER_FAILS, 1), RL_LOG_INFO);
}

static void servers_have_slots_of_their_own_while_there_are_enough(void **state)
{
    static rl_log_slot_t table[RL_LOG_THROTTLE_SLOTS];
    rl_log_slot_t *slots[RL_LOG_THROTTLE_SLOTS];
    char name[32];
    (void)state;
    for (int i = 0; i < RL_LOG_THROTTLE_SLOTS; i++) {
        snprintf(name, sizeof(name), "cache-%d:11211", i);
        slots[i] = rl_log_throttle_find(table, name);
        for (int j = 0; j < i; j++) {
            assert_ptr_not_equal(slots[i], slots[j]);
        }
    }
    for (int i = 0; i < RL_LOG_THROTTLE_SLOTS; i++) {
        snprintf(name, sizeof(name), "cache-%d:11211", i);
        assert_ptr_equal(rl_log_throttle_find(table, name), slots[i]);
    }
    assert_non_null(rl_log_throttle_find(table, "one more"));
}

#define THREADS 8

static void *fail_often(void *data)
{
    _Atomic int *told = data;
    for (int i = 0; i < 1000; i++) {
        *told += at(0, RL_SERVER_FAILS) != RL_LOG_NOTHING;
    }
    return NULL;
}

static void of_many_threads_one_tells(void **state)
{
    _Atomic int told = 0;
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, fail_often, &told);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(told, 1);
}

#define TOLD_TEST(f) cmocka_unit_test_setup(f, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOLD_TEST(a_server_that_always_worked_is_no_news),
        TOLD_TEST(of_many_processes_one_tells),
        TOLD_TEST(within_a_minute_a_change_is_information),
        TOLD_TEST(what_still_fails_after_a_minute_is_told),
        TOLD_TEST(a_process_that_still_sees_it_fail_tells_after_a_minute),
        TOLD_TEST(who_finds_out_anew_later_tells_again),
        TOLD_TEST(a_full_server_is_told_of_once_a_minute_and_has_no_end),
        TOLD_TEST(error_answers_are_told_once_a_minute_whatever_else_is),
        TOLD_TEST(the_first_second_after_boot_counts),
        TOLD_TEST(servers_have_slots_of_their_own_while_there_are_enough),
        TOLD_TEST(of_many_threads_one_tells),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
