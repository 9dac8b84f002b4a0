/* SPDX-License-Identifier: Apache-2.0 */
/* fleet/errand, limiter/ahead: what the rules of a request ask of the store goes there in one
 * exchange; answers are taken once; what was added and not taken is taken off. */
#include "fleet_calm.h"

#include "core/meter/marker_word.h"
#include "fleet/notes.h"
#include "limiter/limiter.h"

static const rl_digest_t keys[] = {
    {.hi = 11, .lo = 20}, {.hi = 12, .lo = 31}, {.hi = 13, .lo = 42}, {.hi = 14, .lo = 53}};

/* ---- the errand by itself ---- */

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

static void add_meanwhile(void *context)
{
    rl_store_session_t session = {.store = &store.base};
    const rl_shared_counter_t a = counter_at(1);
    uint64_t value;
    (void)context;
    store.pause = NULL;
    if (total_of(1) == 1) {
        memory_ops.add(&session, &a, 1, &value);
    }
    else {
        store.pause = add_meanwhile;
    }
}

/* It can't be told from one that was refused. */
static void a_value_that_others_have_changed_is_put_again(void **state)
{
    (void)state;
    store.pause = add_meanwhile;
    run_puts();
    assert_int_equal(total_of(1), 2);
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

/* ---- requests ---- */

static rl_claim_t claim_of(int k, const rl_meter_t *what)
{
    rl_claim_t claim = {.op = {.key = keys[k], .meter = *what, .cost = 1, .rule = (uint8_t)k}};
    rl_meter_prepare(&claim.op.meter);
    return claim;
}

/* A request of n rules that are alike. Returns the commands that it waited for; -1: denied. */
static int trips_of(unsigned server, const rl_meter_t *what, int n)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_claim_t claims[4];
    store.operations = 0;
    for (int i = 0; i < n; i++) {
        claims[i] = claim_of(i, what);
    }
    return rl_limiter_decide(&source, claims, n, now) < 0 ? (int)store.operations : -1;
}

static void any_number_of_rules_takes_one_round_trip(void **state)
{
    const rl_meter_t fixed = window(RL_FIXED_WINDOW, 1000, MINUTE);
    const rl_meter_t sliding = window(RL_SLIDING_WINDOW, 1000, MINUTE);
    rl_meter_t penalty = fixed;
    (void)state;
    penalty.penalty_us = MINUTE;
    for (int n = 1; n <= 4; n++) {
        set_out(&fixed);
        for (int i = 0; i < 6; i++) { /* two windows; each time the counter is to be read */
            assert_int_equal(trips_of(0, &fixed, n), 1);
            assert_int_equal(trips_of(1, &fixed, n), 1);
            now += 25 * SECOND;
        }
        set_out(&sliding);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(trips_of(0, &sliding, n), 1);
            now += 25 * SECOND;
        }
        set_out(&penalty);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(trips_of(0, &penalty, n), 1);
            now += 25 * SECOND;
        }
    }
}

static void with_window_first_it_does_once_the_window_has_begun(void **state)
{
    rl_meter_t first = window(RL_FIRST_WINDOW, 1000, HOUR);
    (void)state;
    first.aligned = false;
    set_out(&first);
    trips_of(0, &first, 4);
    for (int i = 0; i < 4; i++) {
        now += 2 * SECOND;
        assert_int_equal(trips_of(0, &first, 4), 1);
    }
}

/* The time of a full bucket is moved up, which is asked for each by itself. */
static void idle_buckets_are_read_together(void **state)
{
    const rl_meter_t bucket = token_bucket(600, MINUTE, 600);
    (void)state;
    set_out(&bucket);
    trips_of(0, &bucket, 4);
    now += MINUTE;
    assert_int_equal(trips_of(0, &bucket, 4), 1 + 4);
    assert_int_equal(trips_of(0, &bucket, 4), 1);
}

static void what_a_denied_request_added_is_taken_off(void **state)
{
    const rl_meter_t wide = window(RL_FIXED_WINDOW, 100, HOUR);
    const rl_meter_t narrow = window(RL_FIXED_WINDOW, 3, HOUR);
    (void)state;
    set_out(&wide);
    for (unsigned i = 0; i < 5; i++) { /* the last two on servers that don't know of all */
        rl_store_session_t session;
        const rl_source_t source = source_of(&servers[i % 3], &session);
        rl_claim_t claims[] = {claim_of(0, &wide), claim_of(1, &narrow), claim_of(2, &wide)};
        assert_int_equal(rl_limiter_decide(&source, claims, 3, now), i < 3 ? -1 : 1);
        /* others here may have seen units that are taken off */
        assert_int_equal(rl_doubt_is_noted(source.ledger, &claims[2].op, claims[2].step.window),
                         i >= 3);
    }
    for (int i = 0; i < store.n; i++) {
        rl_tally_t tally;
        assert_true(rl_tally_unpack(store.counters[i].value, &tally));
        assert_int_equal(tally.total, 3);
    }
}

static void what_is_given_back_takes_one_round_trip(void **state)
{
    const rl_meter_t fixed = window(RL_FIXED_WINDOW, 100, HOUR);
    rl_claim_t claims[4];
    (void)state;
    set_out(&fixed);
    trips_of(0, &fixed, 4);
    for (int i = 0; i < 4; i++) {
        claims[i] = claim_of(i, &fixed);
    }
    for (int round = 0; round < 2; round++) {
        rl_store_session_t session;
        const rl_source_t source = source_of(&servers[1], &session);
        assert_int_equal(rl_limiter_decide(&source, claims, 4, now), -1);
        store.operations = 0;
        rl_limiter_refund(&source, claims, 4, now);
        assert_int_equal(store.operations, 1);
        rl_limiter_refund(&source, claims, 4, now);
        assert_int_equal(store.operations, 1);
    }
    for (int i = 0; i < store.n; i++) {
        rl_tally_t tally;
        assert_true(rl_tally_unpack(store.counters[i].value, &tally));
        assert_int_equal(tally.total, 1);
    }
}

/* Values that other requests hold as well, beside units. */
static void values_are_given_back_in_one_round_trip(void **state)
{
    const rl_meter_t fixed = window(RL_FIXED_WINDOW, 100, HOUR);
    rl_claim_t claims[2][3];
    (void)state;
    set_out(&fixed);
    for (int r = 0; r < 2; r++) {
        rl_store_session_t session;
        const rl_source_t source = source_of(&servers[0], &session);
        for (int i = 0; i < 3; i++) {
            claims[r][i] = claim_of(i, &fixed);
            claims[r][i].distinct.value.lo = i < 2 ? 99 : 0;
        }
        assert_int_equal(rl_limiter_decide(&source, claims[r], 3, now), -1);
    }
    for (int r = 0; r < 2; r++) {
        rl_store_session_t session;
        const rl_source_t source = source_of(&servers[0], &session);
        store.operations = 0;
        rl_limiter_refund(&source, claims[r], 3, now);
        /* the last one empties each marker, and then gives the units back */
        assert_int_equal(store.operations, r == 0 ? 1 : 1 + 2 * 2);
    }
    for (int i = 0; i < store.n; i++) {
        rl_tally_t tally;
        const rl_marker_state_t marker = rl_marker_state(store.counters[i].value);
        assert_int_equal(marker.units, 0);
        assert_true(!rl_tally_unpack(store.counters[i].value, &tally) || tally.total == 0 ||
                    rl_marker_word_is_valid(store.counters[i].value));
    }
}

/* Returns the commands that clearing the counters of n rules that are alike waits for. */
static unsigned trips_to_clear(unsigned server, const rl_meter_t *what, int n)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_claim_t claims[4], *all[4];
    for (int i = 0; i < n; i++) {
        claims[i] = claim_of(i, what);
        all[i] = &claims[i];
    }
    store.operations = 0;
    rl_limiter_clear_together(&source, all, n, now);
    return store.operations;
}

static void what_is_cleared_takes_one_round_trip(void **state)
{
    rl_meter_t meters[] = {window(RL_FIXED_WINDOW, 9, HOUR), window(RL_SLIDING_WINDOW, 9, HOUR),
                           window(RL_FIRST_WINDOW, 9, HOUR), token_bucket(9, HOUR, 9),
                           window(RL_FIXED_WINDOW, 9, HOUR)};
    (void)state;
    meters[2].aligned = false;
    meters[4].penalty_us = MINUTE;
    for (unsigned m = 0; m < 5; m++) {
        for (int n = 1; n <= 4; n++) {
            set_out(&meters[m]);
            for (int i = 0; i < 4; i++) {
                trips_of(0, &meters[m], n);
            }
            assert_int_equal(trips_to_clear(0, &meters[m], n), 1);
            now += SECOND;
            for (int i = 0; i < 9; i++) { /* every one of them is there again, */
                assert_true(trips_of((unsigned)i % 2, &meters[m], n) > 0);
            }
            assert_int_equal(trips_of(0, &meters[m], n), -1); /* and no more */
        }
    }
}

/* Returns the commands that it takes to compare a key that is denied with what the store
 * knows. */
static unsigned trips_to_refresh(const rl_meter_t *what)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[0], &session);
    rl_claim_t claim = claim_of(0, what);
    rl_source_bind(&source, &claim.op, now);
    store.operations = 0;
    rl_counter_refresh(&source, &claim.op);
    return store.operations;
}

static void a_denied_key_is_compared_in_one_round_trip(void **state)
{
    rl_meter_t meters[] = {window(RL_FIXED_WINDOW, 2, HOUR), window(RL_SLIDING_WINDOW, 2, HOUR),
                           token_bucket(2, HOUR, 2), window(RL_FIXED_WINDOW, 2, HOUR),
                           window(RL_FIRST_WINDOW, 2, HOUR)};
    (void)state;
    meters[3].penalty_us = MINUTE;
    meters[4].aligned = false;
    for (unsigned m = 0; m < 5; m++) {
        set_out(&meters[m]);
        while (trips_of(0, &meters[m], 1) > 0) {
        }
        now += SECOND;
        assert_int_equal(trips_to_refresh(&meters[m]), m < 4 ? 1 : 3);
        assert_int_equal(trips_to_refresh(&meters[m]), 0);
        now += SECOND;
        memory_flush(&store); /* it is told again; the exemption is missing anyway */
        trips_to_refresh(&meters[m]);
        assert_int_equal(store.n, m < 3 ? 1 : 2);
    }
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

static int pauses;

/* While the first answer is on its way, the store loses everything, and another request of the
 * same server makes the counter anew. */
static void meanwhile(void *context)
{
    rl_meter_t *fixed = context;
    if (++pauses == 3) {
        memory_flush(&store);
        trips_of(0, fixed, 1);
    }
}

/* What is known is looked up before the store is asked: else the counter that answered would be
 * taken for one that is newer than the noted one. */
static void a_counter_that_is_made_anew_meanwhile_gets_every_unit_once(void **state)
{
    rl_meter_t fixed = window(RL_FIXED_WINDOW, 100, HOUR);
    rl_tally_t tally;
    (void)state;
    set_out(&fixed);
    for (int i = 0; i < 3; i++) {
        trips_of(0, &fixed, 2);
    }
    pauses = 0;
    store.pause = meanwhile;
    store.context = &fixed;
    trips_of(0, &fixed, 2);
    store.pause = NULL;
    for (int i = 0; i < store.n; i++) {
        assert_true(rl_tally_unpack(store.counters[i].value, &tally));
        assert_int_equal(tally.total, store.counters[i].name.key.hi == keys[0].hi ? 5 : 4);
    }
}

static void a_lost_counter_is_made_anew_from_what_is_known(void **state)
{
    const rl_meter_t fixed = window(RL_FIXED_WINDOW, 5, HOUR);
    int in = 0;
    (void)state;
    set_out(&fixed);
    for (int i = 0; i < 10; i++) {
        in += trips_of(0, &fixed, 3) > 0;
        if (i % 2 == 0) {
            memory_flush(&store);
        }
    }
    assert_int_equal(in, 5);
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
        WITH_STORE(a_value_that_others_have_changed_is_put_again),
        WITH_STORE(a_put_without_an_answer_is_repeated),
        WITH_STORE(one_round_trip_needs_no_errand),
        cmocka_unit_test(any_number_of_rules_takes_one_round_trip),
        cmocka_unit_test(with_window_first_it_does_once_the_window_has_begun),
        cmocka_unit_test(idle_buckets_are_read_together),
        cmocka_unit_test(what_a_denied_request_added_is_taken_off),
        cmocka_unit_test(what_is_given_back_takes_one_round_trip),
        WITH_STORE(an_errand_within_another_one),
        cmocka_unit_test(a_denied_key_is_compared_in_one_round_trip),
        cmocka_unit_test(values_are_given_back_in_one_round_trip),
        cmocka_unit_test(what_is_cleared_takes_one_round_trip),
        cmocka_unit_test(a_counter_that_is_made_anew_meanwhile_gets_every_unit_once),
        cmocka_unit_test(a_lost_counter_is_made_anew_from_what_is_known),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
