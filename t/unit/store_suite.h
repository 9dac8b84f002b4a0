/* SPDX-License-Identifier: Apache-2.0 */
/* What every shared store must do, whatever it is made of: include this, and put
 * STORE_SUITE(set_up, tear_down) among the tests. The set-up leaves an rl_store_t * in
 * *state. Each test uses counters of its own, so the store need not be empty. */
#ifndef T_UNIT_STORE_SUITE_H
#define T_UNIT_STORE_SUITE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/meter/tally.h"
#include "fleet/shared_store.h"
#include "support.h"

#define SUITE_TIMEOUT (5 * INT64_C(1000000))

static inline int64_t suite_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static inline void sleep_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static inline rl_store_session_t suite_session(void **state)
{
    return (rl_store_session_t){.store = *state, .deadline = suite_now() + SUITE_TIMEOUT};
}

/* A counter nobody has used yet. */
static inline rl_shared_counter_t suite_counter(void)
{
    static uint64_t rng;
    if (rng == 0) {
        rng = (uint64_t)suite_now();
    }
    return (rl_shared_counter_t){.key = random_digest(&rng), .window = 7, .ttl = 60};
}

static inline uint64_t suite_read(rl_store_session_t *session,
                                  const rl_shared_counter_t *counter)
{
    uint64_t value = 0;
    assert_int_equal(session->store->ops->read(session, counter, &value), RL_STORE_OK);
    return value;
}

static inline void suite_create(rl_store_session_t *session, const rl_shared_counter_t *counter,
                                uint64_t value)
{
    assert_int_equal(session->store->ops->create(session, counter, value), RL_STORE_OK);
}

static inline void suite_end(rl_store_session_t *session)
{
    session->store->ops->end(session);
}

static void a_counter_that_was_never_made_is_missing(void **state)
{
    rl_store_session_t session = suite_session(state);
    const rl_store_ops_t *ops = session.store->ops;
    const rl_shared_counter_t counter = suite_counter();
    uint64_t value;
    assert_int_equal(ops->add(&session, &counter, 1, &value), RL_STORE_MISSING);
    assert_int_equal(ops->subtract(&session, &counter, 1, &value), RL_STORE_MISSING);
    assert_int_equal(ops->read(&session, &counter, &value), RL_STORE_MISSING);
    assert_int_equal(ops->add(&session, &counter, 1, &value), RL_STORE_MISSING);
    suite_end(&session);
}

static void a_counter_is_made_once(void **state)
{
    rl_store_session_t session = suite_session(state);
    const rl_shared_counter_t counter = suite_counter();
    suite_create(&session, &counter, 12);
    assert_int_equal(session.store->ops->create(&session, &counter, 5), RL_STORE_EXISTS);
    assert_int_equal(suite_read(&session, &counter), 12);
    suite_end(&session);
}

static void adding_tells_the_sum(void **state)
{
    rl_store_session_t session = suite_session(state);
    const rl_store_ops_t *ops = session.store->ops;
    const rl_shared_counter_t counter = suite_counter();
    uint64_t value = 0;
    suite_create(&session, &counter, 0);
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(ops->add(&session, &counter, i, &value), RL_STORE_OK);
        assert_int_equal(value, i * (i + 1) / 2);
    }
    assert_int_equal(suite_read(&session, &counter), 210);
    suite_end(&session);
}

static void subtracting_stops_at_zero(void **state)
{
    rl_store_session_t session = suite_session(state);
    const rl_store_ops_t *ops = session.store->ops;
    const rl_shared_counter_t counter = suite_counter();
    uint64_t value = 0;
    suite_create(&session, &counter, 1000);
    assert_int_equal(ops->subtract(&session, &counter, 1, &value), RL_STORE_OK);
    assert_int_equal(suite_read(&session, &counter), 999); /* a digit less */
    assert_int_equal(ops->subtract(&session, &counter, 990, &value), RL_STORE_OK);
    assert_int_equal(suite_read(&session, &counter), 9);
    assert_int_equal(ops->add(&session, &counter, 1, &value), RL_STORE_OK);
    assert_int_equal(value, 10);
    assert_int_equal(ops->subtract(&session, &counter, 11, &value), RL_STORE_OK);
    assert_int_equal(suite_read(&session, &counter), 0);
    suite_end(&session);
}

static void numbers_have_64_bits(void **state)
{
    const rl_tally_t tallies[] = {{1, 0, 0},
                                  {1, 0, 1},
                                  {99, 12345, 12346},
                                  {128, RL_TALLY_LIMIT, RL_TALLY_LIMIT},
                                  {65534, RL_TALLY_LIMIT, RL_TALLY_LIMIT + 5}};
    rl_store_session_t session = suite_session(state);
    for (size_t i = 0; i < sizeof(tallies) / sizeof(tallies[0]); i++) {
        const rl_shared_counter_t counter = suite_counter();
        const uint64_t value = rl_tally_pack(&tallies[i]);
        uint64_t sum = 0;
        suite_create(&session, &counter, value);
        assert_true(suite_read(&session, &counter) == value);
        assert_int_equal(session.store->ops->add(&session, &counter, 3, &sum), RL_STORE_OK);
        assert_true(sum == value + 3);
        assert_int_equal(session.store->ops->add(&session, &counter, rl_tally_raise(40), &sum),
                         RL_STORE_OK);
        assert_true(sum == value + 3 + rl_tally_raise(40));
        assert_int_equal(session.store->ops->subtract(&session, &counter, 2, &sum),
                         RL_STORE_OK);
        assert_true(suite_read(&session, &counter) == value + 1 + rl_tally_raise(40));
    }
    suite_end(&session);
}

static void what_was_read_is_replaced_unless_it_changed(void **state)
{
    rl_store_session_t session = suite_session(state), other = suite_session(state);
    const rl_store_ops_t *ops = session.store->ops;
    const rl_shared_counter_t counter = suite_counter(), absent = suite_counter();
    uint64_t value = 0;
    suite_create(&session, &counter, 12);
    assert_int_equal(suite_read(&session, &counter), 12);
    assert_int_equal(ops->replace(&session, &counter, UINT64_MAX - 5), RL_STORE_OK);
    assert_true(suite_read(&session, &counter) == UINT64_MAX - 5);
    assert_int_equal(ops->replace(&session, &counter, 40), RL_STORE_OK);
    assert_int_equal(suite_read(&session, &counter), 40);
    suite_end(&session);
    assert_int_equal(ops->add(&other, &counter, 1, &value), RL_STORE_OK);
    assert_int_equal(ops->replace(&session, &counter, 50), RL_STORE_EXISTS);
    assert_int_equal(suite_read(&session, &counter), 41);
    assert_int_equal(ops->read(&session, &absent, &value), RL_STORE_MISSING);
    assert_int_equal(ops->replace(&session, &absent, 50), RL_STORE_MISSING);
    suite_end(&session);
    suite_end(&other);
}

static void a_value_is_put_over_another_or_none(void **state)
{
    rl_store_session_t session = suite_session(state);
    const rl_store_ops_t *ops = session.store->ops;
    const rl_shared_counter_t counter = suite_counter();
    uint64_t value = 0;
    assert_int_equal(ops->put(&session, &counter, 7), RL_STORE_OK);
    assert_int_equal(suite_read(&session, &counter), 7);
    assert_int_equal(ops->put(&session, &counter, UINT64_MAX), RL_STORE_OK);
    assert_true(suite_read(&session, &counter) == UINT64_MAX);
    assert_int_equal(ops->put(&session, &counter, 8), RL_STORE_OK);
    assert_int_equal(ops->add(&session, &counter, 1, &value), RL_STORE_OK);
    assert_int_equal(value, 9);
    suite_end(&session);
}

static void what_is_wanted_together_is_done_at_once(void **state)
{
    rl_store_session_t session = suite_session(state);
    const rl_store_ops_t *ops = session.store->ops;
    rl_want_t wants[] = {
        {.counter = suite_counter(), .what = RL_WANT_ADD, .units = 3},
        {.counter = suite_counter(), .what = RL_WANT_ADD, .units = 3, .made = 100},
        {.counter = suite_counter(), .what = RL_WANT_ADD, .units = 4, .made = 100},
        {.counter = suite_counter(), .what = RL_WANT_SUBTRACT, .units = 2},
        {.counter = suite_counter(), .what = RL_WANT_READ},
        {.counter = suite_counter(), .what = RL_WANT_PUT, .made = UINT64_MAX - 1},
        {.counter = suite_counter(), .what = RL_WANT_PUT, .made = 6},
        {.counter = suite_counter(), .what = RL_WANT_ADD, .units = 1},
        {.counter = suite_counter(), .what = RL_WANT_READ},
        {.counter = suite_counter(), .what = RL_WANT_SUBTRACT, .units = 1},
    };
    const uint64_t values[] = {13, 103, 14, 8, 10, UINT64_MAX - 1, 6};
    for (unsigned i = 0; i < 6; i++) {
        if (i != 1) {
            suite_create(&session, &wants[i].counter, 10);
        }
    }
    ops->exchange(&session, wants, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(wants[i].status, i < 7 ? RL_STORE_OK : RL_STORE_MISSING);
        assert_true(i >= 7 || wants[i].value == values[i]);
    }
    session.version = wants[4].version;
    assert_int_equal(ops->replace(&session, &wants[4].counter, 50), RL_STORE_OK);
    session.version = wants[3].version;
    assert_int_equal(ops->replace(&session, &wants[3].counter, UINT64_MAX), RL_STORE_OK);
    ops->exchange(&session, &wants[7], 1);
    assert_int_equal(wants[7].status, RL_STORE_MISSING);
    assert_true(suite_read(&session, &wants[3].counter) == UINT64_MAX);
    suite_end(&session);
}

static void as_many_are_wanted_as_can_be(void **state)
{
    rl_store_session_t session = suite_session(state);
    rl_want_t wants[RL_WANTS_MAX];
    for (unsigned i = 0; i < RL_WANTS_MAX; i++) {
        wants[i] = (rl_want_t){.counter = suite_counter(),
                               .what = RL_WANT_ADD,
                               .made = UINT64_MAX - 100 - i,
                               .units = 50};
    }
    for (unsigned round = 0; round < 2; round++) {
        session.store->ops->exchange(&session, wants, RL_WANTS_MAX);
        for (unsigned i = 0; i < RL_WANTS_MAX; i++) {
            assert_int_equal(wants[i].status, RL_STORE_OK);
            assert_true(wants[i].value == UINT64_MAX - 50 - i + round * 50);
        }
    }
    suite_end(&session);
}

static void keys_and_windows_are_counted_apart(void **state)
{
    rl_store_session_t session = suite_session(state);
    const rl_shared_counter_t counter = suite_counter();
    rl_shared_counter_t others[] = {counter, counter, counter, counter, counter};
    others[1].key.hi ^= 1;
    others[2].key.lo ^= UINT64_C(1) << 63;
    others[3].window++;
    others[4].window = UINT32_MAX;
    for (uint64_t i = 0; i < 5; i++) {
        suite_create(&session, &others[i], i);
    }
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(suite_read(&session, &others[i]), i);
    }
    suite_end(&session);
}

static void the_shortest_and_the_longest_memory(void **state)
{
    rl_store_session_t session = suite_session(state);
    rl_shared_counter_t counter = suite_counter();
    counter.ttl = 30 * 86400;
    suite_create(&session, &counter, 1);
    assert_int_equal(suite_read(&session, &counter), 1);
    counter = suite_counter();
    counter.ttl = 2; /* that of 1 may end at once where seconds are counted */
    suite_create(&session, &counter, 1);
    assert_int_equal(suite_read(&session, &counter), 1);
    suite_end(&session);
}

static void sessions_follow_one_another(void **state)
{
    const rl_shared_counter_t counter = suite_counter();
    for (uint64_t i = 0; i < 50; i++) {
        rl_store_session_t session = suite_session(state);
        uint64_t value;
        if (i == 0) {
            suite_create(&session, &counter, 0);
        }
        assert_int_equal(session.store->ops->add(&session, &counter, 1, &value), RL_STORE_OK);
        assert_int_equal(value, i + 1);
        suite_end(&session);
        suite_end(&session); /* nothing more to end */
    }
}

static void an_unused_session_ends(void **state)
{
    rl_store_session_t session = suite_session(state);
    suite_end(&session);
}

#define SUITE_THREADS 8
#define SUITE_ADDS    400

typedef struct suite_worker {
    pthread_t thread;
    void **state;
    rl_shared_counter_t counter;
    unsigned char *seen; /* of each sum, how often it was told */
    bool failed;
} suite_worker_t;

static void *suite_work(void *data)
{
    suite_worker_t *worker = data;
    for (int i = 0; i < SUITE_ADDS; i++) {
        rl_store_session_t session = suite_session(worker->state);
        uint64_t value = 0;
        if (session.store->ops->add(&session, &worker->counter, 1, &value) != RL_STORE_OK ||
            value > SUITE_THREADS * SUITE_ADDS) {
            worker->failed = true;
        }
        else {
            __atomic_fetch_add(&worker->seen[value], 1, __ATOMIC_RELAXED);
        }
        suite_end(&session);
    }
    return NULL;
}

static void every_sum_is_told_to_one_of_many_threads(void **state)
{
    static unsigned char seen[SUITE_THREADS * SUITE_ADDS + 1];
    suite_worker_t workers[SUITE_THREADS];
    rl_store_session_t session = suite_session(state);
    const rl_shared_counter_t counter = suite_counter();
    memset(seen, 0, sizeof(seen));
    suite_create(&session, &counter, 0);
    for (int i = 0; i < SUITE_THREADS; i++) {
        workers[i] = (suite_worker_t){.state = state, .counter = counter, .seen = seen};
        pthread_create(&workers[i].thread, NULL, suite_work, &workers[i]);
    }
    for (int i = 0; i < SUITE_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_false(workers[i].failed);
    }
    for (size_t i = 1; i < sizeof(seen); i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_int_equal(suite_read(&session, &counter), SUITE_THREADS * SUITE_ADDS);
    suite_end(&session);
}

static void *suite_create_one(void *data)
{
    suite_worker_t *worker = data;
    rl_store_session_t session = suite_session(worker->state);
    const rl_store_status_e status = session.store->ops->create(&session, &worker->counter, 1);
    worker->failed = status != RL_STORE_OK;
    suite_end(&session);
    return NULL;
}

static void *suite_replace_one(void *data)
{
    suite_worker_t *worker = data;
    rl_store_session_t session = suite_session(worker->state);
    uint64_t value = 0;
    worker->failed =
        session.store->ops->read(&session, &worker->counter, &value) != RL_STORE_OK ||
        value != 0 || session.store->ops->replace(&session, &worker->counter, 1) != RL_STORE_OK;
    suite_end(&session);
    return NULL;
}

/* Runs one round of threads; returns how many succeeded. */
static int suite_round(void **state, const rl_shared_counter_t *counter, void *(*work)(void *))
{
    suite_worker_t workers[SUITE_THREADS];
    int succeeded = 0;
    for (int i = 0; i < SUITE_THREADS; i++) {
        workers[i] = (suite_worker_t){.state = state, .counter = *counter};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < SUITE_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        succeeded += !workers[i].failed;
    }
    return succeeded;
}

static void of_many_threads_one_replaces_the_value(void **state)
{
    for (int round = 0; round < 20; round++) {
        const rl_shared_counter_t counter = suite_counter();
        rl_store_session_t session = suite_session(state);
        suite_create(&session, &counter, 0);
        suite_end(&session);
        assert_int_equal(suite_round(state, &counter, suite_replace_one), 1);
    }
}

static void of_many_threads_one_makes_the_counter(void **state)
{
    for (int round = 0; round < 20; round++) {
        const rl_shared_counter_t counter = suite_counter();
        assert_int_equal(suite_round(state, &counter, suite_create_one), 1);
    }
}

#define SUITE_TEST(f, up, down) cmocka_unit_test_setup_teardown(f, up, down)
#define STORE_SUITE(up, down)                                                                  \
    SUITE_TEST(a_counter_that_was_never_made_is_missing, up, down),                            \
        SUITE_TEST(a_counter_is_made_once, up, down),                                          \
        SUITE_TEST(adding_tells_the_sum, up, down),                                            \
        SUITE_TEST(subtracting_stops_at_zero, up, down),                                       \
        SUITE_TEST(numbers_have_64_bits, up, down),                                            \
        SUITE_TEST(what_was_read_is_replaced_unless_it_changed, up, down),                     \
        SUITE_TEST(a_value_is_put_over_another_or_none, up, down),                             \
        SUITE_TEST(what_is_wanted_together_is_done_at_once, up, down),                         \
        SUITE_TEST(as_many_are_wanted_as_can_be, up, down),                                    \
        SUITE_TEST(keys_and_windows_are_counted_apart, up, down),                              \
        SUITE_TEST(the_shortest_and_the_longest_memory, up, down),                             \
        SUITE_TEST(sessions_follow_one_another, up, down),                                     \
        SUITE_TEST(an_unused_session_ends, up, down),                                          \
        SUITE_TEST(every_sum_is_told_to_one_of_many_threads, up, down),                        \
        SUITE_TEST(of_many_threads_one_makes_the_counter, up, down),                           \
        SUITE_TEST(of_many_threads_one_replaces_the_value, up, down)

#endif
