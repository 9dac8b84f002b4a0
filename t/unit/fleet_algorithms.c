/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/: every algorithm over a fleet. */
#include "fleet_calm.h"

/* ---- token buckets ---- */

static void servers_share_a_bucket(void **state)
{
    const rl_meter_t what = token_bucket(10, MINUTE, 10);
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 4), 4);
    assert_int_equal(admitted(1, 4), 4);
    assert_int_equal(admitted(2, 9), 2);
    assert_int_equal(admitted(0, 9), 0);
    assert_int_equal(admitted(1, 9), 0);
    now += 6 * SECOND; /* a token */
    assert_int_equal(admitted(1, 3) + admitted(0, 3) + admitted(2, 3), 1);
    now += 12 * SECOND;
    assert_int_equal(admitted(2, 1) + admitted(0, 3) + admitted(1, 3), 2);
}

static void a_denied_key_knows_when_to_come_back(void **state)
{
    const rl_meter_t what = token_bucket(3, MINUTE, 2);
    rl_step_t step;
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 2), 2);
    now += SECOND;
    step = ask_for(1, 1);
    assert_false(step.granted);
    assert_in_range(step.retry - now, 18 * SECOND, 20 * SECOND);
    now = step.retry - SECOND;
    assert_false(ask(1));
    now += SECOND;
    assert_true(ask(1));
}

static void a_bucket_in_use_costs_one_round_trip(void **state)
{
    const rl_meter_t what = token_bucket(1000, MINUTE, 1000);
    unsigned before;
    (void)state;
    set_out(&what);
    ask(0);
    ask(0);
    before = store.operations;
    assert_int_equal(admitted(0, 100), 100);
    assert_int_equal(store.operations, before + 100);
    now += 10 * MINUTE; /* it is full again */
    before = store.operations;
    assert_true(ask(0));
    assert_in_range(store.operations, before + 2, before + 3); /* and a read once a second */
}

static void a_bucket_that_was_idle_holds_no_more_than_its_size(void **state)
{
    const rl_meter_t what = token_bucket(1, SECOND, 5);
    (void)state;
    set_out(&what);
    for (int day = 0; day < 5; day++) {
        assert_int_equal(admitted(0, 3) + admitted(1, 3) + admitted(2, 3), 5);
        now += 24 * HOUR;
    }
}

static void a_refund_puts_tokens_back_for_all(void **state)
{
    const rl_meter_t what = token_bucket(1, MINUTE, 3);
    rl_step_t step;
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 2), 2);
    step = ask_for(1, 1);
    assert_true(step.granted);
    assert_false(ask(2));
    refund(1, &step, 1);
    now += 2 * SECOND;
    refresh(2);
    now += 2 * SECOND;
    refresh(2);
    assert_int_equal(admitted(2, 3), 1);
    now += 3 * MINUTE;
    refund(1, &step, 1); /* it has drained long since */
    assert_int_equal(admitted(0, 9), 3);
}

static void a_bucket_that_is_lost_is_made_anew(void **state)
{
    const rl_meter_t what = token_bucket(1, MINUTE, 10);
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 2), 2);
    assert_int_equal(admitted(1, 5), 5);
    memory_flush(&store);
    assert_int_equal(admitted(0, 1), 1);   /* who knows of 2, and counts 3 */
    assert_int_equal(admitted(1, 1), 1);   /* who knows of 7, and raises it */
    assert_in_range(admitted(2, 9), 1, 2); /* what was counted in between may be forgotten */
    assert_int_equal(admitted(0, 9), 0);
}

static void what_a_bucket_owes_drains(void **state)
{
    const rl_meter_t what = token_bucket(6, MINUTE, 6);
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 1), 1);
    store.fault = all_or_none;
    cut_off = true;
    for (int i = 0; i < 60; i++) { /* an hour on its own */
        now += MINUTE;
        assert_int_equal(admitted(0, 6), 6);
    }
    cut_off = false;
    now += MINUTE / 2;
    assert_int_equal(admitted(0, 1), 1);
    assert_int_equal(admitted(1, 9), 2);
}

/* Actors that ask as often as they can while time goes by. */
typedef struct flood {
    int64_t began;
    unsigned admitted;
} flood_t;

static flood_t flood;

static void flooding(void)
{
    actor_t *self = running;
    for (unsigned i = 0; i < story->requests; i++) {
        rl_store_session_t session;
        const rl_source_t source = source_of(self->server, &session);
        rl_step_t step;
        rl_counter_charge(&source, OP(&key, &meter, now, 1), RL_ON_ERROR_LOCAL, &step);
        flood.admitted += step.granted;
        leave(NULL);
    }
    self->done = true;
}

static void run_flood(const rl_meter_t *what, const story_t *how, uint64_t seed, int64_t tick)
{
    start(how, seed);
    meter = *what;
    for (unsigned i = 0; i < how->actors; i++) {
        makecontext(&actors[i].context, flooding, 0);
    }
    flood = (flood_t){.began = now};
    while (step_one()) {
        now += (int64_t)random_below(&rng, (uint64_t)tick);
        if (one_in(story->lose_one_in)) { /* a pause: the bucket fills up */
            now += 10 * MINUTE;
        }
    }
}

/* burst + rate × time is what may be admitted; every request is timed by the clock of its
 * start, so one that was on its way when a token came counts for it. */
static void a_flood_gets_what_the_bucket_promises(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        const story_t how = {.servers = 3, .actors = 3 + (unsigned)(seed % 9), .requests = 200};
        const rl_meter_t what = token_bucket(1 + (uint32_t)(seed % 50), SECOND, 5);
        run_flood(&what, &how, seed, SECOND / 100);
        const double most = 5 + (double)(now - flood.began) * what.limit / SECOND;
        if (flood.admitted > most + 1) {
            fail_msg("seed %llu: %u admitted of %g", (unsigned long long)seed, flood.admitted,
                     most);
        }
    }
}

static void after_a_pause_a_flood_gets_a_bucket_once(void **state)
{
    unsigned worst = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        const story_t how = {.servers = 3, .actors = 9, .requests = 20};
        const rl_meter_t what = token_bucket(1, HOUR, 5);
        rl_store_session_t session;
        start(&how, seed);
        meter = what;
        const rl_source_t source = source_of(&servers[0], &session);
        rl_step_t step;
        rl_counter_charge(&source, OP(&key, &meter, now - 10 * HOUR, 1), RL_ON_ERROR_LOCAL,
                          &step);
        for (unsigned i = 0; i < how.actors; i++) {
            makecontext(&actors[i].context, flooding, 0);
        }
        flood = (flood_t){.began = now};
        while (step_one()) {
        }
        worst = flood.admitted > worst ? flood.admitted : worst;
        assert_true(flood.admitted <= 5);
        assert_true(flood.admitted >= 4);
    }
    print_message("# the most that any of 500 floods got of 5: %u\n", worst);
}

/* ---- sliding windows ---- */

static void the_window_before_counts_on_servers_that_never_saw_it(void **state)
{
    const rl_meter_t what = window(RL_SLIDING_WINDOW, 10, HOUR);
    (void)state;
    set_out(&what);
    now = NOON + HOUR / 2;
    assert_int_equal(admitted(0, 10), 10);
    now = NOON + HOUR; /* all of it counts */
    assert_int_equal(admitted(1, 5), 0);
    now = NOON + HOUR + HOUR / 2; /* half of it */
    assert_int_equal(admitted(1, 9), 5);
    assert_int_equal(admitted(2, 9), 0);
    assert_int_equal(admitted(0, 9), 0);
    now = NOON + 2 * HOUR - SECOND;
    assert_int_equal(admitted(2, 9) + admitted(0, 9), 4);
}

static void sliding_windows_cost_one_read_more_in_each(void **state)
{
    const rl_meter_t what = window(RL_SLIDING_WINDOW, 1000, HOUR);
    unsigned before;
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 10), 10);
    now += HOUR;
    before = store.reads;
    assert_int_equal(admitted(0, 10), 10);
    assert_in_range(store.reads, before + 1, before + 2); /* the other one keeps it alive */
    before = store.operations;
    assert_int_equal(admitted(0, 100), 100);
    assert_int_equal(store.operations, before + 100);
}

/* ---- costs ---- */

static void large_costs_fit_or_leave_no_trace(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 8000000, HOUR);
    (void)state;
    set_out(&what);
    assert_true(ask_for(0, 3000000).granted);
    assert_true(ask_for(1, 3000000).granted);
    assert_false(ask_for(2, 3000000).granted);
    assert_true(ask_for(2, 2000000).granted);
    assert_false(ask(0));
    assert_false(ask(1));
}

static void a_free_request_asks_nobody(void **state)
{
    const rl_meter_t what = window(RL_FIXED_WINDOW, 3, HOUR);
    (void)state;
    set_out(&what);
    assert_int_equal(admitted(0, 5), 3);
    store.operations = 0;
    assert_true(ask_for(0, 0).granted);
    assert_true(ask_for(1, 0).granted);
    assert_int_equal(store.operations, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_share_a_bucket),
        cmocka_unit_test(a_denied_key_knows_when_to_come_back),
        cmocka_unit_test(a_bucket_in_use_costs_one_round_trip),
        cmocka_unit_test(a_bucket_that_was_idle_holds_no_more_than_its_size),
        cmocka_unit_test(a_refund_puts_tokens_back_for_all),
        cmocka_unit_test(a_bucket_that_is_lost_is_made_anew),
        cmocka_unit_test(what_a_bucket_owes_drains),
        cmocka_unit_test(a_flood_gets_what_the_bucket_promises),
        cmocka_unit_test(after_a_pause_a_flood_gets_a_bucket_once),
        cmocka_unit_test(the_window_before_counts_on_servers_that_never_saw_it),
        cmocka_unit_test(sliding_windows_cost_one_read_more_in_each),
        cmocka_unit_test(large_costs_fit_or_leave_no_trace),
        cmocka_unit_test(a_free_request_asks_nobody),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
