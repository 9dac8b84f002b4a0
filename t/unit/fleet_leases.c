/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, lease/: units that are reserved ahead of requests, one request after
 * the other. What happens when they come at once is in source_leases_fleet.c. */
#include "fleet_calm.h"

#define TENTH (SECOND / 10)

/* What a server's keeper does now and then; or at the end of its process. */
static void tend_as(unsigned server, bool last)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_keeper_tend(&source, now, last);
}

static void tend(unsigned server)
{
    tend_as(server, false);
}

/* Asks a server at a steady rate for so long; returns how many were admitted. */
static unsigned admitted_at(unsigned server, unsigned per_second, int64_t for_us)
{
    const int64_t end = now + for_us;
    int64_t tended = now;
    unsigned in = 0;
    for (; now < end; now += SECOND / per_second) {
        in += ask(server);
        if (now - tended >= SECOND / 4) {
            tend(server);
            tended = now;
        }
    }
    return in;
}

/* The keeper looks, and looks again when what it saw has been idle for long enough. */
static void let_idle(unsigned server)
{
    tend(server);
    now += RL_KEEPER_IDLE_US;
    tend(server);
}

/* What the shared counter says. */
static uint32_t told_total(void)
{
    rl_tally_t tally;
    assert_int_equal(store.n, 1);
    assert_true(rl_tally_unpack(store.counters[0].value, &tally));
    return tally.total;
}

/* What a server would tell of the key without asking. */
static uint32_t used_here(unsigned server)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_step_t step;
    rl_counter_peek(&source, OP(&key, &meter, now, 0), &step);
    return step.used;
}

static void a_hot_key_asks_seldom(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 60000, MINUTE);
    (void)state;
    set_out_as(&what, true);
    now += SECOND; /* windows begin at whole minutes */
    assert_int_equal(admitted_at(0, 500, 20 * SECOND), 10000);
    print_message("# %u operations for 10,000 requests\n", store.operations);
    assert_in_range(store.operations, 20, 200);
}

/* At full load it would be used up under the hands of as many requests as come at once. */
static void a_busy_key_always_has_a_lease(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 1000000, HOUR);
    unsigned without = 0;
    (void)state;
    set_out_as(&what, true);
    admitted_at(0, 500, 3 * SECOND);
    for (int i = 0; i < 5000; i++, now += SECOND / 500) {
        without += used_here(0) == told_total(); /* nothing is left of the lease */
        assert_true(ask(0));
    }
    assert_int_equal(without, 0);
}

static void a_slow_key_reserves_what_it_needs(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 1000, HOUR);
    (void)state;
    set_out_as(&what, true);
    for (unsigned i = 1; i <= 20; i++) {
        assert_true(ask(0));
        assert_int_equal(told_total(), i);
        now += SECOND;
    }
}

static void a_small_limit_is_counted_one_by_one(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 10, HOUR);
    (void)state;
    set_out_as(&what, true);
    for (unsigned i = 1; i <= 10; i++) {
        assert_true(ask(i % 2));
        assert_int_equal(told_total(), i);
    }
    assert_int_equal(admitted(0, 5) + admitted(1, 5) + admitted(2, 5), 0);
}

static void servers_use_up_the_limit_and_no_more(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 6000, HOUR);
    unsigned in = 0;
    (void)state;
    set_out_as(&what, true);
    for (unsigned i = 0; i < 3 * 200 * 15; i++, now += SECOND / 600) {
        in += ask(i % 3);
        if (i % 150 == 0) {
            tend(i / 150 % 3);
        }
    }
    print_message("# %u operations for %u requests\n", store.operations, 3 * 200 * 15);
    assert_int_equal(in, 6000);
    assert_in_range(store.operations, 20, 900);
}

static void a_lease_is_an_eighth_of_what_remains_at_most(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 800, HOUR);
    unsigned asked = 0;
    (void)state;
    set_out_as(&what, true);
    for (; asked < 800; asked++) {
        const uint32_t before = store.n > 0 ? told_total() : 0;
        assert_true(ask(0));
        assert_in_range(told_total() - before, 0, 1 + (800 - before) / 8);
    }
}

static void what_lies_idle_is_given_back(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, HOUR);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, 2 * SECOND);
    assert_in_range(told_total(), in + 1, 2000);
    let_idle(0);
    assert_int_equal(told_total(), in);
    assert_int_equal(learned(0), in);
    for (; ask(1); now += SECOND / 300) {
        in++;
    }
    assert_int_equal(in, 2000);
}

static void what_a_busier_time_has_left_is_given_back(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 20000, HOUR);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, 2 * SECOND);
    assert_in_range(told_total(), in + 50, 20000);
    in += admitted_at(0, 4, 8 * SECOND); /* never idle for a second */
    assert_in_range(told_total(), in, in + 8);
}

/* What was given back is no demand. */
static void a_key_that_has_become_slow_reserves_what_it_needs(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 20000, HOUR);
    (void)state;
    set_out_as(&what, true);
    admitted_at(0, 300, 2 * SECOND);
    for (int i = 0; i < 10; i++, now += SECOND / 2) {
        uint32_t before;
        let_idle(0);
        before = told_total();
        assert_true(ask(0));
        assert_in_range(told_total(), before + 1, before + (i < 2 ? 100 : 1));
    }
}

static void nothing_is_left_behind_at_the_end(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, HOUR);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, SECOND);
    assert_in_range(told_total(), in + 1, 2000);
    tend_as(0, true);
    assert_int_equal(told_total(), in);
}

static void another_process_of_the_server_spends_what_one_has_leased(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, HOUR);
    unsigned in, before;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, SECOND);
    servers[0].leases = rl_lease_list_create(keepers); /* the first one was killed */
    before = store.operations;
    in += admitted(0, 3);
    assert_int_equal(store.operations, before);
    in += admitted_at(0, 300, SECOND);
    let_idle(0);
    assert_int_equal(told_total(), in);
}

static void a_lease_ends_with_its_window(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, 10 * SECOND);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    admitted_at(0, 300, 9 * SECOND + 9 * TENTH);
    now = NOON + 10 * SECOND;
    in = admitted(0, 5000);
    assert_int_equal(in, 2000);
}

static void a_short_while_before_its_end_a_window_leases_little(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 100000, 10 * SECOND);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 500, 10 * SECOND);
    assert_in_range(told_total(), in, in + 5);
}

static void units_of_a_sliding_window_that_is_over_are_given_back(void **state)
{
    const rl_meter_t what = window(RL_SLIDING_WINDOW, 2000, 10 * SECOND);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, 5 * SECOND);
    now = NOON + 10 * SECOND;
    tend(0);
    assert_int_equal(told_total(), in);
    assert_int_equal(admitted(0, 1), 1);
    assert_int_equal(learned(0), in + 1);
}

static void what_is_refunded_can_be_spent_again(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, HOUR);
    unsigned before, asked;
    (void)state;
    set_out_as(&what, true);
    admitted_at(0, 300, 2 * SECOND);
    let_idle(0);
    before = told_total();
    asked = store.operations;
    for (int i = 0; i < 1000; i++, now += SECOND / 300) {
        const rl_step_t step = ask_for(0, 1);
        assert_true(step.granted);
        refund(0, &step, 1);
    }
    print_message("# %u operations for 1,000 requests and refunds\n", store.operations - asked);
    assert_in_range(store.operations - asked, 1, 50);
    let_idle(0);
    assert_int_equal(told_total(), before);
}

static void a_key_that_is_wiped_has_no_lease(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 500, HOUR);
    (void)state;
    set_out_as(&what, true);
    admitted_at(0, 100, 2 * SECOND);
    admitted_at(1, 100, 2 * SECOND);
    assert_true(clear(0));
    assert_int_equal(admitted(0, 500), 500);
    assert_int_equal(admitted(0, 100), 0);
    tend_as(0, true);
    assert_int_equal(admitted(0, 100), 0);
    assert_int_equal(told_total(), 500);
}

static fault_e lose_additions(void *context, rl_store_session_t *session)
{
    static unsigned n;
    (void)context;
    (void)session;
    return n++ < 2 ? FAULT_NONE : FAULT_LOST_REQUEST;
}

static void what_was_leased_before_a_wipe_is_not_given_back(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, HOUR);
    (void)state;
    set_out_as(&what, true);
    admitted_at(0, 300, 2 * SECOND);
    assert_true(clear(1));
    store.fault = lose_additions;
    let_idle(0);
    store.fault = NULL;
    assert_int_equal(told_total(), 0);
    assert_int_equal(admitted(1, 3000), 2000);
}

static void a_lease_outlasts_the_store(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, HOUR);
    unsigned in, operations;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, 2 * SECOND);
    store.fault = all_or_none;
    cut_off = true;
    operations = store.operations;
    in += admitted(0, 2);
    assert_int_equal(store.operations, operations);
    in += admitted(0, 5000); /* goes on with its own counters */
    assert_int_equal(in, 2000);
    cut_off = false;
    now += 2 * SECOND;
    refresh(0);
    assert_int_equal(admitted(1, 100), 0);
}

static void what_lies_idle_is_kept_until_the_store_answers(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, HOUR);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, 2 * SECOND);
    store.fault = all_or_none;
    cut_off = true;
    for (int i = 0; i < 20; i++, now += SECOND / 4) {
        tend(0);
    }
    cut_off = false;
    tend(0);
    assert_int_equal(told_total(), in);
}

static void what_is_leased_survives_a_loss_of_the_store(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 2000, HOUR);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, 2 * SECOND);
    memory_flush(&store);
    in += admitted_at(0, 300, SECOND);
    in += admitted(1, 5000) + admitted(0, 5000);
    assert_in_range(in, 1900, 2000); /* what is leased of the lost one is found by the keeper */
    let_idle(0);
    refresh(0);
    in += admitted(0, 200);
    assert_int_equal(in, 2000);
}

static void costs_are_leased_as_well(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 3000, HOUR);
    unsigned in = 0;
    (void)state;
    set_out_as(&what, true);
    for (int i = 0; i < 2000; i++, now += SECOND / 300) {
        in += ask_for(0, 1 + (uint32_t)i % 7).granted ? 1 + (unsigned)i % 7 : 0;
    }
    assert_in_range(store.operations, 1, 1000);
    in += admitted(0, 10);
    assert_int_equal(in, 3000);
}

/* What is left of a lease is less than the cost, and both don't fit. */
static void a_cost_of_all_that_is_left_fits(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 80, HOUR);
    unsigned in;
    (void)state;
    for (uint32_t less = 0; less < 3; less++) {
        set_out_as(&what, true);
        in = admitted_at(0, 300, SECOND / 12);
        assert_in_range(told_total(), in + 1, 80);
        assert_false(ask_for(0, 81 - in).granted);
        assert_true(ask_for(0, 80 - in - less).granted);
        assert_int_equal(admitted(0, 5), less);
        assert_int_equal(told_total(), 80);
    }
}

/* ---- token buckets ---- */

static void a_hot_bucket_asks_seldom(void **state)
{
    const rl_meter_t what = token_bucket(1000, SECOND, 2000);
    (void)state;
    set_out_as(&what, true);
    assert_int_equal(admitted_at(0, 1000, 10 * SECOND), 10000);
    print_message("# %u operations for 10,000 requests\n", store.operations);
    assert_in_range(store.operations, 20, 900);
}

static void a_bucket_lets_in_no_more_than_its_size_at_once(void **state)
{
    const rl_meter_t what = token_bucket(10, SECOND, 1000);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, SECOND) + admitted_at(1, 300, SECOND);
    assert_in_range(in, 599, 602);
    now += 200 * SECOND; /* full again, whatever was leased */
    in = 0;
    for (int i = 0; i < 2000; i++) {
        in += ask((unsigned)i % 3);
    }
    assert_int_equal(in, 1000);
}

static void an_idle_bucket_gets_back_what_was_leased_last(void **state)
{
    const rl_meter_t what = token_bucket(10, SECOND, 1000);
    unsigned in;
    (void)state;
    set_out_as(&what, true);
    in = admitted_at(0, 300, SECOND);
    let_idle(0);
    for (int i = 0; i < 2000; i++) {
        in += ask(1);
    }
    assert_in_range(in, 1018, 1021); /* two seconds have passed */
}

static uint64_t told_time(void)
{
    rl_tally_time_t tally;
    assert_true(rl_tally_unpack_time(store.counters[0].value, &tally));
    return tally.ticks;
}

/* Or what others have reserved after it would be moved, and could be spent later than that. */
static void what_was_leased_before_others_drains(void **state)
{
    const rl_meter_t what = token_bucket(10, SECOND, 1000);
    uint64_t before;
    (void)state;
    set_out_as(&what, true);
    admitted_at(0, 300, SECOND);
    ask(1);
    before = told_time();
    let_idle(0);
    assert_true(told_time() == before);
}

/* A piece that stayed where it is would be there on top of a bucket that is full again. */
static void what_is_leased_comes_down_with_what_is_refunded(void **state)
{
    const rl_meter_t what = token_bucket(10, SECOND, 8000);
    static rl_step_t steps[2000];
    unsigned in = 0;
    (void)state;
    set_out_as(&what, true);
    for (int i = 0; i < 2000; i++, now += SECOND / 1000) {
        steps[i] = ask_for(0, 1);
        assert_true(steps[i].granted);
    }
    for (int i = 0; i < 2000; i++) {
        refund(0, &steps[i], 1);
    }
    admitted_at(0, 3, 70 * SECOND); /* so that it isn't idle; more has come back meanwhile */
    for (int i = 0; i < 8000; i++) {
        in += ask(1);
    }
    in += admitted(0, 1000);
    assert_in_range(in, 7990, 8000);
}

/* Of tokens that were leased together, those that were spent first drain first. */
static void what_has_drained_is_not_refunded(void **state)
{
    const rl_meter_t what = token_bucket(10, SECOND, 8000);
    static rl_step_t steps[2000];
    unsigned in = 0;
    (void)state;
    set_out_as(&what, true);
    for (int i = 0; i < 2000; i++, now += SECOND / 1000) {
        steps[i] = ask_for(0, 1);
    }
    for (int i = 0; i < 2000; i++) {
        refund(0, &steps[i], 1);
    }
    for (int i = 0; i < 8000; i++) {
        in += ask(1);
    }
    in += admitted(0, 1000);
    assert_int_equal(in, 8000);
}

/* ---- a limit that is lowered for a while ---- */

static void lower(uint32_t limit)
{
    meter.usual = meter.usual > 0 ? meter.usual : meter.limit;
    meter.limit = limit;
}

static void raise_again(void)
{
    meter.limit = meter.usual;
    meter.usual = 0;
}

static void a_lease_is_not_spent_over_a_lowered_limit(void **state)
{
    static const rl_algorithm_e algorithms[] = {RL_FIXED_WINDOW, RL_SLIDING_WINDOW};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const rl_meter_t what = window(algorithms[i], 1000, HOUR);
        set_out_as(&what, true);
        assert_int_equal(admitted_at(0, 100, 2 * SECOND), 200);
        assert_true(told_total() > 200);
        lower(200);
        assert_int_equal(admitted(0, 20), 0);
        lower(205);
        assert_int_equal(admitted(0, 20), 5);
        raise_again();
        assert_true(ask(0));
    }
}

static void a_server_with_a_lowered_limit_counts_what_others_used(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 100, HOUR);
    (void)state;
    set_out_as(&what, true);
    assert_int_equal(admitted_at(1, 10, 3 * SECOND), 30);
    let_idle(1);
    lower(20);
    assert_false(ask(0));
    raise_again();
    now += 2 * SECOND;
    assert_int_equal(admitted_at(0, 10, 20 * SECOND), 70);
}

/* The window before is learned once in each window. */
static void what_is_learned_under_a_lowered_limit_counts_later(void **state)
{
    const rl_meter_t what = window(RL_SLIDING_WINDOW, 100, HOUR);
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(1, 100), 100);
    now += HOUR + HOUR / 2; /* half of it counts */
    lower(60);
    assert_int_equal(admitted(0, 100), 10);
    raise_again();
    assert_int_equal(admitted(0, 100), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hot_key_asks_seldom),
        cmocka_unit_test(a_busy_key_always_has_a_lease),
        cmocka_unit_test(a_slow_key_reserves_what_it_needs),
        cmocka_unit_test(a_small_limit_is_counted_one_by_one),
        cmocka_unit_test(a_lease_is_not_spent_over_a_lowered_limit),
        cmocka_unit_test(a_server_with_a_lowered_limit_counts_what_others_used),
        cmocka_unit_test(what_is_learned_under_a_lowered_limit_counts_later),
        cmocka_unit_test(servers_use_up_the_limit_and_no_more),
        cmocka_unit_test(a_lease_is_an_eighth_of_what_remains_at_most),
        cmocka_unit_test(what_lies_idle_is_given_back),
        cmocka_unit_test(what_a_busier_time_has_left_is_given_back),
        cmocka_unit_test(a_key_that_has_become_slow_reserves_what_it_needs),
        cmocka_unit_test(nothing_is_left_behind_at_the_end),
        cmocka_unit_test(another_process_of_the_server_spends_what_one_has_leased),
        cmocka_unit_test(a_lease_ends_with_its_window),
        cmocka_unit_test(a_short_while_before_its_end_a_window_leases_little),
        cmocka_unit_test(units_of_a_sliding_window_that_is_over_are_given_back),
        cmocka_unit_test(what_is_refunded_can_be_spent_again),
        cmocka_unit_test(a_key_that_is_wiped_has_no_lease),
        cmocka_unit_test(what_was_leased_before_a_wipe_is_not_given_back),
        cmocka_unit_test(a_lease_outlasts_the_store),
        cmocka_unit_test(what_lies_idle_is_kept_until_the_store_answers),
        cmocka_unit_test(what_is_leased_survives_a_loss_of_the_store),
        cmocka_unit_test(costs_are_leased_as_well),
        cmocka_unit_test(a_cost_of_all_that_is_left_fits),
        cmocka_unit_test(a_hot_bucket_asks_seldom),
        cmocka_unit_test(a_bucket_lets_in_no_more_than_its_size_at_once),
        cmocka_unit_test(an_idle_bucket_gets_back_what_was_leased_last),
        cmocka_unit_test(what_was_leased_before_others_drains),
        cmocka_unit_test(what_is_leased_comes_down_with_what_is_refunded),
        cmocka_unit_test(what_has_drained_is_not_refunded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
