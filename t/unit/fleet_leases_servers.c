/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/counter, fleet/ with leases: several servers, threads of them and their keepers at
 * once, while requests and answers are late or lost, children are killed, servers restart, and
 * traffic comes and goes; under every order of events that a seeded scheduler comes upon. Never
 * more than the limit is admitted; how much of it nobody could use is reported. */
#include "core/meter/first_window.h"
#include "fleet_world.h"

#define MILLISECOND (SECOND / 1000)
#define WINDOWS_MAX 64
#define FIRST_MAX   4096
#define GRANTS_MAX  65536

/* What differs from run to run. */
typedef struct traffic {
    rl_meter_t meter;
    int64_t duration;            /* of all, microseconds */
    int64_t step_us;             /* mean time between two events */
    int64_t gap_us[SERVERS_MAX]; /* mean time between requests of one thread */
    int64_t shift_us;            /* every other such time a server has no requests; 0: never */
    unsigned refund_one_in, kill_one_in, restart_one_in, quit_one_in;
} traffic_t;

typedef struct grant {
    int64_t at;
    uint32_t cost;
} grant_t;

static const traffic_t *traffic;
static unsigned used[WINDOWS_MAX]; /* units that were granted and not given back */
/* window=first: the same, and when each window began. */
static struct {
    unsigned used;
    uint64_t start;
} firsts[FIRST_MAX];
static unsigned nfirst;
static grant_t grants[GRANTS_MAX];
static unsigned ngrants, requests, denied, late;
static uint64_t run_seed;

static bool is_bucket(void)
{
    return traffic->meter.algorithm == RL_TOKEN_BUCKET;
}

static unsigned window_at(int64_t time)
{
    return (unsigned)((time - NOON) / traffic->meter.period_us);
}

static bool is_first(void)
{
    return traffic->meter.algorithm == RL_FIRST_WINDOW;
}

static unsigned *used_in_first(uint32_t number)
{
    for (unsigned i = nfirst; i-- > 0;) {
        if ((uint32_t)firsts[i].start == number) {
            return &firsts[i].used;
        }
    }
    assert_true(nfirst < FIRST_MAX);
    firsts[nfirst].used = 0;
    firsts[nfirst].start = rl_first_window_numbered(number, now);
    return &firsts[nfirst++].used;
}

/* Of all windows that this moment lies in: there is to be one. */
static void check_first(void)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < nfirst; i++) {
        const bool lasts = rl_first_window_end(&traffic->meter, firsts[i].start) > now;
        sum += lasts ? firsts[i].used : 0;
    }
    if (sum > traffic->meter.limit) {
        fail_msg("seed %llu: %u of %u in %u windows", (unsigned long long)run_seed, sum,
                 traffic->meter.limit, nfirst);
    }
}

static unsigned *used_in(uint64_t stamp)
{
    if (is_first()) {
        return used_in_first((uint32_t)stamp);
    }
    const uint32_t first = (uint32_t)(NOON / traffic->meter.period_us);
    return &used[((uint32_t)stamp - first) % WINDOWS_MAX];
}

/* Of a sliding window, what the one before counts for. */
static unsigned weighted(const unsigned *window, int64_t time)
{
    const int64_t period = traffic->meter.period_us;
    const int64_t left = period - (time - NOON) % period;
    const unsigned before = window > used ? window[-1] : 0;
    return traffic->meter.algorithm == RL_SLIDING_WINDOW
               ? (unsigned)(((int64_t)before * left + period - 1) / period)
               : 0;
}

static void check_window(const unsigned *window)
{
    /* Requests that began in the window before may be counted there now. */
    const unsigned slack = traffic->meter.algorithm == RL_SLIDING_WINDOW ? late : 0;
    const bool is_now = window == &used[window_at(now) % WINDOWS_MAX];
    const unsigned sum = *window + (is_now ? weighted(window, now) : 0);
    if (sum > traffic->meter.limit + slack) {
        fail_msg("seed %llu: %u of %u in window %d (algorithm %d, previous counts %u)",
                 (unsigned long long)run_seed, sum, traffic->meter.limit, (int)(window - used),
                 traffic->meter.algorithm, weighted(window, now));
    }
}

static void count_grant(int64_t asked, const rl_step_t *step, uint32_t cost)
{
    if (is_bucket()) {
        assert_true(ngrants < GRANTS_MAX);
        grants[ngrants++] = (grant_t){.at = asked, .cost = cost};
        return;
    }
    late += window_at(asked) != window_at(now);
    *used_in(step->stamp) += cost;
    if (is_first()) {
        check_first();
        return;
    }
    check_window(used_in(step->stamp));
}

static void ask(server_t *server)
{
    const uint32_t cost = 1 + (uint32_t)random_below(&rng, story->cost_max);
    const int64_t asked = now;
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_step_t step;
    requests++;
    rl_counter_charge(&source, OP(&key, &traffic->meter, asked, cost), RL_ON_ERROR_DENY, &step);
    if (!step.granted) {
        denied++;
        rl_counter_refresh(&source, OP(&key, &traffic->meter, asked, 0));
        return;
    }
    granted += cost;
    count_grant(asked, &step, cost);
    if (!is_bucket() && one_in(traffic->refund_one_in)) {
        leave(NULL);
        *used_in(step.stamp) -= cost;
        rl_counter_refund(&source, OP(&key, &traffic->meter, now, cost), step.stamp);
    }
}

static void wait_for(int64_t us)
{
    const int64_t until = now + us;
    while (now < until) {
        leave(NULL);
    }
}

static bool is_over(void)
{
    return now >= NOON + traffic->duration;
}

static void keep(server_t *server)
{
    wait_for(SECOND / 4);
    if (!is_over() && server->leases != NULL) {
        rl_store_session_t session;
        const rl_source_t source = source_of(server, &session);
        rl_keeper_tend(&source, now, false);
    }
}

static bool is_quiet(unsigned n)
{
    return traffic->shift_us > 0 && ((now - NOON) / traffic->shift_us + n) % 2 == 1;
}

/* The first actor of each server is its keeper, the others ask. */
static void live(server_t *server)
{
    const unsigned n = (unsigned)(server - servers);
    while (!is_over()) {
        if ((unsigned)(running - actors) < story->servers) {
            keep(server);
        }
        else if (is_quiet(n)) {
            wait_for(10 * MILLISECOND);
        }
        else {
            ask(server);
            wait_for((int64_t)random_below(&rng, 2 * (uint64_t)traffic->gap_us[n]));
        }
    }
}

/* All that is under way in the server's process is never heard of again. */
static void kill_children(unsigned n)
{
    servers[n].leases = rl_lease_list_create(keepers);
    for (unsigned i = 0; i < story->actors; i++) {
        if (actors[i].server == &servers[n]) {
            begin(&actors[i]);
        }
    }
}

static void quit(unsigned n)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[n], &session);
    rl_keeper_tend(&source, now, true);
    kill_children(n);
}

static void what_happens(void)
{
    const unsigned n = (unsigned)random_below(&rng, story->servers);
    now += (int64_t)random_below(&rng, 2 * (uint64_t)traffic->step_us);
    if (one_in(traffic->kill_one_in)) {
        kill_children(n);
    }
    if (one_in(traffic->quit_one_in)) {
        quit(n);
    }
    if (one_in(traffic->restart_one_in)) { /* and its memory is lost */
        kill_children(n);
        memset(servers[n].memory, 0, RL_LEDGER_SIZE_MIN);
    }
    if (one_in(story->cut_one_in)) {
        servers[n].cut_off ^= true;
    }
}

static int by_time(const void *a, const void *b)
{
    const grant_t *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* A bucket of its own that is asked for what was granted, in order. */
static void check_bucket(void)
{
    uint64_t words[RL_METER_WORDS] = {0};
    rl_step_t step;
    qsort(grants, ngrants, sizeof(grants[0]), by_time);
    for (unsigned i = 0; i < ngrants; i++) {
        rl_meter_charge(OP(&key, &traffic->meter, grants[i].at, grants[i].cost), words, &step);
        if (!step.granted) {
            fail_msg("seed %llu: %u of %u: no room in the bucket %lld us after the start",
                     (unsigned long long)run_seed, i, ngrants,
                     (long long)(grants[i].at - NOON));
        }
        words[0] = step.value;
    }
}

static void run(const story_t *what, const traffic_t *how, uint64_t seed)
{
    run_seed = seed;
    traffic = how;
    memset(used, 0, sizeof(used));
    ngrants = requests = denied = late = nfirst = 0;
    start(what, seed);
    while (step_one()) {
        what_happens();
    }
    if (is_bucket()) {
        check_bucket();
    }
}

/* ---- stories ---- */

static rl_meter_t windows(rl_algorithm_e algorithm, uint32_t limit, int64_t period_us)
{
    return (rl_meter_t){
        .algorithm = algorithm, .aligned = true, .limit = limit, .period_us = period_us};
}

static story_t fleet(uint64_t seed)
{
    const unsigned n = 1 + (unsigned)(seed % SERVERS_MAX);
    return (story_t){.servers = n,
                     .actors = n * 3 <= ACTORS_MAX ? n * 3 : ACTORS_MAX,
                     .requests = 1,
                     .cost_max = 1 + (uint32_t)(seed / 7 % 5 == 0) * 4,
                     .leases = true,
                     .request = live};
}

/* From one request in two seconds to a thousand in one; a server may have none to speak of. */
static traffic_t traffic_of(uint64_t seed, rl_meter_t meter)
{
    uint64_t draws = seed * 77 + 1;
    traffic_t made = {.meter = meter,
                      .duration = 3 * SECOND,
                      .step_us = MILLISECOND,
                      .refund_one_in = seed % 3 == 0 ? 3 : 0};
    made.shift_us = seed / 4 % 3 > 0 ? SECOND * 2 / 5 << random_below(&draws, 3) : 0;
    for (unsigned i = 0; i < SERVERS_MAX; i++) {
        made.gap_us[i] = MILLISECOND << random_below(&draws, 10);
    }
    return made;
}

static rl_meter_t meter_number(uint64_t seed)
{
    uint64_t draws = seed * 31 + 7;
    const uint32_t limit = 1 + (uint32_t)random_below(&draws, 2000);
    if (with_first) {
        return windows(RL_FIRST_WINDOW, seed % 2 == 0 ? limit : 1 + limit / 100,
                       SECOND << random_below(&draws, 3));
    }
    switch (seed % 4) {
    case 0:
        return windows(RL_SLIDING_WINDOW, limit, SECOND << random_below(&draws, 3));
    case 1:
        return token_bucket(limit, SECOND, 1 + (uint32_t)random_below(&draws, 2 * limit));
    default:
        return windows(RL_FIXED_WINDOW, limit, SECOND << random_below(&draws, 4));
    }
}

/* Of a limit that more was asked for, what nobody got. */
typedef struct unspent {
    uint64_t limits, units;
    unsigned most; /* per mille of a limit */
} unspent_t;

static void add_unspent(unspent_t *sum, uint32_t limit, uint32_t spent)
{
    const unsigned share = (limit - spent) * 1000 / limit;
    sum->limits += limit;
    sum->units += limit - spent;
    sum->most = share > sum->most ? share : sum->most;
}

static void no_more_than_the_limit_is_admitted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        const story_t what = fleet(seed);
        const traffic_t how = traffic_of(seed, meter_number(seed));
        run(&what, &how, seed);
    }
}

static void nor_when_answers_are_lost_and_processes_killed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        story_t what = fleet(seed);
        traffic_t how = traffic_of(seed, meter_number(seed));
        what.fault_one_in = 2 + (unsigned)(seed % 50);
        what.cut_one_in = seed % 5 == 0 ? 300 : 0;
        how.kill_one_in = 500;
        how.quit_one_in = 700;
        how.restart_one_in = seed % 4 == 1 ? 0 : 900;
        run(&what, &how, seed);
    }
}

/* One window with more asked than it has: what is missing in the end is in leases. */
static void use_up(const char *title, unsigned kill_one_in)
{
    unspent_t unspent = {0};
    uint64_t asked = 0, trips = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t draws = seed;
        const uint32_t limit = 50 + (uint32_t)random_below(&draws, 800);
        story_t what = fleet(seed);
        traffic_t how = traffic_of(seed, windows(RL_FIXED_WINDOW, limit, HOUR));
        what.cost_max = 1;
        how.refund_one_in = 0;
        how.kill_one_in = kill_one_in;
        for (unsigned i = 0; i < SERVERS_MAX; i++) {
            how.gap_us[i] = MILLISECOND << random_below(&draws, 4);
        }
        run(&what, &how, seed);
        if (requests > limit + limit / 4) {
            add_unspent(&unspent, limit, used[0]);
        }
        asked += requests;
        trips += store.operations;
    }
    print_message(
        "# %s: %.3f round trips a request; of the limits %.2f %% were left unspent, of "
        "one %.1f %%\n",
        title, (double)trips / (double)asked,
        100.0 * (double)unspent.units / (double)unspent.limits, unspent.most / 10.0);
    assert_in_range(unspent.units * 100, 0, unspent.limits);
}

static void the_limit_is_used_up(void **state)
{
    (void)state;
    use_up("more asked than the limit", 0);
    use_up("the same, with children killed", 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_than_the_limit_is_admitted),
        WITH_FIRST(no_more_than_the_limit_is_admitted),
        cmocka_unit_test(nor_when_answers_are_lost_and_processes_killed),
        WITH_FIRST(nor_when_answers_are_lost_and_processes_killed),
        cmocka_unit_test(the_limit_is_used_up),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
