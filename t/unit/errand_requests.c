/* SPDX-License-Identifier: Apache-2.0 */
/* fleet/errand, limiter/ahead, limiter/batch: what the rules of a request ask of the store,
 * give back, wipe and compare goes there in one exchange. */
#include "fleet_calm.h"

#include "core/meter/marker_word.h"
#include "fleet/notes.h"
#include "limiter/limiter.h"

static const rl_digest_t keys[] = {
    {.hi = 11, .lo = 20}, {.hi = 12, .lo = 31}, {.hi = 13, .lo = 42}, {.hi = 14, .lo = 53}};

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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_rules_takes_one_round_trip),
        cmocka_unit_test(with_window_first_it_does_once_the_window_has_begun),
        cmocka_unit_test(idle_buckets_are_read_together),
        cmocka_unit_test(what_a_denied_request_added_is_taken_off),
        cmocka_unit_test(what_is_given_back_takes_one_round_trip),
        cmocka_unit_test(a_denied_key_is_compared_in_one_round_trip),
        cmocka_unit_test(values_are_given_back_in_one_round_trip),
        cmocka_unit_test(what_is_cleared_takes_one_round_trip),
        cmocka_unit_test(a_counter_that_is_made_anew_meanwhile_gets_every_unit_once),
        cmocka_unit_test(a_lost_counter_is_made_anew_from_what_is_known),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
