/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/: processes of one server share its ledger, and ask the store that the
 * fleet shares; some can't reach it. What they tell each other in a cell's words and notes has
 * to hold under every order of events, and with every value that the memory orders permit to
 * read (weak_memory.h).
 *
 * What must hold: the server grants no more than the limit, with the store or without.
 */
#include "ledger_stage.h"

#include "core/meter/tally.h"
#include "limiter/counter.h"
#include "store_memory.h"

static memory_store_t store;
static _Atomic uint64_t connections;
static unsigned refused_one_in, unanswered_one_in, refunds_one_in;
static bool with_first; /* the window begins with its first unit */

/* A request or its answer is on its way. The store and the kernel hand one after the other on,
 * so what a process did before the store heard of it is known to whoever is answered later. */
static void travel(void *context)
{
    (void)context;
    if (weak.running >= 0) {
        atomic_fetch_add_explicit(&connections, 1, memory_order_acq_rel);
        weak_schedule();
    }
}

static fault_e fault_of(void *context, rl_store_session_t *session)
{
    (void)context;
    (void)session;
    if (weak_happens(refused_one_in)) {
        return FAULT_REFUSED;
    }
    return !weak_happens(unanswered_one_in) ? FAULT_NONE
           : any_below(2) == 0              ? FAULT_LOST_REQUEST
                                            : FAULT_LOST_ANSWER;
}

static void count(int key, int units)
{
    tallies[key].net += units;
    if (tallies[key].net > LIMIT) {
        COMPLAIN("%d of %d were granted", tallies[key].net, LIMIT);
    }
}

static void request(int key, int64_t now)
{
    rl_store_session_t session = {.store = &store.base};
    const rl_source_t source = {.ledger = &ledger,
                                .session = &session,
                                .incarnation = rl_tally_incarnation(random_bits(&weak_rng))};
    rl_step_t step;
    rl_counter_charge(&source, OP(&keys[key], &meters[key], now, 1), RL_ON_ERROR_LOCAL, &step);
    tallies[key].asked++;
    if (!step.granted) {
        return;
    }
    tallies[key].all++;
    count(key, 1);
    if (weak_happens(refunds_one_in)) {
        count(key, -1);
        rl_counter_refund(&source, OP(&keys[key], &meters[key], now, 1), step.stamp);
    }
}

static void request_all(int name)
{
    for (int i = 0; i < scripts[name].n; i++) {
        request(scripts[name].calls[i].key, scripts[name].calls[i].now);
    }
}

/* In the middle of a second, or where one ends. */
static void open_server(uint64_t seed)
{
    const int64_t about = EDGE + (seed % 2 == 0 ? 0 : SECOND / 2);
    open_stage(seed, 1);
    memory_open(&store);
    store.pause = travel;
    store.fault = fault_of;
    refused_one_in = unanswered_one_in = refunds_one_in = 0;
    meters[0] = fixed_window(LIMIT, 24 * 3600 * SECOND);
    meters[0].algorithm = with_first ? RL_FIRST_WINDOW : RL_FIXED_WINDOW;
    write_scripts(4, 3, 0, 1);
    for (int i = 0; i < 4; i++) {
        for (int c = 0; c < 3; c++) {
            scripts[i].calls[c].now = about + jitter();
        }
    }
}

static void store_that_answers(uint64_t seed)
{
    open_server(seed);
    weak_run(4, request_all);
    check_exact(0, 1);
}

static void store_that_answers_and_refunds(uint64_t seed)
{
    open_server(seed);
    refunds_one_in = 3;
    weak_run(4, request_all);
}

static void store_that_refuses(uint64_t seed)
{
    open_server(seed);
    refused_one_in = 1 + (unsigned)(seed % 8);
    weak_run(4, request_all);
}

static void store_that_fails(uint64_t seed)
{
    open_server(seed);
    refused_one_in = unanswered_one_in = 4;
    refunds_one_in = (unsigned)(seed % 3);
    weak_run(4, request_all);
}

static int begin_with_first(void **state)
{
    (void)state;
    with_first = true;
    return 0;
}

static int end_with_first(void **state)
{
    (void)state;
    with_first = false;
    return 0;
}

#define WITH_FIRST(f) cmocka_unit_test_setup_teardown(f, begin_with_first, end_with_first)

static void with_a_store_that_answers_exactly_the_limit_is_granted(void **state)
{
    (void)state;
    goes_well(store_that_answers);
}

static void with_refunds_no_more_than_the_limit_is_granted_at_a_time(void **state)
{
    (void)state;
    goes_well(store_that_answers_and_refunds);
}

static void with_a_store_that_refuses_no_more_than_the_limit_is_granted(void **state)
{
    (void)state;
    goes_well(store_that_refuses);
}

static void with_a_store_that_fails_no_more_than_the_limit_is_granted(void **state)
{
    (void)state;
    goes_well(store_that_fails);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_a_store_that_answers_exactly_the_limit_is_granted),
        WITH_FIRST(with_a_store_that_answers_exactly_the_limit_is_granted),
        cmocka_unit_test(with_refunds_no_more_than_the_limit_is_granted_at_a_time),
        WITH_FIRST(with_refunds_no_more_than_the_limit_is_granted_at_a_time),
        cmocka_unit_test(with_a_store_that_refuses_no_more_than_the_limit_is_granted),
        WITH_FIRST(with_a_store_that_refuses_no_more_than_the_limit_is_granted),
        cmocka_unit_test(with_a_store_that_fails_no_more_than_the_limit_is_granted),
        WITH_FIRST(with_a_store_that_fails_no_more_than_the_limit_is_granted),
        GOES_WRONG("a total and a debt miss each other if notes are swapped with acq_rel only",
                   "rl_ledger_swap_note", WEAK_UPDATE, acq_rel, store_that_refuses),
        GOES_WRONG("a total and a debt miss each other if notes are read with acquire only",
                   "rl_ledger_note", WEAK_LOAD, acquire, store_that_refuses),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
