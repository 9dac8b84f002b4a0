/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/, one request after the other: what it asks of the store, what it
 * remembers, and what it makes of failures. */
#include "fleet_world.h"

static fault_e script[32];
static unsigned script_at, script_end;

static fault_e next_of_script(void *context, rl_store_session_t *session)
{
    (void)context;
    (void)session;
    return script_at < script_end ? script[script_at++] : FAULT_NONE;
}

/* What happens to the next n operations. */
static void next(fault_e fault, unsigned n)
{
    script_at = script_end = 0;
    while (script_end < n) {
        script[script_end++] = fault;
    }
}

/* Two servers at rest. */
static void set_out(uint32_t limit)
{
    static story_t calm;
    calm = (story_t){.servers = 2, .actors = 0, .limit = limit, .cost_max = 1};
    start(&calm, 1);
    next(FAULT_NONE, 0);
    store.fault = next_of_script;
}

static bool ask(server_t *server, rl_on_error_e on_error)
{
    const rl_meter_t meter = meter_of(story->limit);
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_step_t step;
    rl_counter_charge(&source, OP(&key, &meter, now, 1), on_error, &step);
    return step.granted;
}

static unsigned admitted(server_t *server, unsigned n)
{
    unsigned in = 0;
    for (unsigned i = 0; i < n; i++) {
        in += ask(server, RL_ON_ERROR_LOCAL);
    }
    return in;
}

static void refresh(server_t *server)
{
    const rl_meter_t meter = meter_of(story->limit);
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_counter_refresh(&source, OP(&key, &meter, now, 1));
}

static void refund(server_t *server)
{
    const rl_meter_t meter = meter_of(story->limit);
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_step_t step;
    rl_counter_peek(&source, OP(&key, &meter, now, 0), &step);
    rl_counter_refund(&source, OP(&key, &meter, now, 1), step.stamp);
}

static rl_tally_t shared(void)
{
    rl_tally_t tally = {0};
    assert_int_equal(store.n, 1);
    assert_true(rl_tally_unpack(store.counters[0].value, &tally));
    return tally;
}

static void a_key_over_its_limit_asks_nobody_but_looks_once_a_second(void **state)
{
    unsigned before;
    (void)state;
    set_out(5);
    assert_int_equal(admitted(&servers[0], 7), 5);
    refresh(&servers[0]);
    before = store.operations;
    assert_int_equal(admitted(&servers[0], 100), 0);
    for (int i = 0; i < 35; i++) {
        refresh(&servers[0]);
        now += SECOND / 10;
    }
    assert_int_equal(store.operations, before + 3); /* the counter, and if the key is exempt */
    assert_int_equal(store.exchanges, 3);
}

static void a_steady_key_costs_one_round_trip(void **state)
{
    unsigned before;
    (void)state;
    set_out(1000);
    admitted(&servers[0], 1);
    before = store.operations;
    assert_int_equal(admitted(&servers[0], 100), 100);
    assert_int_equal(store.operations, before + 100);
    for (int i = 0; i < 30; i++) {
        admitted(&servers[0], 1);
        now += SECOND / 10;
    }
    assert_in_range(store.reads, 2, 3);
}

static void what_was_granted_without_the_store_is_added_when_it_answers(void **state)
{
    (void)state;
    set_out(10);
    assert_int_equal(admitted(&servers[0], 2), 2);
    next(FAULT_REFUSED, 3);
    assert_int_equal(admitted(&servers[0], 3), 3);
    assert_int_equal(shared().total, 2);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 6);
    assert_int_equal(admitted(&servers[1], 9), 4);
    assert_int_equal(admitted(&servers[0], 9), 0);
}

static void a_full_key_tells_the_store_of_its_debt(void **state)
{
    (void)state;
    set_out(10);
    admitted(&servers[0], 1);
    refresh(&servers[0]);
    next(FAULT_REFUSED, 9);
    assert_int_equal(admitted(&servers[0], 20), 9);
    assert_int_equal(shared().total, 1);
    next(FAULT_NONE, 0);
    now += SECOND;
    refresh(&servers[0]);
    assert_int_equal(shared().total, 10);
    assert_int_equal(admitted(&servers[1], 5), 0);
}

/* Each attempt that times out costs a unit, not all that is owed. */
static void time_outs_do_not_count_a_debt_twice(void **state)
{
    (void)state;
    set_out(1000);
    admitted(&servers[0], 1);
    next(FAULT_LOST_ANSWER, 20);
    assert_int_equal(admitted(&servers[0], 20), 20);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 1 + 20 + 20 + 1);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 43);
}

static void ask_once(void)
{
    ask(&servers[0], RL_ON_ERROR_LOCAL);
}

/* A process that is killed while it pays: its request never goes on. */
static void a_debt_that_nobody_finished_paying_is_paid_by_another(void **state)
{
    (void)state;
    set_out(20);
    assert_int_equal(admitted(&servers[0], 1), 1);
    next(FAULT_REFUSED, 5);
    assert_int_equal(admitted(&servers[0], 5), 5);
    store.pause = leave;
    actors[0].server = &servers[0];
    getcontext(&actors[0].context);
    actors[0].context.uc_stack.ss_sp = fresh_stack(stacks[0], STACK_SIZE);
    actors[0].context.uc_stack.ss_size = STACK_SIZE;
    actors[0].context.uc_link = &home;
    makecontext(&actors[0].context, ask_once, 0);
    for (int i = 0; i < 3; i++) { /* its unit was added, and the payment is on its way */
        running = &actors[0];
        swapcontext(&home, &actors[0].context);
        running = NULL;
    }
    assert_int_equal(shared().total, 2);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 3); /* somebody is paying it */
    now += 40 * SECOND;
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 4 + 5);
    assert_int_equal(admitted(&servers[1], 20), 11);
}

static void a_counter_that_is_lost_starts_from_what_is_known(void **state)
{
    (void)state;
    set_out(10);
    admitted(&servers[0], 7);
    memory_flush(&store);
    assert_int_equal(admitted(&servers[0], 5), 3);
    assert_int_equal(shared().seed, 7);
    assert_int_equal(admitted(&servers[1], 5), 0);
}

static void a_counter_that_somebody_made_from_less_is_raised_by_who_knew_more(void **state)
{
    (void)state;
    set_out(20);
    admitted(&servers[0], 12);
    memory_flush(&store);
    assert_int_equal(admitted(&servers[1], 3), 3);
    assert_int_equal(shared().seed, 0);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().seed, 12);
    assert_int_equal(shared().total, 16);
    assert_int_equal(admitted(&servers[0], 9) + admitted(&servers[1], 9), 4);
}

static void a_raise_that_fails_is_made_up_for(void **state)
{
    const fault_e faults[] = {FAULT_REFUSED, FAULT_LOST_REQUEST, FAULT_LOST_ANSWER};
    (void)state;
    for (int i = 0; i < 3; i++) {
        set_out(20);
        admitted(&servers[0], 12);
        memory_flush(&store);
        admitted(&servers[1], 3);
        next(FAULT_NONE, 2);
        script[1] = faults[i]; /* the addition is answered, the raise isn't */
        assert_int_equal(admitted(&servers[0], 1), 1);
        assert_in_range(admitted(&servers[0], 30), 4, 4);
        assert_int_equal(shared().seed, 12);
        assert_int_equal(admitted(&servers[0], 30) + admitted(&servers[1], 30), 0);
    }
}

static void a_key_over_its_limit_restores_its_counter(void **state)
{
    (void)state;
    set_out(5);
    admitted(&servers[0], 6);
    refresh(&servers[0]);
    memory_flush(&store);
    now += SECOND;
    refresh(&servers[0]);
    assert_int_equal(shared().total, 5);
    assert_int_equal(admitted(&servers[1], 5), 0);
}

static void units_given_back_elsewhere_can_be_had_a_second_later(void **state)
{
    (void)state;
    set_out(5);
    assert_int_equal(admitted(&servers[0], 5), 5);
    assert_int_equal(admitted(&servers[1], 3), 0);
    refresh(&servers[1]);
    refund(&servers[0]);
    assert_int_equal(admitted(&servers[1], 3), 0);
    now += SECOND;
    refresh(&servers[1]);
    assert_int_equal(admitted(&servers[1], 3), 1);
    assert_int_equal(admitted(&servers[0], 3), 0);
}

static void a_unit_that_is_owed_is_given_back_here(void **state)
{
    (void)state;
    set_out(10);
    admitted(&servers[0], 1);
    next(FAULT_REFUSED, 3);
    admitted(&servers[0], 3);
    refund(&servers[0]);
    assert_int_equal(shared().total, 1);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 4);
}

/* Additions whose answer is lost are never taken off: the store holds more than the limit for
 * good. */
static void units_that_stay_in_the_way_are_believed_after_a_while(void **state)
{
    unsigned before;
    (void)state;
    set_out(5);
    assert_int_equal(admitted(&servers[0], 3), 3);
    next(FAULT_LOST_ANSWER, 4);
    admitted(&servers[1], 4);
    assert_int_equal(shared().total, 7);
    next(FAULT_NONE, 0);
    assert_int_equal(admitted(&servers[0], 3), 0); /* which learns nothing from it */
    before = store.operations;
    assert_int_equal(admitted(&servers[0], 3), 0);
    assert_int_equal(store.operations, before + 3);
    now += SECOND * 7 / 10;
    assert_int_equal(admitted(&servers[0], 1), 0);
    assert_int_equal(store.operations, before + 4);
    assert_int_equal(admitted(&servers[0], 100), 0);
    assert_int_equal(store.operations, before + 4);
    assert_int_equal(shared().total, 7);
}

static void on_error_decides_without_the_store(void **state)
{
    (void)state;
    set_out(3);
    next(FAULT_REFUSED, 20);
    for (int i = 0; i < 5; i++) {
        assert_true(ask(&servers[0], RL_ON_ERROR_ALLOW));
        assert_false(ask(&servers[0], RL_ON_ERROR_DENY));
    }
    next(FAULT_NONE, 0);
    assert_int_equal(admitted(&servers[0], 9), 3);
    next(FAULT_REFUSED, 20);
    assert_false(ask(&servers[0], RL_ON_ERROR_ALLOW)); /* it is known to be full */
    assert_int_equal(script_at, 0);
}

static void a_number_of_somebody_elses_is_no_count(void **state)
{
    const uint64_t numbers[] = {0, 5, UINT64_MAX - 100, UINT64_C(65535) << 48};
    (void)state;
    for (int i = 0; i < 4; i++) {
        set_out(10);
        admitted(&servers[0], 1);
        store.counters[0].value = numbers[i];
        assert_int_equal(admitted(&servers[0], 30), 9);
    }
}

static void a_window_that_has_ended_leaves_nothing(void **state)
{
    (void)state;
    set_out(5);
    next(FAULT_REFUSED, 3);
    admitted(&servers[0], 3);
    next(FAULT_NONE, 0);
    admitted(&servers[0], 9);
    now += 24 * HOUR;
    assert_int_equal(admitted(&servers[0], 3), 3);
    assert_int_equal(admitted(&servers[1], 9), 2);
    assert_int_equal(store.n, 2);
}

static void a_counter_is_remembered_for_two_periods_and_a_month_at_most(void **state)
{
    const int64_t periods[] = {1, 60, 86400, 10 * 86400, 15 * 86400, 30 * 86400};
    (void)state;
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        const rl_meter_t meter = fixed_window(5, periods[i] * SECOND);
        rl_store_session_t session;
        rl_source_t source;
        rl_step_t step;
        uint32_t ttl;
        set_out(5);
        source = source_of(&servers[0], &session);
        rl_counter_charge(&source, OP(&key, &meter, now, 1), RL_ON_ERROR_LOCAL, &step);
        ttl = store.counters[0].name.ttl;
        assert_true(ttl <= 30 * 86400);
        assert_true(ttl == 30 * 86400 || (ttl > 2 * periods[i] && ttl <= 2 * periods[i] + 600));
    }
}

static void two_stores_have_cells_of_their_own_in_one_ledger(void **state)
{
    const rl_meter_t meter = meter_of(2);
    (void)state;
    set_out(2);
    for (uint64_t salt = 0; salt < 3; salt++) {
        unsigned in = 0;
        memory_flush(&store);
        for (int i = 0; i < 5; i++) {
            rl_store_session_t session;
            rl_source_t source = source_of(&servers[0], &session);
            rl_step_t step;
            rl_operation_t op = *OP(&key, &meter, now, 1);
            source.salt = (rl_digest_t){.hi = salt << 40, .lo = salt << 40};
            rl_source_bind(&source, &op, now);
            rl_counter_charge(&source, &op, RL_ON_ERROR_LOCAL, &step);
            in += step.granted;
        }
        assert_int_equal(in, 2);
        assert_true(store.counters[0].name.key.hi == key.hi); /* the store knows no salt */
    }
}

static void without_a_session_the_ledger_is_the_whole_truth(void **state)
{
    const rl_meter_t meter = meter_of(3);
    const rl_source_t source = {.ledger = &servers[0].ledger};
    unsigned in = 0;
    (void)state;
    set_out(3);
    for (int i = 0; i < 6; i++) {
        rl_step_t step;
        assert_true(
            rl_counter_charge(&source, OP(&key, &meter, now, 1), RL_ON_ERROR_DENY, &step));
        in += step.granted;
        rl_counter_refresh(&source, OP(&key, &meter, now, 1));
    }
    assert_int_equal(in, 3);
    assert_int_equal(store.operations, 0);
}

static void a_limit_too_high_to_be_shared_is_counted_here(void **state)
{
    (void)state;
    set_out(RL_TALLY_LIMIT + 1);
    assert_int_equal(admitted(&servers[0], 10), 10);
    assert_int_equal(store.operations, 0);
    set_out(RL_TALLY_LIMIT);
    assert_int_equal(admitted(&servers[0], 10), 10);
    assert_true(store.operations >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_over_its_limit_asks_nobody_but_looks_once_a_second),
        cmocka_unit_test(a_steady_key_costs_one_round_trip),
        cmocka_unit_test(what_was_granted_without_the_store_is_added_when_it_answers),
        cmocka_unit_test(a_full_key_tells_the_store_of_its_debt),
        cmocka_unit_test(time_outs_do_not_count_a_debt_twice),
        cmocka_unit_test(a_debt_that_nobody_finished_paying_is_paid_by_another),
        cmocka_unit_test(a_counter_that_is_lost_starts_from_what_is_known),
        cmocka_unit_test(a_counter_that_somebody_made_from_less_is_raised_by_who_knew_more),
        cmocka_unit_test(a_raise_that_fails_is_made_up_for),
        cmocka_unit_test(a_key_over_its_limit_restores_its_counter),
        cmocka_unit_test(units_given_back_elsewhere_can_be_had_a_second_later),
        cmocka_unit_test(a_unit_that_is_owed_is_given_back_here),
        cmocka_unit_test(units_that_stay_in_the_way_are_believed_after_a_while),
        cmocka_unit_test(on_error_decides_without_the_store),
        cmocka_unit_test(a_number_of_somebody_elses_is_no_count),
        cmocka_unit_test(a_window_that_has_ended_leaves_nothing),
        cmocka_unit_test(a_counter_is_remembered_for_two_periods_and_a_month_at_most),
        cmocka_unit_test(two_stores_have_cells_of_their_own_in_one_ledger),
        cmocka_unit_test(without_a_session_the_ledger_is_the_whole_truth),
        cmocka_unit_test(a_limit_too_high_to_be_shared_is_counted_here),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
