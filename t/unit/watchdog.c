/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/connection/watchdog, memcached/connection/socket: a wait that lasts too long is
 * ended, and nothing else is. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "system/clock.h"
#include "memcached/connection/socket.h"
#include "memcached/connection/watchdog.h"

#define INTERVAL  2000
#define LONG_WAIT (10 * INT64_C(1000000)) /* on a busy machine */

static apr_pool_t *pool;
static rl_watchdog_t *watchdog;
static int ours, theirs;
static rl_socket_ends_t ends;
static _Atomic int found;
static _Atomic bool ends_while_it_looks;

static uint16_t local_port(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    getsockname(fd, (struct sockaddr *)&address, &len);
    return ntohs(address.sin_port);
}

static void connect_both(void)
{
    const int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    bind(listening, (const struct sockaddr *)&address, sizeof(address));
    listen(listening, 1);
    address.sin_port = htons(local_port(listening));
    ours = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(ours, (const struct sockaddr *)&address, sizeof(address)), 0);
    theirs = accept(listening, NULL, NULL);
    close(listening);
    ends = (rl_socket_ends_t){.local = local_port(ours),
                              .peer = rl_socket_address("127.0.0.1", ntohs(address.sin_port))};
}

static int find(void *context, unsigned n)
{
    (void)context;
    assert_int_equal(n, 1);
    found++;
    if (ends_while_it_looks) {
        rl_watchdog_end(watchdog, 1);
        rl_watchdog_begin(watchdog, 1, rl_clock_now() + LONG_WAIT);
    }
    return rl_socket_copy(rl_socket_find(&ends), &ends);
}

static int start(void **state)
{
    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    connect_both();
    found = 0;
    ends_while_it_looks = false;
    watchdog = rl_watchdog_create(pool, 3, INTERVAL, find, NULL);
    return watchdog == NULL;
}

static int end(void **state)
{
    (void)state;
    if (pool != NULL) {
        apr_pool_destroy(pool);
    }
    pool = NULL;
    close(ours);
    close(theirs);
    return 0;
}

static void sleep_us(long us)
{
    const struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

static bool comes_to_an_end(const _Atomic int *what)
{
    for (int i = 0; i < 5000 && *what == 0; i++) {
        sleep_us(2000);
    }
    return *what != 0;
}

static void a_wait_beyond_its_deadline_is_cut_off(void **state)
{
    char byte;
    (void)state;
    rl_watchdog_begin(watchdog, 1, rl_clock_now() + 5000);
    assert_int_equal(read(ours, &byte, 1), 0);
    rl_watchdog_end(watchdog, 1);
    assert_in_range(found, 1, INT32_MAX);
}

static void so_is_one_after_a_long_rest(void **state)
{
    char byte;
    (void)state;
    sleep_us(150 * INTERVAL);
    rl_watchdog_begin(watchdog, 1, rl_clock_now() + 5000);
    assert_int_equal(read(ours, &byte, 1), 0);
    rl_watchdog_end(watchdog, 1);
}

static void a_wait_that_ended_is_left_alone(void **state)
{
    (void)state;
    rl_watchdog_begin(watchdog, 1, rl_clock_now() + LONG_WAIT);
    rl_watchdog_end(watchdog, 1);
    sleep_us(20 * INTERVAL);
    assert_int_equal(found, 0);
    assert_true(rl_socket_is_idle(ours, &ends));
}

static void so_is_one_that_began_while_the_socket_was_looked_for(void **state)
{
    (void)state;
    ends_while_it_looks = true;
    rl_watchdog_begin(watchdog, 1, rl_clock_now() - 1);
    assert_true(comes_to_an_end(&found));
    sleep_us(20 * INTERVAL);
    assert_true(rl_socket_is_idle(ours, &ends));
    rl_watchdog_end(watchdog, 1);
}

/* As when a signal's handler destroys the pool on top of a thread that holds it off. */
static void it_ends_with_the_pool_even_when_it_is_held(void **state)
{
    (void)state;
    rl_watchdog_begin(watchdog, 1, rl_clock_now() - 1);
    rl_watchdog_hold(watchdog);
    apr_pool_destroy(pool);
    pool = NULL;
    sleep_us(20 * INTERVAL);
    close(ours);
    assert_int_equal(rl_socket_find(&ends), -1);
}

static void a_socket_is_idle_until_something_happens_to_it(void **state)
{
    char byte = 'x';
    rl_socket_ends_t other = ends;
    (void)state;
    other.peer.port ^= 1;
    assert_int_equal(rl_socket_find(&ends), ours);
    assert_int_equal(rl_socket_find(&other), -1);
    assert_true(rl_socket_is_idle(ours, &ends));
    assert_false(rl_socket_is_idle(ours, &other));
    assert_int_equal(rl_socket_copy(ours, &other), -1);
    assert_int_equal(write(theirs, &byte, 1), 1);
    while (rl_socket_is_idle(ours, &ends)) {
        sleep_us(100);
    }
    assert_int_equal(read(ours, &byte, 1), 1);
    assert_true(rl_socket_is_idle(ours, &ends));
    shutdown(theirs, SHUT_RDWR);
    while (rl_socket_is_idle(ours, &ends)) {
        sleep_us(100);
    }
    assert_false(rl_socket_is_idle(-1, &ends));
}

#define DOG_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DOG_TEST(a_wait_beyond_its_deadline_is_cut_off),
        DOG_TEST(so_is_one_after_a_long_rest),
        DOG_TEST(a_wait_that_ended_is_left_alone),
        DOG_TEST(so_is_one_that_began_while_the_socket_was_looked_for),
        DOG_TEST(it_ends_with_the_pool_even_when_it_is_held),
        DOG_TEST(a_socket_is_idle_until_something_happens_to_it),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
