/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/: wiped counters, refunds after that, and penalties, over a fleet. */
#include "fleet_calm.h"

/* ---- clearing ---- */

static void a_wiped_counter_starts_anew_everywhere(void **state)
{
    const rl_meter_t kinds[] = {window(RL_FIXED_WINDOW, 5, HOUR),
                                window(RL_SLIDING_WINDOW, 5, HOUR), token_bucket(5, HOUR, 5)};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        set_out(&kinds[i]);
        assert_int_equal(admitted(0, 2), 2);
        assert_int_equal(admitted(1, 2), 2);
        assert_int_equal(admitted(2, 1), 1);
        assert_false(ask(2));
        refresh(2); /* the first only notes when it was */
        clear(0);
        now += 2 * SECOND;
        refresh(2);
        assert_int_equal(admitted(2, 2), 2);
        assert_int_equal(admitted(1, 2), 2);
        assert_int_equal(admitted(0, 9), 1);
        assert_int_equal(admitted(1, 9) + admitted(2, 9), 0);
    }
}

static void a_wiped_counter_that_is_lost_is_not_brought_back_by_who_wiped_it(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 5, HOUR);
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 5), 5);
    clear(0);
    assert_int_equal(admitted(0, 2), 2);
    memory_flush(&store);
    assert_int_equal(admitted(0, 9), 3);
}

static void what_is_given_back_after_a_wipe_harms_nobody(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 5, HOUR);
    rl_step_t step;
    (void)state;
    set_out(&what);
    step = ask_for(0, 3);
    clear(1);
    refund(0, &step, 3);
    assert_in_range(admitted(1, 20), 5, 8);
    assert_int_equal(admitted(0, 20), 0);
}

static void nothing_is_given_back_of_what_was_wiped(void **state)
{
    const rl_meter_t kinds[] = {window(RL_FIXED_WINDOW, 5, HOUR),
                                window(RL_SLIDING_WINDOW, 5, HOUR)};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        rl_step_t first, second;
        const unsigned other = i < 2 ? 0 : 1; /* of one server, or of another */
        set_out(&kinds[i % 2]);
        first = ask_for(0, 1);
        second = ask_for(0, 1);
        clear(other);
        now += SECOND;
        assert_int_equal(admitted(other, 2), 2);
        refund(0, &first, 1);
        refund(0, &second, 1);
        assert_int_equal(admitted(other, 9), 3);
        assert_int_equal(admitted(2, 9), 0);
    }
}

static void nothing_is_given_back_to_a_counter_that_never_had_it(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 5, HOUR);
    rl_step_t steps[3];
    (void)state;
    set_out(&what);
    for (int i = 0; i < 3; i++) {
        steps[i] = ask_for(0, 1);
    }
    memory_flush(&store);
    assert_int_equal(admitted(1, 1), 1); /* who knew of nothing */
    for (int i = 0; i < 3; i++) {
        refund(0, &steps[i], 1);
    }
    assert_int_equal(admitted(1, 9), 4);
    assert_int_equal(admitted(0, 9), 0);
}

static void without_a_store_nothing_is_given_back_of_what_was_wiped(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 5, HOUR);
    const rl_source_t source = {.ledger = &servers[0].ledger};
    rl_step_t step, later;
    (void)state;
    set_out(&what);
    rl_counter_charge(&source, OP(&key, &meter, now, 1), RL_ON_ERROR_LOCAL, &step);
    rl_counter_clear(&source, OP(&key, &meter, now + SECOND, 0));
    rl_counter_charge(&source, OP(&key, &meter, now + 2 * SECOND, 1), RL_ON_ERROR_LOCAL,
                      &later);
    rl_counter_refund(&source, OP(&key, &meter, now + 3 * SECOND, 1), step.stamp);
    rl_counter_peek(&source, OP(&key, &meter, now + 3 * SECOND, 0), &step);
    assert_int_equal(step.used, 1);
    rl_counter_refund(&source, OP(&key, &meter, now + 3 * SECOND, 1), later.stamp);
    rl_counter_peek(&source, OP(&key, &meter, now + 3 * SECOND, 0), &step);
    assert_int_equal(step.used, 0);
}

/* ---- penalties ---- */

static void a_penalty_holds_on_the_whole_fleet(void **state)
{
    rl_meter_t what = window(RL_FIXED_WINDOW, 3, MINUTE);
    rl_step_t step;
    (void)state;
    what.penalty_us = HOUR;
    set_out(&what);
    assert_int_equal(admitted(0, 3), 3);
    step = ask_for(0, 1);
    assert_false(step.granted);
    assert_int_equal(step.retry - now, HOUR);
    now += 10 * MINUTE; /* the window is long over */
    assert_false(ask(1));
    step = ask_for(2, 1);
    assert_false(step.granted);
    assert_int_equal(step.retry - now, 50 * MINUTE);
    now += 50 * MINUTE;
    assert_int_equal(admitted(1, 3) + admitted(2, 3), 3);
}

static void tries_during_a_penalty_do_not_extend_it(void **state)
{
    rl_meter_t what = window(RL_FIXED_WINDOW, 2, 30 * SECOND);
    rl_step_t step;
    (void)state;
    what.penalty_us = 13 * SECOND;
    set_out(&what);
    now += SECOND;
    assert_int_equal(admitted(0, 2), 2);
    step = ask_for(0, 1);
    assert_false(step.granted);
    assert_int_equal(step.retry - now, 29 * SECOND); /* the window is longer */
    for (int i = 0; i < 28; i++) {
        now += SECOND;
        assert_false(ask((unsigned)i % 3));
    }
    now += SECOND;
    assert_true(ask(1));
}

static void a_penalty_for_a_limit_that_was_not_exceeded_is_lifted(void **state)
{
    rl_meter_t what = window(RL_FIXED_WINDOW, 2, HOUR);
    rl_step_t step;
    (void)state;
    what.penalty_us = 3 * HOUR;
    set_out(&what);
    assert_true(ask(0));
    step = ask_for(0, 1);
    assert_true(step.granted);
    assert_false(ask(0));
    refund(0, &step, 1);
    assert_true(ask(0));
    assert_false(ask(0));
}

static void a_penalty_is_extended_by_every_try(void **state)
{
    rl_meter_t what = window(RL_FIXED_WINDOW, 1, SECOND);
    (void)state;
    what.penalty_us = 10 * MINUTE;
    what.extend = true;
    set_out(&what);
    assert_int_equal(admitted(0, 2), 1);
    for (int i = 0; i < 12; i++) {
        now += 9 * MINUTE;
        assert_false(ask((unsigned)i % 3));
    }
    now += 10 * MINUTE;
    assert_true(ask(1));
}

static void a_wiped_counter_is_free_of_its_penalty(void **state)
{
    rl_meter_t what = window(RL_FIXED_WINDOW, 3, MINUTE);
    (void)state;
    what.penalty_us = HOUR;
    set_out(&what);
    assert_int_equal(admitted(0, 4), 3);
    assert_false(ask(1));
    clear(0);
    assert_true(ask(0));
    refresh(1);
    now += 2 * SECOND;
    refresh(1);
    assert_true(ask(1));
}

static void a_penalty_that_the_store_lost_is_told_again(void **state)
{
    rl_meter_t what = window(RL_FIXED_WINDOW, 3, MINUTE);
    (void)state;
    what.penalty_us = HOUR;
    set_out(&what);
    assert_int_equal(admitted(0, 4), 3);
    refresh(0);
    memory_flush(&store);
    now += 2 * MINUTE;
    refresh(0);
    assert_false(ask(1));
}

static rl_meter_t doubling(void)
{
    rl_meter_t what = window(RL_FIXED_WINDOW, 3, SECOND);
    what.penalty_us = MINUTE;
    what.double_us = HOUR;
    return what;
}

/* Uses the limit of a window up at one server and goes over it. Returns how many minutes the
 * whole fleet denies the key for then, and lets that time pass. */
static int64_t next_penalty(unsigned server)
{
    rl_step_t step;
    int64_t began;
    now += 2 * SECOND;
    began = now;
    assert_int_equal(admitted(server, 3), 3);
    step = ask_for(server, 1);
    assert_false(step.granted);
    assert_false(ask((server + 1) % 3));
    now = step.retry - SECOND;
    assert_false(ask(server));
    assert_false(ask((server + 2) % 3));
    now = step.retry;
    assert_int_equal((step.retry - began) % MINUTE, 0);
    return (step.retry - began) / MINUTE;
}

static void further_penalties_double_whichever_server_imposes_them(void **state)
{
    static const int64_t minutes[] = {1, 2, 4, 8, 16, 32, 60, 60};
    const rl_meter_t what = doubling();
    (void)state;
    set_out(&what);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(next_penalty(i % 3), minutes[i]);
    }
    now += HOUR;
    assert_int_equal(next_penalty(0), 1);
}

/* Whoever knows the key to be over its limit denies it without asking the store. */
static void a_server_that_denies_by_what_it_knows_doubles_as_well(void **state)
{
    rl_meter_t what = doubling();
    rl_step_t step;
    (void)state;
    what.period_us = HOUR;
    what.extend = true;
    set_out(&what);
    assert_int_equal(admitted(1, 3), 3);
    assert_false(ask(0));
    now += MINUTE;
    assert_false(ask(1));
    now += 2 * MINUTE - SECOND;
    step = ask_for(2, 1);
    assert_false(step.granted);
    assert_int_equal(step.retry - now, 2 * MINUTE);
}

static void the_row_outlives_the_loss_of_the_store(void **state)
{
    const rl_meter_t what = doubling();
    (void)state;
    set_out(&what);
    assert_int_equal(next_penalty(0), 1);
    assert_int_equal(next_penalty(0), 2);
    memory_flush(&store);
    assert_int_equal(next_penalty(0), 4);
    assert_int_equal(next_penalty(1), 8);
}

static void wiping_forgets_the_row_on_the_whole_fleet(void **state)
{
    const rl_meter_t what = doubling();
    (void)state;
    set_out(&what);
    assert_int_equal(next_penalty(0), 1);
    assert_int_equal(next_penalty(1), 2);
    clear(2);
    assert_int_equal(next_penalty(0), 1);
    clear(0);
    assert_int_equal(next_penalty(1), 1);
    assert_int_equal(next_penalty(2), 2);
}

static void a_penalty_that_was_imposed_for_nothing_does_not_count(void **state)
{
    rl_meter_t what = doubling();
    rl_step_t kept, step;
    (void)state;
    set_out(&what);
    assert_int_equal(next_penalty(0), 1);
    now += 2 * SECOND;
    assert_int_equal(admitted(0, 2), 2);
    kept = ask_for(0, 1);
    step = ask_for(0, 1);
    assert_int_equal(step.retry - now, 2 * MINUTE);
    refund(0, &kept, 1);
    assert_true(ask(1));
    step = ask_for(1, 1);
    assert_int_equal(step.retry - now, 2 * MINUTE);
}

/* ---- asking without charging ---- */

static void asking_tells_what_the_fleet_has_used(const rl_meter_t *what)
{
    rl_step_t last;
    set_out(what);
    assert_int_equal(learned(0), 0);
    assert_int_equal(store.n, 0);
    assert_int_equal(admitted(0, 3), 3);
    assert_int_equal(learned(1), 3);
    last = ask_for(2, 2);
    assert_int_equal(learned(0), 5);
    assert_int_equal(learned(1), 5);
    refund(2, &last, 2);
    assert_int_equal(learned(0), 3);
    assert_int_equal(learned(1), 3);
    clear(2);
    assert_int_equal(learned(0), 0);
    assert_int_equal(learned(1), 0);
    assert_int_equal(admitted(0, 20) + admitted(1, 20), 10);
    assert_int_equal(learned(2), 10);
    memory_flush(&store);
    assert_int_equal(learned(0), 10);
}

static void asking_works_with_every_algorithm(void **state)
{
    const rl_meter_t all[] = {window(RL_FIXED_WINDOW, 10, HOUR),
                              window(RL_SLIDING_WINDOW, 10, HOUR), token_bucket(10, HOUR, 10)};
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        asking_tells_what_the_fleet_has_used(&all[i]);
    }
}

static void asking_learns_of_penalties(void **state)
{
    rl_meter_t what = window(RL_FIXED_WINDOW, 3, MINUTE);
    (void)state;
    what.penalty_us = HOUR;
    set_out(&what);
    assert_int_equal(admitted(0, 4), 3);
    now += 2 * MINUTE;
    assert_int_equal(learned(1), 0);
    assert_false(ask(1));
    clear(0);
    now += SECOND;
    assert_int_equal(learned(1), 0);
    assert_true(ask(1));
}

static void who_gets_no_answer_is_told(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 10, HOUR);
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 4), 4);
    store.fault = all_or_none;
    cut_off = true;
    assert_int_equal(learned(0), -1);
    assert_false(clear(0));
    cut_off = false;
    assert_int_equal(learned(1), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wiped_counter_starts_anew_everywhere),
        cmocka_unit_test(a_wiped_counter_that_is_lost_is_not_brought_back_by_who_wiped_it),
        cmocka_unit_test(what_is_given_back_after_a_wipe_harms_nobody),
        cmocka_unit_test(nothing_is_given_back_of_what_was_wiped),
        cmocka_unit_test(nothing_is_given_back_to_a_counter_that_never_had_it),
        cmocka_unit_test(without_a_store_nothing_is_given_back_of_what_was_wiped),
        cmocka_unit_test(a_penalty_holds_on_the_whole_fleet),
        cmocka_unit_test(tries_during_a_penalty_do_not_extend_it),
        cmocka_unit_test(a_penalty_for_a_limit_that_was_not_exceeded_is_lifted),
        cmocka_unit_test(a_penalty_is_extended_by_every_try),
        cmocka_unit_test(a_wiped_counter_is_free_of_its_penalty),
        cmocka_unit_test(a_penalty_that_the_store_lost_is_told_again),
        cmocka_unit_test(further_penalties_double_whichever_server_imposes_them),
        cmocka_unit_test(a_server_that_denies_by_what_it_knows_doubles_as_well),
        cmocka_unit_test(the_row_outlives_the_loss_of_the_store),
        cmocka_unit_test(wiping_forgets_the_row_on_the_whole_fleet),
        cmocka_unit_test(a_penalty_that_was_imposed_for_nothing_does_not_count),
        cmocka_unit_test(asking_works_with_every_algorithm),
        cmocka_unit_test(asking_learns_of_penalties),
        cmocka_unit_test(who_gets_no_answer_is_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
