/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/: threads of one server on one key, with a store that answers only now
 * and then. What is granted with the store and what is granted without it never come to more
 * than the limit, whatever the order of the steps. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/tally.h"
#include "limiter/counter.h"
#include "support.h"
#include "store_memory.h"

#define SECOND  RL_USEC_PER_SEC
#define NOON    (INT64_C(1700049600) * SECOND)
#define THREADS 4
#define ASKS    8
#define LIMIT   10
#define ROUNDS  20000

static memory_store_t store;
static rl_ledger_t ledger;
static pthread_barrier_t barrier;
static _Atomic unsigned granted;
static unsigned fails_one_in, worst; /* the most that was granted in a round */

static fault_e now_and_then(void *context, rl_store_session_t *session)
{
    static _Thread_local uint64_t rng;
    (void)context;
    rng = rng != 0 ? rng : (uint64_t)(uintptr_t)session;
    return random_below(&rng, fails_one_in) == 0 ? FAULT_REFUSED : FAULT_NONE;
}

static void *work(void *data)
{
    const rl_meter_t *meter = data;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t seed = round;
        const rl_digest_t key = random_digest(&seed);
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < ASKS; i++) {
            rl_store_session_t session = {.store = &store.base};
            const rl_source_t source = {.ledger = &ledger,
                                        .session = &session,
                                        .incarnation = 1 + (unsigned)(round % 32000)};
            rl_step_t step;
            rl_counter_charge(&source, OP(&key, meter, NOON, 1), RL_ON_ERROR_LOCAL, &step);
            granted += step.granted;
        }
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
            worst = granted > worst ? granted : worst;
            granted = 0;
            memory_flush(&store);
        }
    }
    return NULL;
}

static void run(rl_algorithm_e algorithm)
{
    rl_meter_t meter = {
        .algorithm = algorithm, .aligned = true, .limit = LIMIT, .period_us = 86400 * SECOND};
    pthread_t threads[THREADS];
    void *memory = aligned_alloc(64, 4 << 20);
    memset(memory, 0, 4 << 20);
    rl_ledger_open(&ledger, memory, 4 << 20);
    memory_open(&store);
    store.fault = now_and_then;
    worst = 0;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, work, &meter);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&barrier);
    free(memory);
    assert_in_range(worst, 1, LIMIT);
}

static void a_store_that_fails_now_and_then(void **state)
{
    (void)state;
    fails_one_in = 2;
    run(RL_FIXED_WINDOW);
    fails_one_in = 10;
    run(RL_FIXED_WINDOW);
}

static void the_same_with_sliding_windows(void **state)
{
    (void)state;
    fails_one_in = 3;
    run(RL_SLIDING_WINDOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_fails_now_and_then),
        cmocka_unit_test(the_same_with_sliding_windows),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
