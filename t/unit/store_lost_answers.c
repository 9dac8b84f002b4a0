/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/memcached: a command whose answer is lost may have been carried out; one that was
 * never sent was not. A server of one's own ends connections in various ways. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include <cmocka.h>

#include "memcached/memcached.h"
#include "system/clock.h"

#define TIMEOUT (5 * INT64_C(1000000)) /* microseconds */

static apr_pool_t *pool;
static char directory[] = "/tmp/rl-unit-XXXXXX";
static char path[sizeof(directory) + 8];
static rl_memcached_server_t server;
static rl_memcached_settings_t settings;

static int begin(void **state)
{
    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/socket", directory);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    rmdir(directory);
    apr_pool_destroy(pool);
    return 0;
}

/* ---- a server ---- */

static int listen_at(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(path);
    memcpy(address.sun_path, path, sizeof(path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* Answers the first `answers` commands of each connection with 1, and ends the connection when
 * the next has come. */
static void serve(int listener, int answers)
{
    for (;;) {
        char command[1024];
        const int fd = accept(listener, NULL, NULL);
        for (int i = 0; read(fd, command, sizeof(command)) > 0 && i < answers; i++) {
            if (write(fd, "1\r\n", 3) != 3) {
                break;
            }
        }
        close(fd);
    }
}

static pid_t start(int answers)
{
    const int listener = listen_at();
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if a test fails */
        serve(listener, answers);
    }
    close(listener);
    return pid;
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- the store ---- */

static void tell_nobody(void *context, rl_server_event_e event, unsigned n, const char *reason)
{
    (void)context, (void)event, (void)n, (void)reason;
}

static rl_store_t *open_store(void)
{
    server = (rl_memcached_server_t){.name = "here", .host = path, .address = path};
    settings = (rl_memcached_settings_t){.servers = &server,
                                         .nservers = 1,
                                         .prefix = "unit:",
                                         .timeout_us = TIMEOUT,
                                         .connections = 2,
                                         .breaker = {.failures = 100, .cooldown_us = TIMEOUT}};
    return rl_memcached_create(pool, &settings, tell_nobody, NULL);
}

static rl_store_status_e add_one(rl_store_t *store)
{
    rl_store_session_t session = {.store = store, .deadline = rl_clock_now() + TIMEOUT};
    const rl_shared_counter_t counter = {.key = {.hi = 1, .lo = 2}, .window = 7, .ttl = 60};
    uint64_t value;
    const rl_store_status_e status = store->ops->add(&session, &counter, 1, &value);
    store->ops->end(&session);
    return status;
}

static void a_connection_that_ends_before_the_answer_may_have_carried_it_out(void **state)
{
    rl_store_t *store = open_store();
    const pid_t pid = start(2);
    (void)state;
    for (int i = 0; i < 3; i++) { /* on a connection of its own each time */
        assert_int_equal(add_one(store), RL_STORE_OK);
        assert_int_equal(add_one(store), RL_STORE_OK);
        assert_int_equal(add_one(store), RL_STORE_ERROR);
    }
    stop(pid);
}

static void so_may_the_first_command_of_a_connection(void **state)
{
    rl_store_t *store = open_store();
    const pid_t pid = start(0);
    (void)state;
    assert_int_equal(add_one(store), RL_STORE_ERROR);
    assert_int_equal(add_one(store), RL_STORE_ERROR);
    stop(pid);
}

static void without_a_connection_nothing_was_sent(void **state)
{
    rl_store_t *store = open_store();
    (void)state;
    stop(start(0));
    assert_int_equal(add_one(store), RL_STORE_REFUSED);
    unlink(path);
    assert_int_equal(add_one(store), RL_STORE_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_ends_before_the_answer_may_have_carried_it_out),
        cmocka_unit_test(so_may_the_first_command_of_a_connection),
        cmocka_unit_test(without_a_connection_nothing_was_sent),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, begin, end);
}
