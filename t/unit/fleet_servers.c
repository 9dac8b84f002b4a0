/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/: one limit for a fleet, when all goes well and when it does not,
 * under every order of events that a seeded scheduler comes upon; a seed brings it back. */
#include "fleet_world.h"

static void check_servers(uint64_t seed)
{
    for (unsigned i = 0; i < story->servers; i++) {
        if (servers[i].net > story->limit + servers[i].slack) {
            fail_msg("seed %llu: server %u let %u of %u in", (unsigned long long)seed, i,
                     servers[i].net, story->limit);
        }
    }
}

/* Requests in flight, of one server or of all. */
static unsigned asking_at(const server_t *server)
{
    unsigned n = 0;
    for (unsigned i = 0; i < story->actors; i++) {
        n += actors[i].asking && (server == NULL || actors[i].server == server);
    }
    return n;
}

static uint32_t known_to(const server_t *server)
{
    const rl_meter_t meter = meter_of(story->limit);
    rl_step_t step;
    rl_ledger_peek(&server->ledger, OP(&key, &meter, now, 0), &step);
    return step.used;
}

static void lose_everything(void)
{
    memory_flush(&store);
    losses++;
    in_flight_at_losses += asking_at(NULL);
    for (unsigned i = 0; i < story->servers; i++) {
        servers[i].known = known_to(&servers[i]);
        servers[i].since = 0;
        servers[i].asking = asking_at(&servers[i]);
        servers[i].slack += servers[i].asking * story->cost_max;
    }
}

static void what_happens(void)
{
    now += (int64_t)random_below(&rng, SECOND / 4);
    if (one_in(story->lose_one_in)) {
        lose_everything();
    }
    if (one_in(story->cut_one_in)) {
        servers[random_below(&rng, story->servers)].cut_off ^= true;
    }
}

static void run(const story_t *what, uint64_t seed)
{
    static story_t told;
    told = *what;
    told.first = with_first;
    start(&told, seed);
    while (step_one()) {
        what_happens();
    }
}

static void without_failures_exactly_the_limit_is_admitted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        const unsigned n = 1 + (unsigned)(seed % SERVERS_MAX);
        const story_t what = {.servers = n,
                              .actors = n + (unsigned)(seed % 9),
                              .requests = 20,
                              .limit = 1 + (uint32_t)(seed % 97),
                              .cost_max = 1};
        const unsigned asked = what.actors * what.requests;
        run(&what, seed);
        if (most_net > what.limit || granted != (asked < what.limit ? asked : what.limit)) {
            fail_msg("seed %llu: %u granted, %u at a time, of %u", (unsigned long long)seed,
                     granted, most_net, what.limit);
        }
    }
}

static void costs_and_refunds_never_let_more_in_than_the_limit(void **state)
{
    const story_t what = {.servers = 3,
                          .actors = 9,
                          .requests = 40,
                          .limit = 50,
                          .cost_max = 3,
                          .refund_one_in = 4};
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        run(&what, seed);
        if (most_net > what.limit) {
            fail_msg("seed %llu: %u of %u", (unsigned long long)seed, most_net, what.limit);
        }
    }
}

static unsigned over_limit(const story_t *what)
{
    return most_net > what->limit ? most_net - what->limit : 0;
}

/* All servers go on asking, so who knew most raises the counter soon. (A server that never asks
 * again can't tell; what it alone knew is lost.) */
static void a_store_that_forgets_lets_in_no_more_than_was_in_flight(void **state)
{
    unsigned most = 0, over = 0, lost = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        const story_t what = {.servers = 3,
                              .actors = 9,
                              .requests = 60,
                              .limit = 60 + (uint32_t)(seed % 100),
                              .cost_max = 1,
                              .lose_one_in = 50 + (unsigned)(seed % 600)};
        run(&what, seed);
        check_servers(seed);
        for (unsigned i = 0; i < what.servers; i++) {
            if (servers[i].since > servers[i].asking + what.limit - servers[i].known) {
                fail_msg("seed %llu: server %u let %u in who knew of %u, with %u in flight",
                         (unsigned long long)seed, i, servers[i].since, servers[i].known,
                         servers[i].asking);
            }
        }
        most = over_limit(&what) > most ? over_limit(&what) : most;
        if (over_limit(&what) > in_flight_at_losses) {
            fail_msg("seed %llu: %u over %u, but %u in flight at %u losses",
                     (unsigned long long)seed, over_limit(&what), what.limit,
                     in_flight_at_losses, losses);
        }
        over += over_limit(&what) > 0;
        lost += losses;
    }
    print_message("# %u losses: the limit was exceeded in %u of 1500 runs, by %u at most\n",
                  lost, over, most);
}

static void failures_never_let_a_server_admit_more_than_the_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        const story_t what = {.servers = 3,
                              .actors = 9,
                              .requests = 60,
                              .limit = 30 + (uint32_t)(seed % 200),
                              .cost_max = 1 + (uint32_t)(seed % 3),
                              .lose_one_in = seed % 2 == 0 ? 0 : 100,
                              .fault_one_in = 2 + (unsigned)(seed % 40),
                              .cut_one_in = 60,
                              .on_error = RL_ON_ERROR_LOCAL};
        run(&what, seed);
        check_servers(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_failures_exactly_the_limit_is_admitted),
        WITH_FIRST(without_failures_exactly_the_limit_is_admitted),
        cmocka_unit_test(costs_and_refunds_never_let_more_in_than_the_limit),
        WITH_FIRST(costs_and_refunds_never_let_more_in_than_the_limit),
        cmocka_unit_test(a_store_that_forgets_lets_in_no_more_than_was_in_flight),
        WITH_FIRST(a_store_that_forgets_lets_in_no_more_than_was_in_flight),
        cmocka_unit_test(failures_never_let_a_server_admit_more_than_the_limit),
        WITH_FIRST(failures_never_let_a_server_admit_more_than_the_limit),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
