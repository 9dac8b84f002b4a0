/* SPDX-License-Identifier: Apache-2.0 */
/* fleet/errand: what is foreseen goes to the store in one exchange; answers are taken once;
 * what was added and not taken is taken off. */
#include "fleet_calm.h"

static rl_shared_counter_t counter_at(uint64_t n)
{
    return (rl_shared_counter_t){.key = {.hi = 77, .lo = n}, .window = 3, .ttl = 60};
}

static uint64_t tally_of(unsigned incarnation, uint32_t total)
{
    return rl_tally_pack(&(rl_tally_t){.incarnation = incarnation, .total = total});
}

static void make_counter(uint64_t n, unsigned incarnation, uint32_t total)
{
    rl_store_session_t session = {.store = &store.base};
    const rl_shared_counter_t counter = counter_at(n);
    memory_ops.put(&session, &counter, tally_of(incarnation, total));
}

static uint32_t total_of(uint64_t n)
{
    const rl_shared_counter_t counter = counter_at(n);
    const int i = memory_find(&store, &counter);
    rl_tally_t tally = {.total = UINT32_MAX};
    if (i >= 0) {
        rl_tally_unpack(store.counters[i].value, &tally);
    }
    return tally.total;
}

static rl_store_session_t session_now;
static rl_errand_t errand;

/* Two additions: one to a counter that is known, one to one that may be missing. */
static void run_errand(unsigned known)
{
    const rl_shared_counter_t a = counter_at(1), b = counter_at(2);
    session_now = (rl_store_session_t){.store = &store.base};
    rl_errand_begin(&errand, &session_now);
    rl_errand_add(&errand, &a, 2, 0, known);
    rl_errand_add(&errand, &b, 3, tally_of(9, 5), 0);
    rl_errand_run(&errand, &session_now);
}

static rl_store_status_e add_units(uint64_t n, uint64_t units, uint32_t *total)
{
    const rl_shared_counter_t counter = counter_at(n);
    uint64_t value = 0;
    rl_tally_t tally;
    const rl_store_status_e status =
        session_now.store->ops->add(&session_now, &counter, units, &value);
    *total = rl_tally_unpack(value, &tally) ? tally.total : UINT32_MAX;
    return status;
}

static int open_store(void **state)
{
    (void)state;
    memory_open(&store);
    make_counter(1, 7, 10);
    return 0;
}

static void answers_are_taken_once(void **state)
{
    uint32_t total;
    (void)state;
    run_errand(7);
    assert_int_equal(store.exchanges, 1);
    assert_int_equal(add_units(1, 2, &total), RL_STORE_OK);
    assert_int_equal(total, 12);
    assert_int_equal(add_units(2, 3, &total), RL_STORE_OK);
    assert_int_equal(total, 8);
    assert_int_equal(store.operations, 2); /* and the one that made the counter */
    assert_int_equal(add_units(1, 2, &total), RL_STORE_OK);
    assert_int_equal(total, 14);
    assert_int_equal(store.operations, 3);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 14);
    assert_int_equal(total_of(2), 8);
    assert_ptr_equal(session_now.store, &store.base);
}

static void what_nobody_took_is_taken_off(void **state)
{
    uint32_t total;
    (void)state;
    run_errand(7);
    assert_int_equal(total_of(1), 12);
    assert_int_equal(add_units(2, 3, &total), RL_STORE_OK);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 10);
    assert_int_equal(total_of(2), 8);
    run_errand(7);
    store.operations = 0;
    rl_errand_end(&errand, &session_now);
    assert_int_equal(store.operations, 1); /* both at once */
    assert_int_equal(total_of(1), 10);
    assert_int_equal(total_of(2), 8);
}

static void another_operation_takes_it_off_first(void **state)
{
    const rl_shared_counter_t a = counter_at(1);
    uint32_t total;
    uint64_t value;
    (void)state;
    run_errand(7);
    assert_int_equal(add_units(1, 5, &total), RL_STORE_OK);
    assert_int_equal(total, 15);
    run_errand(7);
    session_now.store->ops->read(&session_now, &a, &value);
    assert_true(value == tally_of(7, 15));
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 15);
    run_errand(7);
    add_units(1, 2, &total);
    add_units(1, 5, &total); /* so the value in hand is none any more */
    session_now.store->ops->read(&session_now, &a, &value);
    assert_true(value == tally_of(7, 22));
    rl_errand_end(&errand, &session_now);
}

static void a_value_is_read_until_it_is_changed(void **state)
{
    const rl_shared_counter_t a = counter_at(1);
    uint32_t total;
    uint64_t value;
    (void)state;
    run_errand(7);
    add_units(1, 2, &total);
    store.operations = 0;
    assert_int_equal(session_now.store->ops->read(&session_now, &a, &value), RL_STORE_OK);
    assert_int_equal(store.operations, 0);
    assert_int_equal(session_now.store->ops->replace(&session_now, &a, value + 1), RL_STORE_OK);
    assert_int_equal(session_now.store->ops->read(&session_now, &a, &value), RL_STORE_OK);
    assert_int_equal(store.operations, 2);
    assert_true(value == tally_of(7, 13));
    rl_errand_end(&errand, &session_now);
}

/* Nobody can tell if the units are in it: they are added once more, never once too few. */
static void a_counter_that_is_another_one_is_added_to_for_sure(void **state)
{
    uint32_t total;
    (void)state;
    run_errand(6);
    assert_int_equal(add_units(1, 2, &total), RL_STORE_OK);
    assert_int_equal(total, 14);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 14);
}

static void a_counter_that_was_cleared_is_added_to_once(void **state)
{
    uint32_t total;
    (void)state;
    make_counter(1, 9 | RL_TALLY_CLEARED, 0);
    run_errand(7);
    assert_int_equal(add_units(1, 2, &total), RL_STORE_OK);
    assert_int_equal(total, 2);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 2);
}

static fault_e no_answer(void *context, rl_store_session_t *session)
{
    (void)context, (void)session;
    return FAULT_LOST_ANSWER;
}

/* Whether they were carried out isn't known: nothing is done twice, nor taken off. */
static void answers_that_are_lost_are_errors(void **state)
{
    uint32_t total;
    (void)state;
    store.fault = no_answer;
    run_errand(7);
    assert_int_equal(add_units(1, 2, &total), RL_STORE_ERROR);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 12);
    assert_int_equal(total_of(2), 8);
}

static void run_puts(void)
{
    const rl_shared_counter_t a = counter_at(1), b = counter_at(2);
    session_now = (rl_store_session_t){.store = &store.base};
    rl_errand_begin(&errand, &session_now);
    rl_errand_put(&errand, &a, tally_of(5, 1));
    rl_errand_put(&errand, &b, tally_of(6, 2));
    rl_errand_run(&errand, &session_now);
}

static rl_store_status_e put_total(uint64_t n, unsigned incarnation, uint32_t total)
{
    const rl_shared_counter_t counter = counter_at(n);
    return session_now.store->ops->put(&session_now, &counter, tally_of(incarnation, total));
}

static void values_are_put_together(void **state)
{
    (void)state;
    store.operations = 0;
    run_puts();
    assert_int_equal(put_total(1, 5, 1), RL_STORE_OK);
    assert_int_equal(put_total(2, 6, 2), RL_STORE_OK);
    assert_int_equal(store.operations, 1);
    assert_int_equal(put_total(1, 5, 3), RL_STORE_OK); /* another value */
    assert_int_equal(put_total(2, 6, 2), RL_STORE_OK); /* and again */
    assert_int_equal(store.operations, 3);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(store.operations, 3);
    assert_int_equal(total_of(1), 3);
    assert_int_equal(total_of(2), 2);
}

/* What another server does once the first value is put: adds a unit, or puts a value of its
 * own, as *context says. */
static void meanwhile(void *context)
{
    const bool *puts = context;
    rl_store_session_t session = {.store = &store.base};
    const rl_shared_counter_t a = counter_at(1);
    uint64_t value;
    store.pause = NULL;
    if (total_of(1) != 1) {
        store.pause = meanwhile;
    }
    else if (*puts) {
        make_counter(1, 8, 3);
    }
    else {
        memory_ops.add(&session, &a, 1, &value);
    }
}

static void run_puts_meanwhile(bool puts)
{
    store.pause = meanwhile;
    store.context = &puts;
    run_puts();
}

/* It was put, and what has been added since counts. */
static void a_value_that_others_have_added_to_stays(void **state)
{
    (void)state;
    run_puts_meanwhile(false);
    assert_int_equal(total_of(1), 2);
    store.operations = 0;
    assert_int_equal(put_total(1, 5, 1), RL_STORE_OK);
    assert_int_equal(put_total(2, 6, 2), RL_STORE_OK);
    assert_int_equal(store.operations, 0);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 2);
}

/* It can't be told from one that was refused. */
static void a_value_that_others_have_put_is_put_again(void **state)
{
    (void)state;
    run_puts_meanwhile(true);
    assert_int_equal(total_of(1), 3);
    store.operations = 0;
    assert_int_equal(put_total(1, 5, 1), RL_STORE_OK);
    assert_int_equal(put_total(2, 6, 2), RL_STORE_OK);
    assert_int_equal(store.operations, 1);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 1);
}

static void a_put_without_an_answer_is_repeated(void **state)
{
    (void)state;
    store.fault = no_answer;
    run_puts();
    store.fault = NULL;
    assert_int_equal(put_total(1, 5, 1), RL_STORE_OK);
    assert_int_equal(put_total(2, 6, 2), RL_STORE_OK);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 1);
    assert_int_equal(total_of(2), 2);
}

static void one_round_trip_needs_no_errand(void **state)
{
    const rl_shared_counter_t a = counter_at(1);
    (void)state;
    session_now = (rl_store_session_t){.store = &store.base};
    rl_errand_begin(&errand, &session_now);
    rl_errand_add(&errand, &a, 1, 0, 7);
    rl_errand_run(&errand, &session_now);
    assert_int_equal(store.exchanges, 0);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(total_of(1), 10);
}

/* It asks for itself; what the outer one has in hand of its counters is let go. */
static void an_errand_within_another_one(void **state)
{
    const rl_shared_counter_t a = counter_at(1), c = counter_at(3);
    rl_errand_t inner;
    uint32_t total;
    uint64_t value;
    (void)state;
    make_counter(3, 7, 30);
    run_errand(7);
    store.operations = 0;
    rl_errand_begin(&inner, &session_now);
    rl_errand_read(&inner, &a);
    rl_errand_read(&inner, &c);
    rl_errand_run(&inner, &session_now);
    assert_int_equal(store.operations, 2); /* what was added to a is taken off before */
    assert_int_equal(session_now.store->ops->read(&session_now, &a, &value), RL_STORE_OK);
    assert_true(value == tally_of(7, 10));
    assert_int_equal(session_now.store->ops->read(&session_now, &c, &value), RL_STORE_OK);
    assert_true(value == tally_of(7, 30));
    assert_int_equal(store.operations, 2);
    rl_errand_end(&inner, &session_now);
    assert_int_equal(add_units(2, 3, &total), RL_STORE_OK);
    assert_int_equal(total, 8);
    assert_int_equal(store.operations, 2);
    rl_errand_end(&errand, &session_now);
    assert_int_equal(store.operations, 2);
    assert_ptr_equal(session_now.store, &store.base);
}

int main(void)
{
#define WITH_STORE(f) cmocka_unit_test_setup(f, open_store)
    const struct CMUnitTest tests[] = {
        WITH_STORE(answers_are_taken_once),
        WITH_STORE(what_nobody_took_is_taken_off),
        WITH_STORE(another_operation_takes_it_off_first),
        WITH_STORE(a_value_is_read_until_it_is_changed),
        WITH_STORE(a_counter_that_is_another_one_is_added_to_for_sure),
        WITH_STORE(a_counter_that_was_cleared_is_added_to_once),
        WITH_STORE(answers_that_are_lost_are_errors),
        WITH_STORE(values_are_put_together),
        WITH_STORE(a_value_that_others_have_added_to_stays),
        WITH_STORE(a_value_that_others_have_put_is_put_again),
        WITH_STORE(a_put_without_an_answer_is_repeated),
        WITH_STORE(one_round_trip_needs_no_errand),
        WITH_STORE(an_errand_within_another_one),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
