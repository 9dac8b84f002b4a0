/* SPDX-License-Identifier: Apache-2.0 */
/* system/background: a thread that looks after something, until the very end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "system/background.h"
#include "system/clock.h"

#define INTERVAL 1000
#define SECOND   INT64_C(1000000)

static apr_pool_t *pool;
static rl_background_t *background;
static _Atomic int looks, last_looks;
static _Atomic bool busy, hangs, pool_is_gone;

static void sleep_us(long us)
{
    const struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

static bool look(void *context, bool last)
{
    assert_ptr_equal(context, &looks);
    assert_false(pool_is_gone);
    last_looks += last;
    while (last && hangs) {
        sleep_us(INTERVAL);
    }
    looks++;
    return busy;
}

static apr_status_t note_end(void *data)
{
    (void)data;
    pool_is_gone = true;
    return APR_SUCCESS;
}

static int start(void **state)
{
    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    looks = last_looks = 0;
    busy = hangs = pool_is_gone = false;
    background = rl_background_create(pool, INTERVAL, look, &looks);
    apr_pool_cleanup_register(pool, NULL, note_end, apr_pool_cleanup_null);
    return background == NULL;
}

static int end(void **state)
{
    (void)state;
    if (pool != NULL) {
        apr_pool_destroy(pool);
    }
    pool = NULL;
    return 0;
}

static bool comes_to(int number)
{
    for (int i = 0; i < 20000 && looks < number; i++) {
        sleep_us(INTERVAL / 2);
    }
    return looks >= number;
}

/* Until it looks no more by itself. */
static void let_sleep(void)
{
    int before;
    do {
        before = looks;
        sleep_us(50 * INTERVAL);
    } while (looks != before);
}

static void it_looks_as_long_as_there_is_something(void **state)
{
    (void)state;
    busy = true;
    assert_true(comes_to(150));
}

static void it_sleeps_when_there_is_nothing_until_it_is_woken(void **state)
{
    int before;
    (void)state;
    let_sleep();
    before = looks;
    busy = true;
    rl_background_wake(background);
    assert_true(comes_to(before + 150));
}

static void it_looks_once_more_before_the_pool_goes(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    pool = NULL;
    assert_int_equal(last_looks, 1);
    assert_true(pool_is_gone);
}

static void also_from_its_sleep(void **state)
{
    let_sleep();
    it_looks_once_more_before_the_pool_goes(state);
}

/* A process that ends doesn't wait for a store for ever. */
static void an_end_that_hangs_is_left_alone(void **state)
{
    const int64_t began = rl_clock_now();
    (void)state;
    hangs = true;
    apr_pool_destroy(pool);
    pool = NULL;
    assert_in_range(rl_clock_now() - began, SECOND / 10, 60 * SECOND);
    assert_int_equal(last_looks, 1);
    hangs = false;
    assert_true(comes_to(1));
}

#define THREAD_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        THREAD_TEST(it_looks_as_long_as_there_is_something),
        THREAD_TEST(it_sleeps_when_there_is_nothing_until_it_is_woken),
        THREAD_TEST(it_looks_once_more_before_the_pool_goes),
        THREAD_TEST(also_from_its_sleep),
        THREAD_TEST(an_end_that_hangs_is_left_alone),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
