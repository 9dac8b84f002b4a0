/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/: many requests at once, some of which don't fit. For a moment the
 * store holds the units of those that will be denied. That must not deny what would fit, nor be
 * taken for use. */
#include "fleet_world.h"

#include "core/meter/meter.h"

#define PERIOD (24 * HOUR)
#define SEEDS  4000

static rl_meter_t meter;
static uint32_t costs[ACTORS_MAX]; /* of each actor's requests; 0: drawn */
static uint32_t waits_long;        /* the least cost that was told to come back in hours */

static rl_step_t ask_for(server_t *server, uint32_t cost, int64_t at)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_step_t step;
    rl_counter_charge(&source, OP(&key, &meter, at, cost), RL_ON_ERROR_LOCAL, &step);
    if (step.granted) {
        count(server, (int)cost);
    }
    return step;
}

static void race(server_t *server)
{
    const uint32_t drawn = 1 + (uint32_t)random_below(&rng, story->cost_max);
    const uint32_t cost = costs[0] != 0 ? costs[0] : drawn;
    rl_step_t step = ask_for(server, cost, now);
    if (!step.granted && step.retry <= now) {
        step = ask_for(server, cost, now); /* as hooks/decide.c does */
    }
    if (!step.granted && step.retry > now + HOUR && cost < waits_long) {
        waits_long = cost;
    }
}

static rl_meter_t window_of(uint32_t limit)
{
    rl_meter_t window = fixed_window(limit, PERIOD);
    window.aligned = true;
    return window;
}

static rl_meter_t bucket_of(uint32_t limit)
{
    rl_meter_t bucket = {.algorithm = RL_TOKEN_BUCKET,
                         .limit = limit,
                         .burst = limit,
                         .initial = limit,
                         .period_us = PERIOD};
    rl_meter_prepare(&bucket);
    return bucket;
}

static void burst(const story_t *what, uint64_t seed, uint32_t cost)
{
    costs[0] = cost;
    start(what, seed);
    waits_long = UINT32_MAX;
    while (step_one()) {
        now += (int64_t)random_below(&rng, 100);
    }
    if (most_net > what->limit) {
        fail_msg("seed %llu: %u of %u", (unsigned long long)seed, most_net, what->limit);
    }
}

/* Returns true if who was told to come back in hours asked for more than was left in the end.
 */
static bool waits_are_right(const story_t *what)
{
    return waits_long > what->limit - net;
}

/* Returns true if the servers grant what is left, whichever is asked, and no more. */
static bool rest_is_granted(const story_t *what)
{
    const unsigned first = (unsigned)random_below(&rng, what->servers);
    while (net < what->limit) {
        if (!ask_for(&servers[(first + net) % what->servers], 1, now).granted) {
            return false;
        }
    }
    for (unsigned i = 0; i < what->servers; i++) {
        assert_false(ask_for(&servers[i], 1, now).granted);
    }
    return true;
}

static story_t racers(unsigned servers_n, uint64_t seed)
{
    return (story_t){.servers = servers_n,
                     .actors = servers_n + (unsigned)(seed % (ACTORS_MAX - servers_n + 1)),
                     .requests = 1 + (unsigned)(seed % 3),
                     .limit = 12,
                     .cost_max = 1 + (uint32_t)(seed % 7),
                     .request = race};
}

/* Of equal costs as many are granted as fit. */
static void check_equal(uint64_t seed, const story_t *what, uint32_t cost)
{
    const unsigned asked = what->actors * what->requests;
    const unsigned fit = what->limit / cost;
    if (granted != (asked < fit ? asked : fit) * cost) {
        fail_msg("seed %llu: %u of %u", (unsigned long long)seed, granted, fit * cost);
    }
}

static void equal(uint32_t cost, unsigned servers_n)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const story_t what = racers(servers_n, seed);
        burst(&what, seed, cost);
        check_equal(seed, &what, cost);
        if (!waits_are_right(&what) || !rest_is_granted(&what)) {
            fail_msg("seed %llu", (unsigned long long)seed);
        }
    }
}

/* Of three requests that don't fit, the last can see the second without the first, and take it
 * for use. With costs of all sizes, and a scheduler that switches at every command, that
 * happens in less than one burst of fifty, and is made good within a second. */
static void mixed(unsigned servers_n)
{
    unsigned wrong_waits = 0, wrong_denials = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const story_t what = racers(servers_n, seed);
        burst(&what, seed, 0);
        wrong_waits += !waits_are_right(&what);
        wrong_denials += !rest_is_granted(&what);
    }
    print_message("# of %u bursts on %u servers, %u deny for hours and %u later what fits\n",
                  SEEDS, servers_n, wrong_waits, wrong_denials);
    assert_in_range(wrong_waits, 0, SEEDS / 50);
    assert_in_range(wrong_denials, 0, servers_n > 1 ? SEEDS / 500 : 0);
}

static void a_window_grants_equal_costs_while_they_fit_and_then_the_rest(void **state)
{
    (void)state;
    meter = window_of(12);
    equal(5, 1);
    equal(5, 3);
    equal(1, 2);
}

static void a_window_grants_the_rest_after_mixed_costs(void **state)
{
    (void)state;
    meter = window_of(12);
    mixed(1);
    mixed(3);
}

static void a_sliding_window_does_so_too(void **state)
{
    (void)state;
    meter = window_of(12);
    meter.algorithm = RL_SLIDING_WINDOW;
    equal(5, 2);
    mixed(2);
}

static void a_bucket_grants_equal_costs_while_they_fit_and_then_the_rest(void **state)
{
    (void)state;
    meter = bucket_of(12);
    equal(5, 1);
    equal(5, 3);
    equal(1, 2);
}

static void a_bucket_grants_the_rest_after_mixed_costs(void **state)
{
    (void)state;
    meter = bucket_of(12);
    mixed(1);
    mixed(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_grants_equal_costs_while_they_fit_and_then_the_rest),
        cmocka_unit_test(a_window_grants_the_rest_after_mixed_costs),
        cmocka_unit_test(a_sliding_window_does_so_too),
        cmocka_unit_test(a_bucket_grants_equal_costs_while_they_fit_and_then_the_rest),
        cmocka_unit_test(a_bucket_grants_the_rest_after_mixed_costs),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
