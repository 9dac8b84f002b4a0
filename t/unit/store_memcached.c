/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/memcached against a real memcached on a unix socket: what every store must do, and
 * what this one does when the server hangs or goes away. The same suite runs against the store
 * in memory that other tests stand on. */
#include "store_suite.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "memcached/log_throttle.h"
#include "memcached/memcached.h"
#include "store_memory.h"

/* Long enough for a busy machine, which may keep any thread from running for a while. */
#define TIMEOUT_US  (500 * 1000)
#define COOLDOWN_US (2000 * 1000)
#define SLACK_US    (2000 * 1000)

static apr_pool_t *pool;
static char directory[] = "/tmp/rl-unit-XXXXXX";
static char socket_path[sizeof(directory) + 8], other_path[sizeof(directory) + 8];
static pid_t server_pid;
static rl_memcached_server_t server;
static rl_log_slot_t told;
static rl_memcached_settings_t settings;
static int failures_told, recoveries_told, rejections_told;

/* ---- the server ---- */

static bool accepts(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool connected;
    memcpy(address.sun_path, path, sizeof(socket_path));
    connected = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return connected;
}

static void exec_server(const char *path)
{
    const char *binary = getenv("RL_MEMCACHED");
    const char *argv[] = {"memcached", "-s", path, "-a", "0777", "-u", "nobody", NULL};
    if (geteuid() != 0) {
        argv[5] = NULL;
    }
    execvp(binary != NULL ? binary : "memcached", (char *const *)(uintptr_t)argv);
    execv("/usr/bin/memcached", (char *const *)(uintptr_t)argv);
    _exit(127);
}

static pid_t start_at(const char *path)
{
    pid_t pid;
    unlink(path);
    pid = fork();
    if (pid == 0) {
        exec_server(path);
    }
    for (int i = 0; i < 500 && !accepts(path); i++) {
        sleep_ms(10);
    }
    assert_true(accepts(path));
    return pid;
}

static void start_server(void)
{
    server_pid = start_at(socket_path);
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void stop_server(void)
{
    if (server_pid > 0) {
        stop(server_pid);
        server_pid = 0;
    }
}

/* A signal takes a moment to reach all threads. */
static void stop_for_a_while(void)
{
    int status;
    kill(server_pid, SIGSTOP);
    assert_int_equal(waitpid(server_pid, &status, WUNTRACED), server_pid);
    assert_true(WIFSTOPPED(status));
}

static int start_all(void **state)
{
    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (mkdtemp(directory) == NULL || chmod(directory, 0777) != 0) {
        return -1;
    }
    snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
    snprintf(other_path, sizeof(other_path), "%s/other", directory);
    start_server();
    return 0;
}

/* Also after a test that failed while the server was stopped. */
static int resume_server(void **state)
{
    (void)state;
    if (server_pid == 0) {
        start_server();
    }
    return kill(server_pid, SIGCONT);
}

static int stop_all(void **state)
{
    (void)state;
    stop_server();
    unlink(socket_path);
    rmdir(directory);
    apr_pool_destroy(pool);
    return 0;
}

/* ---- stores ---- */

static void tell(void *context, rl_server_event_e event, unsigned n, const char *reason)
{
    (void)context;
    assert_int_equal(n, 0);
    assert_true(event == RL_SERVER_WORKS || *reason != '\0');
    if (rl_log_throttle_note(&told, event, suite_now()) != RL_LOG_NOTHING) {
        __atomic_fetch_add(event == RL_SERVER_WORKS           ? &recoveries_told
                           : event == RL_SERVER_ANSWERS_ERROR ? &rejections_told
                                                              : &failures_told,
                           1, __ATOMIC_RELAXED);
    }
}

static void tell_nobody(void *context, rl_server_event_e event, unsigned n, const char *reason)
{
    (void)context, (void)event, (void)n, (void)reason;
}

static rl_store_t *open_store(unsigned connections, int64_t timeout_us)
{
    server =
        (rl_memcached_server_t){.name = "here", .host = socket_path, .address = socket_path};
    settings =
        (rl_memcached_settings_t){.servers = &server,
                                  .nservers = 1,
                                  .prefix = "unit:",
                                  .timeout_us = timeout_us,
                                  .connections = connections,
                                  .breaker = {.failures = 3, .cooldown_us = COOLDOWN_US}};
    failures_told = recoveries_told = rejections_told = 0;
    memset(&told, 0, sizeof(told));
    return rl_memcached_create(pool, &settings, tell, NULL);
}

static int open_memcached(void **state)
{
    *state = open_store(4, SUITE_TIMEOUT);
    return *state == NULL;
}

static int open_memory(void **state)
{
    static memory_store_t memory;
    memory_open(&memory);
    *state = &memory.base;
    return 0;
}

static rl_store_session_t short_session(rl_store_t *store)
{
    return (rl_store_session_t){.store = store, .deadline = suite_now() + TIMEOUT_US};
}

static rl_store_status_e add_once(rl_store_t *store, const rl_shared_counter_t *counter,
                                  uint64_t *value, bool *late)
{
    rl_store_session_t session = short_session(store);
    const rl_store_status_e status = store->ops->add(&session, counter, 1, value);
    *late = suite_now() >= session.deadline;
    suite_end(&session);
    return status;
}

/* Again if the machine kept us from running until the deadline, so that nothing was sent. */
static rl_store_status_e add_one(rl_store_t *store, const rl_shared_counter_t *counter,
                                 uint64_t *value)
{
    bool late = true;
    rl_store_status_e status = RL_STORE_REFUSED;
    for (int i = 0; status == RL_STORE_REFUSED && late && i < 10; i++) {
        status = add_once(store, counter, value, &late);
    }
    return status;
}

static rl_shared_counter_t made_counter(rl_store_t *store)
{
    const rl_shared_counter_t counter = suite_counter();
    rl_store_session_t session = {.store = store, .deadline = suite_now() + SUITE_TIMEOUT};
    suite_create(&session, &counter, 0);
    suite_end(&session);
    return counter;
}

/* ---- what happens to servers ---- */

static void after_the_deadline_nothing_is_sent(void **state)
{
    rl_store_t *store = open_store(4, TIMEOUT_US);
    const rl_shared_counter_t counter = made_counter(store);
    rl_store_session_t session = {.store = store, .deadline = suite_now() - 1};
    uint64_t value;
    (void)state;
    assert_int_equal(store->ops->add(&session, &counter, 1, &value), RL_STORE_REFUSED);
    suite_end(&session);
    session.deadline = suite_now() + SUITE_TIMEOUT;
    assert_int_equal(suite_read(&session, &counter), 0);
    suite_end(&session);
}

static void a_server_that_hangs_is_waited_for_until_the_deadline_then_not_asked(void **state)
{
    rl_store_t *store = open_store(4, TIMEOUT_US);
    const rl_shared_counter_t counter = made_counter(store);
    uint64_t value;
    int64_t start, waited;
    (void)state;
    stop_for_a_while();
    for (int i = 0; i < 3; i++) {
        start = suite_now();
        assert_int_equal(add_one(store, &counter, &value), RL_STORE_ERROR);
        waited = suite_now() - start;
        assert_in_range(waited, TIMEOUT_US / 2, TIMEOUT_US + SLACK_US);
    }
    assert_int_equal(failures_told, 1);
    start = suite_now();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(add_one(store, &counter, &value), RL_STORE_REFUSED);
    }
    assert_in_range(suite_now() - start, 0, SLACK_US);
    sleep_ms(COOLDOWN_US / 1000 + 100);
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_ERROR); /* the probe */
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_REFUSED);
    kill(server_pid, SIGCONT);
    sleep_ms(COOLDOWN_US / 1000 + 100);
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_OK);
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_OK);
    assert_int_equal(failures_told, 1);
    assert_int_equal(recoveries_told, 1);
}

/* What timed out is carried out later; its answer belongs to nobody. */
static void an_answer_that_comes_late_is_nobody_elses(void **state)
{
    rl_store_t *store = open_store(4, TIMEOUT_US);
    const rl_shared_counter_t slow = made_counter(store), other = made_counter(store);
    uint64_t value = 0;
    (void)state;
    stop_for_a_while();
    assert_int_equal(add_one(store, &slow, &value), RL_STORE_ERROR);
    assert_int_equal(add_one(store, &slow, &value), RL_STORE_ERROR);
    kill(server_pid, SIGCONT);
    for (uint64_t i = 1; i <= 10; i++) {
        rl_store_session_t session = {.store = store, .deadline = suite_now() + SUITE_TIMEOUT};
        assert_int_equal(store->ops->add(&session, &other, 1, &value), RL_STORE_OK);
        assert_int_equal(value, i);
        suite_end(&session);
    }
}

static void a_server_that_went_away_refuses_and_comes_back(void **state)
{
    rl_store_t *store = open_store(4, TIMEOUT_US);
    rl_shared_counter_t counter = made_counter(store);
    uint64_t value;
    (void)state;
    stop_server();
    assert_int_not_equal(add_one(store, &counter, &value), RL_STORE_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(add_one(store, &counter, &value), RL_STORE_REFUSED);
    }
    assert_int_equal(failures_told, 1);
    start_server();
    sleep_ms(COOLDOWN_US / 1000 + 100);
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_MISSING);
    assert_int_equal(recoveries_told, 1);
    counter = made_counter(store);
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_OK);
}

#define MANY 8

/* As many connections as there may be, all of them in use at once. */
static int fail_on_all(rl_store_t *store, const rl_shared_counter_t *counter,
                       rl_store_status_e expected)
{
    rl_store_session_t sessions[MANY];
    uint64_t value;
    int failed = 0;
    for (int i = 0; i < MANY; i++) {
        sessions[i] =
            (rl_store_session_t){.store = store, .deadline = suite_now() + SUITE_TIMEOUT};
        failed += store->ops->add(&sessions[i], counter, 1, &value) != expected;
    }
    for (int i = 0; i < MANY; i++) {
        suite_end(&sessions[i]);
    }
    return failed;
}

static void a_restart_in_between_costs_no_request(void **state)
{
    rl_store_t *store = open_store(MANY, SUITE_TIMEOUT);
    const rl_shared_counter_t counter = made_counter(store);
    (void)state;
    assert_int_equal(fail_on_all(store, &counter, RL_STORE_OK), 0);
    stop_server();
    start_server();
    assert_int_equal(fail_on_all(store, &counter, RL_STORE_MISSING), 0);
    assert_int_equal(failures_told, 0);
}

static int open_sockets(void)
{
    int n = 0;
    for (int fd = 0; fd < 200; fd++) {
        struct sockaddr_un address = {.sun_family = AF_UNSPEC};
        socklen_t len = sizeof(address);
        n += getpeername(fd, (struct sockaddr *)&address, &len) == 0 &&
             strcmp(address.sun_path, socket_path) == 0;
    }
    return n;
}

/* What is wrong with one connection may be wrong with all that are as old. */
static void one_failure_ends_all_connections_of_its_time(void **state)
{
    rl_store_t *store = open_store(MANY, TIMEOUT_US);
    const rl_shared_counter_t counter = made_counter(store);
    const int before = open_sockets();
    uint64_t value;
    (void)state;
    assert_int_equal(fail_on_all(store, &counter, RL_STORE_OK), 0);
    assert_int_equal(open_sockets(), before + MANY - 1); /* one was open */
    stop_for_a_while();
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_ERROR);
    assert_int_equal(open_sockets(), before + MANY - 2);
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_ERROR); /* not an old one */
    assert_int_equal(add_one(store, &counter, &value), RL_STORE_ERROR);
    assert_int_equal(open_sockets(), before + MANY - 2);
}

/* ---- several servers ---- */

/* The same two servers, at addresses that may differ from those of another member. */
static rl_store_t *open_fleet(rl_memcached_server_t servers[2], rl_memcached_settings_t *fleet,
                              const char *first, const char *second)
{
    servers[0] =
        (rl_memcached_server_t){.name = "a:1", .host = "cache-a", .address = first, .port = 1};
    servers[1] = (rl_memcached_server_t){
        .name = "b:11211", .host = "cache-b", .address = second, .port = 11211};
    *fleet = settings;
    fleet->servers = servers;
    fleet->nservers = 2;
    fleet->connections = 1;
    fleet->timeout_us = SUITE_TIMEOUT;
    return rl_memcached_create(pool, fleet, tell_nobody, NULL);
}

static void names_and_not_addresses_make_the_ring(void **state)
{
    static rl_memcached_server_t here[2], there[2], blind[2];
    static rl_memcached_settings_t fleets[3];
    rl_store_t *stores[3];
    const pid_t other_pid = start_at(other_path);
    char link_path[sizeof(other_path) + 8];
    int on_first = 0;
    (void)state;
    snprintf(link_path, sizeof(link_path), "%s.link", other_path);
    assert_int_equal(symlink(other_path, link_path), 0);
    open_store(1, SUITE_TIMEOUT);
    stores[0] = open_fleet(here, &fleets[0], socket_path, other_path);
    stores[1] = open_fleet(there, &fleets[1], socket_path, link_path);
    stores[2] = open_fleet(blind, &fleets[2], socket_path, NULL);
    for (int i = 0; i < 40; i++) {
        const rl_shared_counter_t counter = made_counter(stores[0]);
        uint64_t value;
        rl_store_status_e status;
        assert_int_equal(add_one(stores[1], &counter, &value), RL_STORE_OK);
        status = add_one(stores[2], &counter, &value);
        assert_true(status == RL_STORE_OK || status == RL_STORE_REFUSED);
        on_first += status == RL_STORE_OK;
    }
    assert_in_range(on_first, 5, 35);
    stop(other_pid);
    unlink(other_path);
    unlink(link_path);
}

/* With one connection to each, it would wait for ever. */
static void a_session_holds_one_connection_at_a_time(void **state)
{
    static rl_memcached_server_t servers[2];
    static rl_memcached_settings_t fleet;
    const pid_t other_pid = start_at(other_path);
    rl_store_t *store;
    (void)state;
    open_store(1, SUITE_TIMEOUT);
    store = open_fleet(servers, &fleet, socket_path, other_path);
    for (int i = 0; i < 20; i++) {
        rl_store_session_t first = {.store = store, .deadline = suite_now() + SUITE_TIMEOUT};
        rl_store_session_t second = first;
        const rl_shared_counter_t counters[] = {suite_counter(), suite_counter(),
                                                suite_counter()};
        for (int j = 0; j < 3; j++) {
            suite_create(&first, &counters[j], 0);
        }
        suite_end(&first);
        suite_read(&second, &counters[0]);
        suite_end(&second);
    }
    stop(other_pid);
    unlink(other_path);
}

/* ---- mistakes ---- */

static void waiting_for_a_connection_ends_at_the_deadline(void **state)
{
    rl_store_t *store = open_store(1, TIMEOUT_US);
    const rl_shared_counter_t counter = made_counter(store);
    rl_store_session_t busy = {.store = store, .deadline = suite_now() + SUITE_TIMEOUT};
    uint64_t value;
    bool late;
    int64_t start;
    (void)state;
    assert_int_equal(store->ops->add(&busy, &counter, 1, &value), RL_STORE_OK);
    start = suite_now();
    assert_int_equal(add_once(store, &counter, &value, &late), RL_STORE_REFUSED);
    assert_in_range(suite_now() - start, TIMEOUT_US / 2, TIMEOUT_US + SLACK_US);
    suite_end(&busy);
    assert_int_equal(add_once(store, &counter, &value, &late), RL_STORE_OK);
    assert_int_equal(failures_told, 0);
}

static void a_value_that_is_no_number_is_an_error(void **state)
{
    rl_store_t *store = open_store(4, TIMEOUT_US);
    const rl_shared_counter_t counter = suite_counter(), sound = made_counter(store);
    char command[200];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    rl_store_session_t session = short_session(store);
    uint64_t value;
    int n;
    (void)state;
    memcpy(address.sun_path, socket_path, sizeof(socket_path));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    n = snprintf(command, sizeof(command), "set unit:%016llx%016llx%08x 0 60 4\r\nhaha\r\n",
                 (unsigned long long)counter.key.hi, (unsigned long long)counter.key.lo,
                 counter.window);
    assert_int_equal(write(fd, command, (size_t)n), n);
    assert_true(read(fd, command, sizeof(command)) > 0);
    close(fd);
    session.deadline += SUITE_TIMEOUT;
    assert_int_equal(store->ops->read(&session, &counter, &value), RL_STORE_ERROR);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(store->ops->add(&session, &counter, 1, &value), RL_STORE_ERROR);
    }
    suite_end(&session);
    assert_int_equal(failures_told, 0); /* of one key, not of the server */
    assert_int_equal(rejections_told, 1);
    assert_int_equal(add_one(store, &sound, &value), RL_STORE_OK);
}

static void a_store_that_is_absent_refuses_everything(void **state)
{
    rl_store_session_t session = short_session(rl_store_absent());
    const rl_store_ops_t *ops = session.store->ops;
    const rl_shared_counter_t counter = suite_counter();
    uint64_t value;
    (void)state;
    assert_int_equal(ops->create(&session, &counter, 1), RL_STORE_REFUSED);
    assert_int_equal(ops->add(&session, &counter, 1, &value), RL_STORE_REFUSED);
    assert_int_equal(ops->subtract(&session, &counter, 1, &value), RL_STORE_REFUSED);
    assert_int_equal(ops->read(&session, &counter, &value), RL_STORE_REFUSED);
    suite_end(&session);
}

static const char *probe(void)
{
    bool unsafe = true;
    const char *reason = rl_memcached_probe(pool, &settings, 0, &unsafe);
    assert_false(unsafe);
    return reason;
}

static void a_probe_tells_whether_a_server_answers(void **state)
{
    (void)state;
    open_store(4, TIMEOUT_US);
    assert_null(probe());
    stop_for_a_while();
    assert_non_null(probe());
    kill(server_pid, SIGCONT);
    server.address = "/nowhere/socket";
    assert_non_null(probe());
    server.address = NULL;
    assert_non_null(probe());
}

/* Listens at other_path, and answers one connection with n times this byte. */
static pid_t start_flooder(char byte, size_t n, const char *end)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    pid_t pid;
    unlink(other_path);
    memcpy(address.sun_path, other_path, sizeof(other_path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    pid = fork();
    if (pid == 0) {
        const int client = accept(fd, NULL, NULL);
        char answer[4096];
        memset(answer, byte, n);
        (void)!write(client, answer, n);
        (void)!write(client, end, strlen(end));
        sleep_ms(2000);
        _exit(0);
    }
    close(fd);
    return pid;
}

static void a_line_that_libmemcached_would_die_of_is_told_from_other_errors(void **state)
{
    static const struct {
        size_t bytes;
        bool unsafe;
    } cases[] = {{5, false}, {990, false}, {1023, true}, {3000, true}};
    (void)state;
    open_store(4, TIMEOUT_US);
    server.address = other_path;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const pid_t pid = start_flooder('x', cases[i].bytes, "\r\n");
        bool unsafe = !cases[i].unsafe;
        assert_non_null(rl_memcached_probe(pool, &settings, 0, &unsafe));
        assert_int_equal(unsafe, cases[i].unsafe);
        stop(pid);
    }
    unlink(other_path);
}

#define SERVER_TEST(f) cmocka_unit_test_teardown(f, resume_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_SUITE(open_memory, NULL),
        STORE_SUITE(open_memcached, NULL),
        SERVER_TEST(after_the_deadline_nothing_is_sent),
        SERVER_TEST(a_server_that_hangs_is_waited_for_until_the_deadline_then_not_asked),
        SERVER_TEST(an_answer_that_comes_late_is_nobody_elses),
        SERVER_TEST(a_server_that_went_away_refuses_and_comes_back),
        SERVER_TEST(a_restart_in_between_costs_no_request),
        SERVER_TEST(one_failure_ends_all_connections_of_its_time),
        SERVER_TEST(names_and_not_addresses_make_the_ring),
        SERVER_TEST(a_session_holds_one_connection_at_a_time),
        SERVER_TEST(waiting_for_a_connection_ends_at_the_deadline),
        SERVER_TEST(a_value_that_is_no_number_is_an_error),
        SERVER_TEST(a_store_that_is_absent_refuses_everything),
        SERVER_TEST(a_probe_tells_whether_a_server_answers),
        SERVER_TEST(a_line_that_libmemcached_would_die_of_is_told_from_other_errors),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
