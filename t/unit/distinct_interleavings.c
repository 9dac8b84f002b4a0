/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/distinct, fleet/marker: requests of several processes with few values, under every
 * order of events, with every value that the memory orders permit to read (weak_memory.h), and
 * with and without a store that loses answers.
 *
 * What must hold: the values that are let in and not given back are never more than the limit;
 * and when all is over, exactly so many units are in use.
 */
#include "ledger_stage.h"

#include "core/meter/tally.h"
#define MEMORY_COUNTERS 256
#include "limiter/distinct.h"
#include "store_memory.h"

#define VALUES 6

static memory_store_t store;
static _Atomic uint64_t connections;
static unsigned unanswered_one_in, refused_one_in, refunds_one_in, clears_one_in;
static bool with_store;
static int holders[VALUES]; /* requests with the value that were let in and not given back */
static int denied;

/* See fleet_interleavings.c. */
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

static int values_let_in(void)
{
    int n = 0;
    for (int i = 0; i < VALUES; i++) {
        n += holders[i] > 0;
    }
    return n;
}

static void count(int value, int requests)
{
    holders[value] += requests;
    if (clears_one_in == 0 && values_let_in() > LIMIT) {
        COMPLAIN("%d values were let in, of %d", values_let_in(), LIMIT);
    }
}

static rl_source_t source_of(rl_store_session_t *session)
{
    *session = (rl_store_session_t){.store = &store.base};
    return (rl_source_t){.ledger = &ledger,
                         .session = with_store ? session : NULL,
                         .incarnation = rl_tally_incarnation(random_bits(&weak_rng))};
}

static rl_distinct_t distinct_of(int value)
{
    uint64_t state = 7919u * (unsigned)(value + 1);
    return (rl_distinct_t){.value = random_digest(&state)};
}

/* Returns true if the request was granted. */
static bool ask(int value, int64_t now, rl_distinct_t *distinct, rl_step_t *step)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&session);
    *distinct = distinct_of(value);
    return rl_distinct_charge(&source, OP(&keys[0], &meters[0], now, 1), RL_ON_ERROR_DENY,
                              distinct, step) &&
           step->granted;
}

static void give_back(int64_t now, rl_distinct_t *distinct, const rl_step_t *step)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&session);
    rl_distinct_refund(&source, OP(&keys[0], &meters[0], now, 1), distinct, step->stamp);
}

static void request(int value, int64_t now)
{
    rl_distinct_t distinct;
    rl_step_t step;
    if (weak_happens(clears_one_in)) {
        rl_store_session_t session;
        const rl_source_t source = source_of(&session);
        rl_counter_clear(&source, OP(&keys[0], &meters[0], now, 0));
    }
    if (!ask(value, now, &distinct, &step)) {
        denied++;
        return;
    }
    count(value, 1);
    if (weak_happens(refunds_one_in)) {
        count(value, -1);
        give_back(now, &distinct, &step);
    }
}

/* Of a call the key says the value: all are of one key. */
static void request_all(int name)
{
    for (int i = 0; i < scripts[name].n; i++) {
        request(scripts[name].calls[i].key, scripts[name].calls[i].now);
    }
}

static void open_values(uint64_t seed, int values)
{
    open_stage(seed, 2);
    memory_open(&store);
    store.pause = travel;
    store.fault = fault_of;
    memset(holders, 0, sizeof(holders));
    denied = 0;
    refused_one_in = unanswered_one_in = refunds_one_in = clears_one_in = 0;
    meters[0] = fixed_window(LIMIT, 24 * 3600 * SECOND);
    meters[0].aligned = true;
    write_scripts(4, 3, 0, values);
    for (int i = 0; i < 4; i++) {
        for (int c = 0; c < 3; c++) {
            scripts[i].calls[c].now = EDGE + SECOND / 2 + jitter();
        }
    }
}

/* Returns the units in use, as a request that comes later sees them. */
static uint32_t units_used(void)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&session);
    const rl_operation_t *op = OP(&keys[0], &meters[0], EDGE + 2 * SECOND, 0);
    rl_step_t step;
    rl_counter_learn(&source, op);
    rl_counter_peek(&source, op, &step);
    return step.used;
}

static void check_units(void)
{
    if ((int)units_used() != values_let_in()) {
        COMPLAIN("%u units are used for %d values", units_used(), values_let_in());
    }
}

static void values_of_requests_that_count(uint64_t seed)
{
    open_values(seed, VALUES);
    weak_run(4, request_all);
    check_units();
}

/* One value, and a limit that has room for each request that is under way. */
static void one_value(uint64_t seed)
{
    open_values(seed, 1);
    meters[0].limit = 4;
    weak_run(4, request_all);
    check_units();
    if (denied > 0) {
        COMPLAIN("a value that is charged was denied %d times", denied);
    }
}

static void values_that_are_given_back(uint64_t seed)
{
    open_values(seed, 1 + (int)(seed % VALUES));
    refunds_one_in = 2;
    weak_run(4, request_all);
    check_units();
}

static void values_of_killed_processes(uint64_t seed)
{
    open_values(seed, 1 + (int)(seed % VALUES));
    refunds_one_in = 3;
    weak_chances.kill_one_in = 40;
    weak_run(4, request_all);
}

/* Counters among expired cells of other keys, which are taken over. */
static void values_among_expired_cells(uint64_t seed)
{
    open_values(seed, 1 + (int)(seed % 4));
    furnish(8, 7);
    refunds_one_in = 3;
    weak_run(4, request_all);
}

/* After a clear nothing is known that was charged before: of all values together no more than
 * the limit are free, or charged anew. Each process has values of its own: what two charge for
 * one value, and one gives back, may be of a counter that is being wiped. */
static void values_that_are_cleared(uint64_t seed)
{
    int let_in = 0;
    open_values(seed, VALUES);
    for (int i = 0; i < 4; i++) {
        for (int c = 0; c < 3; c++) {
            scripts[i].calls[c].key = i;
        }
    }
    clears_one_in = 4;
    weak_run(4, request_all);
    clears_one_in = 0;
    units_used(); /* in the store, too */
    for (int value = 0; value < VALUES; value++) {
        rl_distinct_t distinct;
        rl_step_t step;
        let_in += ask(value, EDGE + 2 * SECOND, &distinct, &step);
    }
    if (let_in > LIMIT) {
        COMPLAIN("%d of %d values are let in after all was cleared", let_in, LIMIT);
    }
}

static void values_with_a_store_that_fails(uint64_t seed)
{
    open_values(seed, 1 + (int)(seed % VALUES));
    refunds_one_in = 2;
    unanswered_one_in = 8;
    refused_one_in = 8;
    weak_run(4, request_all);
}

static void alone(void (*story)(uint64_t))
{
    with_store = false;
    goes_well(story);
}

static void shared(void (*story)(uint64_t))
{
    with_store = true;
    goes_well(story);
}

static void alone_as_many_units_are_used_as_values_let_in(void **state)
{
    (void)state;
    alone(values_of_requests_that_count);
}

static void alone_a_value_that_is_charged_is_not_denied(void **state)
{
    (void)state;
    alone(one_value);
}

static void alone_units_of_a_value_go_back_with_its_last_request(void **state)
{
    (void)state;
    alone(values_that_are_given_back);
}

static void alone_processes_may_be_killed(void **state)
{
    (void)state;
    alone(values_of_killed_processes);
}

static void alone_cells_of_others_may_be_taken_over(void **state)
{
    (void)state;
    alone(values_among_expired_cells);
}

static void alone_after_a_clear_no_value_is_known(void **state)
{
    (void)state;
    alone(values_that_are_cleared);
}

static void shared_as_many_units_are_used_as_values_let_in(void **state)
{
    (void)state;
    shared(values_of_requests_that_count);
}

static void shared_a_value_that_is_charged_is_not_denied(void **state)
{
    (void)state;
    shared(one_value);
}

static void shared_units_of_a_value_go_back_with_its_last_request(void **state)
{
    (void)state;
    shared(values_that_are_given_back);
}

static void shared_processes_may_be_killed(void **state)
{
    (void)state;
    shared(values_of_killed_processes);
}

static void shared_after_a_clear_no_value_is_known(void **state)
{
    (void)state;
    shared(values_that_are_cleared);
}

static void shared_a_store_that_fails_lets_in_no_more_values(void **state)
{
    (void)state;
    shared(values_with_a_store_that_fails);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_as_many_units_are_used_as_values_let_in),
        cmocka_unit_test(alone_a_value_that_is_charged_is_not_denied),
        cmocka_unit_test(alone_units_of_a_value_go_back_with_its_last_request),
        cmocka_unit_test(alone_processes_may_be_killed),
        cmocka_unit_test(alone_cells_of_others_may_be_taken_over),
        cmocka_unit_test(alone_after_a_clear_no_value_is_known),
        cmocka_unit_test(shared_as_many_units_are_used_as_values_let_in),
        cmocka_unit_test(shared_a_value_that_is_charged_is_not_denied),
        cmocka_unit_test(shared_units_of_a_value_go_back_with_its_last_request),
        cmocka_unit_test(shared_processes_may_be_killed),
        cmocka_unit_test(shared_after_a_clear_no_value_is_known),
        cmocka_unit_test(shared_a_store_that_fails_lets_in_no_more_values),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
