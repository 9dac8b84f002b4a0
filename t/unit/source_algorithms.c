/* store/source: every algorithm, penalties and wiped counters over a fleet. */
#include "source_world.h"

#include "core/meter.h"

#define MINUTE (60 * SECOND)

static rl_meter_t meter;

static rl_meter_t bucket(uint32_t limit, int64_t period_us, uint32_t burst)
{
    rl_meter_t made = {.algorithm = RL_TOKEN_BUCKET,
                       .limit = limit,
                       .period_us = period_us,
                       .burst = burst,
                       .initial = burst};
    rl_meter_prepare(&made);
    return made;
}

static rl_meter_t window(rl_algorithm_e algorithm, uint32_t limit, int64_t period_us)
{
    return (rl_meter_t){
        .algorithm = algorithm, .aligned = true, .limit = limit, .period_us = period_us};
}

static void set_out(const rl_meter_t *what)
{
    static story_t calm;
    calm = (story_t){.servers = 3, .actors = 0, .cost_max = 1};
    start(&calm, 1);
    meter = *what;
}

/* As the limiter does it. */
static rl_step_t ask_for(unsigned server, uint32_t cost)
{
    rl_upstream_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_step_t step;
    rl_source_charge(&source, &key, &meter, now, cost, RL_ON_ERROR_LOCAL, &step);
    if (!step.granted) {
        rl_source_overrun(&source, &key, &meter, now, cost, &step);
    }
    return step;
}

static bool ask(unsigned server)
{
    return ask_for(server, 1).granted;
}

static unsigned admitted(unsigned server, unsigned n)
{
    unsigned in = 0;
    for (unsigned i = 0; i < n; i++) {
        in += ask(server);
    }
    return in;
}

static void refund(unsigned server, const rl_step_t *step, uint32_t units)
{
    rl_upstream_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_source_refund(&source, &key, &meter, step->stamp, units, now);
}

static bool clear(unsigned server)
{
    rl_upstream_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    return rl_source_clear(&source, &key, &meter, now);
}

static void refresh(unsigned server)
{
    rl_upstream_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_source_refresh(&source, &key, &meter, now);
}

/* What a server would tell of the key after it has asked; -1: there was no answer. */
static int learned(unsigned server)
{
    rl_upstream_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_step_t step;
    const bool answered = rl_source_learn(&source, &key, &meter, now);
    rl_source_peek(&source, &key, &meter, now, 0, &step);
    return answered ? (int)step.used : -1;
}

/* ---- token buckets ---- */

static void servers_share_a_bucket(void **state)
{
    const rl_meter_t what = bucket(10, MINUTE, 10);
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
    const rl_meter_t what = bucket(3, MINUTE, 2);
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
    const rl_meter_t what = bucket(1000, MINUTE, 1000);
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
    const rl_meter_t what = bucket(1, SECOND, 5);
    (void)state;
    set_out(&what);
    for (int day = 0; day < 5; day++) {
        assert_int_equal(admitted(0, 3) + admitted(1, 3) + admitted(2, 3), 5);
        now += 24 * HOUR;
    }
}

static void a_refund_puts_tokens_back_for_all(void **state)
{
    const rl_meter_t what = bucket(1, MINUTE, 3);
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
    const rl_meter_t what = bucket(1, MINUTE, 10);
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

static bool cut_off;

static fault_e all_or_none(void *context, rl_upstream_session_t *session)
{
    (void)context;
    (void)session;
    return cut_off ? FAULT_REFUSED : FAULT_NONE;
}

static void what_a_bucket_owes_drains(void **state)
{
    const rl_meter_t what = bucket(6, MINUTE, 6);
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
        rl_upstream_session_t session;
        const rl_source_t source = source_of(self->server, &session);
        rl_step_t step;
        rl_source_charge(&source, &key, &meter, now, 1, RL_ON_ERROR_LOCAL, &step);
        flood.admitted += step.granted;
        leave(NULL);
    }
    self->done = true;
}

static bool step_one(void)
{
    const unsigned first = (unsigned)random_below(&rng, story->actors);
    for (unsigned i = 0; i < story->actors; i++) {
        actor_t *actor = &actors[(first + i) % story->actors];
        if (!actor->done) {
            running = actor;
            swapcontext(&home, &actor->context);
            running = NULL;
            return true;
        }
    }
    return false;
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
        const rl_meter_t what = bucket(1 + (uint32_t)(seed % 50), SECOND, 5);
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
        const rl_meter_t what = bucket(1, HOUR, 5);
        rl_upstream_session_t session;
        start(&how, seed);
        meter = what;
        const rl_source_t source = source_of(&servers[0], &session);
        rl_step_t step;
        rl_source_charge(&source, &key, &meter, now - 10 * HOUR, 1, RL_ON_ERROR_LOCAL, &step);
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

/* ---- clearing ---- */

static void a_wiped_counter_starts_anew_everywhere(void **state)
{
    const rl_meter_t kinds[] = {window(RL_FIXED_WINDOW, 5, HOUR),
                                window(RL_SLIDING_WINDOW, 5, HOUR), bucket(5, HOUR, 5)};
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
    rl_source_charge(&source, &key, &meter, now, 1, RL_ON_ERROR_LOCAL, &step);
    rl_source_clear(&source, &key, &meter, now + SECOND);
    rl_source_charge(&source, &key, &meter, now + 2 * SECOND, 1, RL_ON_ERROR_LOCAL, &later);
    rl_source_refund(&source, &key, &meter, step.stamp, 1, now + 3 * SECOND);
    rl_source_peek(&source, &key, &meter, now + 3 * SECOND, 0, &step);
    assert_int_equal(step.used, 1);
    rl_source_refund(&source, &key, &meter, later.stamp, 1, now + 3 * SECOND);
    rl_source_peek(&source, &key, &meter, now + 3 * SECOND, 0, &step);
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
                              window(RL_SLIDING_WINDOW, 10, HOUR), bucket(10, HOUR, 10)};
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
        cmocka_unit_test(asking_works_with_every_algorithm),
        cmocka_unit_test(asking_learns_of_penalties),
        cmocka_unit_test(who_gets_no_answer_is_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
