/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/: windows that begin with the first unit, over a fleet. */
#include "fleet_calm.h"

static rl_meter_t five_a_minute(void)
{
    return (rl_meter_t){.algorithm = RL_FIRST_WINDOW, .limit = 5, .period_us = MINUTE};
}

static void set_out_first(void)
{
    const rl_meter_t what = five_a_minute();
    set_out(&what);
}

static int64_t wait_at(unsigned server)
{
    const rl_step_t step = ask_for(server, 1);
    assert_false(step.granted);
    return step.retry - now;
}

static void all_servers_are_in_the_window_of_the_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        set_out_first();
        now += i * 777 * SECOND / 1000;
        assert_int_equal(admitted(i, 1), 1);
        now += 10 * SECOND;
        assert_int_equal(admitted((i + 1) % 3, 2), 2);
        now += 10 * SECOND;
        assert_int_equal(admitted((i + 2) % 3, 9), 2);
        for (unsigned server = 0; server < 3; server++) {
            assert_in_range(40 * SECOND - wait_at(server), 0, SECOND / 256);
        }
        now += 40 * SECOND - SECOND / 256;
        assert_int_equal(admitted(0, 1) + admitted(1, 1) + admitted(2, 1), 0);
        now += SECOND / 256;
        assert_int_equal(admitted(0, 3) + admitted(1, 9) + admitted(2, 9), 5);
    }
}

static void what_is_given_back_begins_no_window(void **state)
{
    rl_step_t step;
    (void)state;
    set_out_first();
    for (unsigned i = 0; i < 12; i++) { /* a good user, at any of the servers */
        step = ask_for(i % 3, 1);
        assert_true(step.granted);
        now += SECOND;
        refund(i % 3, &step, 1);
        now += 4 * SECOND;
    }
    assert_int_equal(admitted(0, 9), 5);
    for (unsigned server = 0; server < 3; server++) {
        assert_true(wait_at(server) == MINUTE);
    }
}

static void the_last_unit_may_be_given_back_by_any_server(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 4; order++) {
        rl_step_t a, b;
        set_out_first();
        a = ask_for(0, 1);
        now += SECOND;
        b = ask_for(order / 2, 1);
        now += SECOND;
        refund(order % 2 ? 0 : order / 2, order % 2 ? &a : &b, 1);
        now += SECOND;
        refund(order % 2 ? order / 2 : 0, order % 2 ? &b : &a, 1);
        now += 20 * SECOND;
        assert_int_equal(admitted(2, 2), 2);
        assert_int_equal(admitted(0, 9) + admitted(1, 9), 3);
        assert_true(wait_at(1) == MINUTE);
    }
}

static void as_long_as_a_unit_is_left_the_window_stays(void **state)
{
    rl_step_t a;
    (void)state;
    set_out_first();
    a = ask_for(0, 1);
    now += 10 * SECOND;
    assert_true(ask(1));
    refund(0, &a, 1);
    now += 10 * SECOND;
    assert_int_equal(admitted(2, 9), 4);
    assert_true(wait_at(0) == 40 * SECOND);
}

static void a_wipe_ends_the_window(void **state)
{
    (void)state;
    for (unsigned wiper = 0; wiper < 3; wiper++) {
        set_out_first();
        assert_int_equal(admitted(0, 9), 5);
        assert_false(ask(1));
        now += 7 * SECOND;
        clear(wiper);
        refresh(0);
        refresh(1);
        now += 2 * SECOND;
        refresh(0);
        refresh(1);
        assert_int_equal(admitted(2, 2), 2);
        assert_int_equal(admitted(1, 9), 3);
        assert_int_equal(admitted(0, 9), 0);
        assert_true(wait_at(0) == MINUTE);
    }
}

static void what_was_charged_before_a_wipe_is_not_given_back(void **state)
{
    rl_step_t before;
    (void)state;
    set_out_first();
    before = ask_for(0, 1);
    now += SECOND;
    clear(1);
    now += SECOND;
    assert_int_equal(admitted(1, 5), 5);
    refund(0, &before, 1);
    assert_int_equal(admitted(0, 9) + admitted(1, 9) + admitted(2, 9), 0);
}

static void the_window_outlives_the_loss_of_the_store(void **state)
{
    (void)state;
    set_out_first();
    assert_int_equal(admitted(0, 4), 4);
    now += 10 * SECOND;
    memory_flush(&store);
    assert_true(ask(0));
    assert_int_equal(admitted(1, 9), 0);
    assert_true(wait_at(1) == 50 * SECOND);
    assert_true(wait_at(2) == 50 * SECOND);
}

/* Who comes first after the loss may know nothing. */
static void who_knows_of_units_brings_them_along(void **state)
{
    (void)state;
    set_out_first();
    assert_int_equal(admitted(0, 4), 4);
    now += 10 * SECOND;
    memory_flush(&store);
    assert_true(ask(1));
    assert_false(ask(0));
    assert_int_equal(admitted(1, 9) + admitted(2, 9) + admitted(0, 9), 0);
}

static void windows_of_servers_that_were_alone_become_one(void **state)
{
    (void)state;
    set_out_first();
    cut_off = true;
    store.fault = all_or_none;
    assert_int_equal(admitted(0, 2), 2);
    now += 5 * SECOND;
    assert_int_equal(admitted(1, 2), 2);
    cut_off = false;
    now += 5 * SECOND;
    assert_int_equal(admitted(0, 1), 1);
    assert_int_equal(admitted(1, 9), 0);
    now += 2 * SECOND;
    refresh(1); /* pays what is still owed */
    assert_int_equal(admitted(0, 9) + admitted(2, 9), 0);
}

/* The clock of server 1 is three seconds ahead. */
static void clocks_that_differ_share_a_window(void **state)
{
    (void)state;
    set_out_first();
    assert_int_equal(admitted(0, 2), 2);
    now += 3 * SECOND;
    assert_int_equal(admitted(1, 2), 2);
    now -= 3 * SECOND;
    assert_int_equal(admitted(0, 9), 1);
    now += 60 * SECOND; /* server 1 begins the next window when it is 57 s by the others' */
    assert_int_equal(admitted(1, 2), 2);
    now -= 3 * SECOND;
    assert_int_equal(admitted(2, 9), 3);
    assert_true(wait_at(2) == 63 * SECOND);
    refresh(0); /* the first only notes when it was */
    now += 2 * SECOND;
    refresh(0);
    assert_false(ask(0));
    assert_true(wait_at(0) == 61 * SECOND);
}

static void a_known_key_takes_one_round_trip(void **state)
{
    unsigned before;
    (void)state;
    set_out_first();
    assert_int_equal(admitted(0, 2), 2);
    before = store.operations;
    assert_true(ask(0));
    assert_int_equal(store.operations - before, 1);
    assert_int_equal(admitted(0, 9), 2);
    before = store.operations;
    assert_false(ask(0));
    assert_int_equal(store.operations - before, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_servers_are_in_the_window_of_the_first),
        cmocka_unit_test(what_is_given_back_begins_no_window),
        cmocka_unit_test(the_last_unit_may_be_given_back_by_any_server),
        cmocka_unit_test(as_long_as_a_unit_is_left_the_window_stays),
        cmocka_unit_test(a_wipe_ends_the_window),
        cmocka_unit_test(what_was_charged_before_a_wipe_is_not_given_back),
        cmocka_unit_test(the_window_outlives_the_loss_of_the_store),
        cmocka_unit_test(who_knows_of_units_brings_them_along),
        cmocka_unit_test(windows_of_servers_that_were_alone_become_one),
        cmocka_unit_test(clocks_that_differ_share_a_window),
        cmocka_unit_test(a_known_key_takes_one_round_trip),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
