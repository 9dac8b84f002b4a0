/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/breaker: closed, open, one probe. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memcached/breaker.h"

#define COOLDOWN 1000

static const rl_breaker_settings_t settings = {.failures = 3, .cooldown_us = COOLDOWN};

static bool is_open(const rl_breaker_t *breaker)
{
    return breaker->probe_due != 0;
}

static rl_breaker_change_e fail_at(rl_breaker_t *breaker, int64_t now)
{
    return rl_breaker_note(breaker, &settings, now, false);
}

static rl_breaker_change_e succeed_at(rl_breaker_t *breaker, int64_t now)
{
    return rl_breaker_note(breaker, &settings, now, true);
}

static void open_at(rl_breaker_t *breaker, int64_t now)
{
    memset(breaker, 0, sizeof(*breaker));
    fail_at(breaker, now);
    fail_at(breaker, now);
    assert_int_equal(fail_at(breaker, now), RL_BREAKER_OPENED);
}

static void failures_in_a_row_open_it_once(void **state)
{
    rl_breaker_t breaker = {0};
    (void)state;
    assert_int_equal(fail_at(&breaker, 5), RL_BREAKER_SAME);
    assert_int_equal(fail_at(&breaker, 5), RL_BREAKER_SAME);
    assert_true(rl_breaker_allows(&breaker, &settings, 5));
    assert_false(is_open(&breaker));
    assert_int_equal(fail_at(&breaker, 5), RL_BREAKER_OPENED);
    assert_true(is_open(&breaker));
    assert_int_equal(fail_at(&breaker, 5), RL_BREAKER_STAYS_OPEN);
    assert_false(rl_breaker_allows(&breaker, &settings, 6));
}

static void a_success_between_keeps_it_closed(void **state)
{
    rl_breaker_t breaker = {0};
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(fail_at(&breaker, i), RL_BREAKER_SAME);
        assert_int_equal(fail_at(&breaker, i), RL_BREAKER_SAME);
        assert_int_equal(succeed_at(&breaker, i), RL_BREAKER_SAME);
    }
    assert_false(is_open(&breaker));
}

static void after_the_cooldown_one_may_probe(void **state)
{
    rl_breaker_t breaker;
    (void)state;
    open_at(&breaker, 10);
    assert_false(rl_breaker_allows(&breaker, &settings, 10 + COOLDOWN - 1));
    assert_true(rl_breaker_allows(&breaker, &settings, 10 + COOLDOWN));
    assert_false(rl_breaker_allows(&breaker, &settings, 10 + COOLDOWN));
    assert_false(rl_breaker_allows(&breaker, &settings, 10 + 2 * COOLDOWN - 1));
}

static void a_probe_that_succeeds_closes_it(void **state)
{
    rl_breaker_t breaker;
    (void)state;
    open_at(&breaker, 10);
    assert_true(rl_breaker_allows(&breaker, &settings, 10 + COOLDOWN));
    assert_int_equal(succeed_at(&breaker, 11 + COOLDOWN), RL_BREAKER_CLOSED);
    assert_int_equal(succeed_at(&breaker, 11 + COOLDOWN), RL_BREAKER_SAME);
    assert_true(rl_breaker_allows(&breaker, &settings, 11 + COOLDOWN));
    assert_true(rl_breaker_allows(&breaker, &settings, 11 + COOLDOWN));
}

static void a_probe_that_fails_starts_the_pause_anew(void **state)
{
    rl_breaker_t breaker;
    (void)state;
    open_at(&breaker, 10);
    assert_true(rl_breaker_allows(&breaker, &settings, 10 + COOLDOWN));
    assert_int_equal(fail_at(&breaker, 60 + COOLDOWN), RL_BREAKER_STAYS_OPEN);
    assert_false(rl_breaker_allows(&breaker, &settings, 59 + 2 * COOLDOWN));
    assert_true(rl_breaker_allows(&breaker, &settings, 60 + 2 * COOLDOWN));
}

/* Who probed may have been killed, or never have come to ask. */
static void a_probe_that_is_never_told_of_is_followed_by_another(void **state)
{
    rl_breaker_t breaker;
    (void)state;
    open_at(&breaker, 10);
    for (int64_t i = 1; i <= 5; i++) {
        assert_true(rl_breaker_allows(&breaker, &settings, 10 + i * COOLDOWN));
        assert_false(rl_breaker_allows(&breaker, &settings, 10 + i * COOLDOWN));
    }
}

static void it_opens_again_after_it_closed(void **state)
{
    rl_breaker_t breaker;
    (void)state;
    open_at(&breaker, 10);
    assert_int_equal(succeed_at(&breaker, 20), RL_BREAKER_CLOSED);
    assert_int_equal(fail_at(&breaker, 30), RL_BREAKER_SAME);
    assert_int_equal(fail_at(&breaker, 30), RL_BREAKER_SAME);
    assert_int_equal(fail_at(&breaker, 30), RL_BREAKER_OPENED);
}

/* ---- many threads ---- */

#define THREADS 8

static rl_breaker_t shared;
static _Atomic int opened, closed, allowed;

static void *fail_often(void *data)
{
    (void)data;
    for (int i = 0; i < 1000; i++) {
        opened += fail_at(&shared, 100) == RL_BREAKER_OPENED;
    }
    return NULL;
}

static void *ask_often(void *data)
{
    (void)data;
    for (int64_t now = 100; now < 100 + 50 * COOLDOWN; now += 7) {
        allowed += rl_breaker_allows(&shared, &settings, now);
    }
    return NULL;
}

static void *succeed_once(void *data)
{
    (void)data;
    closed += succeed_at(&shared, 100) == RL_BREAKER_CLOSED;
    return NULL;
}

static void in_threads(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, work, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void of_many_threads_one_hears_of_a_change_and_one_probes(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        memset(&shared, 0, sizeof(shared));
        opened = closed = allowed = 0;
        in_threads(fail_often);
        assert_int_equal(opened, 1);
        in_threads(ask_often);
        assert_in_range(allowed, 1, 50); /* one in each cooldown at the most */
        in_threads(succeed_once);
        assert_int_equal(closed, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_open_it_once),
        cmocka_unit_test(a_success_between_keeps_it_closed),
        cmocka_unit_test(after_the_cooldown_one_may_probe),
        cmocka_unit_test(a_probe_that_succeeds_closes_it),
        cmocka_unit_test(a_probe_that_fails_starts_the_pause_anew),
        cmocka_unit_test(a_probe_that_is_never_told_of_is_followed_by_another),
        cmocka_unit_test(it_opens_again_after_it_closed),
        cmocka_unit_test(of_many_threads_one_hears_of_a_change_and_one_probes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
