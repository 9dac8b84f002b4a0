/* store/source: one limit for a fleet, when all goes well and when it does not.
 *
 * The simulation runs several "servers", each with a ledger of its own, on one store in memory.
 * Their requests are coroutines that a seeded scheduler switches while a command or its answer
 * is on its way, so that every order of events comes up, and a seed brings it back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "core/tally.h"
#include "store/source.h"
#include "support.h"
#include "upstream_memory.h"

#define SECOND RL_USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define NOON   (INT64_C(1700049600) * SECOND)

#define SERVERS_MAX 4
#define ACTORS_MAX  12
#define STACK_SIZE  (64 * 1024)

typedef struct server {
    rl_ledger_t ledger;
    void *memory;
    bool cut_off;    /* its connection fails */
    unsigned net;    /* units granted and not given back */
    unsigned known;  /* by its ledger, when the store last lost everything */
    unsigned since;  /* granted since then */
    unsigned asking; /* requests of this server that were in flight then */
    unsigned slack;  /* units that could be in flight at any such moment */
} server_t;

typedef struct actor {
    ucontext_t context;
    server_t *server;
    bool done;
    bool asking; /* a request is in flight */
} actor_t;

/* What happens in a run. */
typedef struct story {
    unsigned servers, actors, requests; /* per actor */
    uint32_t limit;
    uint32_t cost_max;
    unsigned refund_one_in; /* 0: never */
    unsigned lose_one_in;   /* scheduler steps */
    unsigned fault_one_in;  /* operations */
    unsigned cut_one_in;    /* scheduler steps until a server is cut off or connected again */
    rl_on_error_e on_error;
} story_t;

static server_t servers[SERVERS_MAX];
static actor_t actors[ACTORS_MAX];
static char stacks[ACTORS_MAX][STACK_SIZE] __attribute__((aligned(64)));
static ucontext_t home;
static actor_t *running;
static memory_upstream_t store;
static const story_t *story;
static uint64_t rng;
static int64_t now;
static unsigned granted, net, most_net, in_flight_at_losses, losses;
static const rl_digest_t key = {.hi = 0x1234, .lo = 0x5678};

static rl_meter_t meter_of(uint32_t limit)
{
    rl_meter_t meter = fixed_window(limit, 24 * HOUR);
    meter.aligned = true;
    return meter;
}

static bool one_in(unsigned n)
{
    return n > 0 && random_below(&rng, n) == 0;
}

/* ---- the world ---- */

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
    rl_ledger_peek(&server->ledger, &key, &meter, now, 0, &step);
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

static void leave(void *context)
{
    (void)context;
    if (running != NULL) {
        swapcontext(&running->context, &home);
    }
}

static fault_e fault_of(void *context, rl_upstream_session_t *session)
{
    (void)context;
    (void)session;
    if (running == NULL) {
        return FAULT_NONE;
    }
    if (running->server->cut_off) {
        return FAULT_REFUSED;
    }
    return one_in(story->fault_one_in) ? (fault_e)(1 + random_below(&rng, 3)) : FAULT_NONE;
}

static rl_source_t source_of(const server_t *server, rl_upstream_session_t *session)
{
    *session = (rl_upstream_session_t){.upstream = &store.base};
    return (rl_source_t){.ledger = &server->ledger,
                         .session = session,
                         .incarnation = rl_tally_incarnation(random_bits(&rng))};
}

static void count(server_t *server, int units)
{
    server->net += (unsigned)units;
    server->since += (unsigned)units;
    net += (unsigned)units;
    granted += units > 0 ? (unsigned)units : 0;
    most_net = net > most_net ? net : most_net;
}

/* One request, on behalf of the running actor. */
static void request(server_t *server)
{
    const rl_meter_t meter = meter_of(story->limit);
    const uint32_t cost = 1 + (uint32_t)random_below(&rng, story->cost_max);
    rl_upstream_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_step_t step;
    bool counted = rl_source_charge(&source, &key, &meter, now, cost, story->on_error, &step);
    if (!step.granted) {
        rl_source_refresh(&source, &key, &meter, now);
        return;
    }
    if (!counted) {
        return;
    }
    count(server, (int)cost);
    if (one_in(story->refund_one_in)) {
        count(server, -(int)cost);
        rl_source_refund(&source, &key, &meter, step.stamp, cost);
    }
}

static void act(void)
{
    actor_t *self = running;
    for (unsigned i = 0; i < story->requests; i++) {
        self->asking = true;
        request(self->server);
        self->asking = false;
        leave(NULL);
    }
    self->done = true;
}

/* ---- a run ---- */

static void start(const story_t *what, uint64_t seed)
{
    story = what;
    rng = seed;
    now = NOON;
    granted = net = most_net = in_flight_at_losses = losses = 0;
    memory_open(&store);
    store.fault = fault_of;
    store.pause = leave;
    for (unsigned i = 0; i < what->servers; i++) {
        void *memory = servers[i].memory;
        memset(&servers[i], 0, sizeof(servers[i]));
        servers[i].memory = memory != NULL ? memory : aligned_alloc(64, RL_LEDGER_SIZE_MIN);
        memset(servers[i].memory, 0, RL_LEDGER_SIZE_MIN);
        rl_ledger_open(&servers[i].ledger, servers[i].memory, RL_LEDGER_SIZE_MIN);
    }
    for (unsigned i = 0; i < what->actors; i++) {
        actors[i].server = &servers[i % what->servers];
        actors[i].done = actors[i].asking = false;
        getcontext(&actors[i].context);
        actors[i].context.uc_stack.ss_sp = stacks[i];
        actors[i].context.uc_stack.ss_size = STACK_SIZE;
        actors[i].context.uc_link = &home;
        makecontext(&actors[i].context, act, 0);
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

static void check_servers(uint64_t seed)
{
    for (unsigned i = 0; i < story->servers; i++) {
        if (servers[i].net > story->limit + servers[i].slack) {
            fail_msg("seed %llu: server %u let %u of %u in", (unsigned long long)seed, i,
                     servers[i].net, story->limit);
        }
    }
}

static void run(const story_t *what, uint64_t seed)
{
    start(what, seed);
    while (step_one()) {
        what_happens();
    }
}

/* ---- one request after the other ---- */

static fault_e script[32];
static unsigned script_at, script_end;

static fault_e next_of_script(void *context, rl_upstream_session_t *session)
{
    (void)context;
    (void)session;
    return script_at < script_end ? script[script_at++] : FAULT_NONE;
}

/* What happens to the next n operations. */
static void next(fault_e fault, unsigned n)
{
    script_at = script_end = 0;
    while (script_end < n) {
        script[script_end++] = fault;
    }
}

/* Two servers at rest. */
static void set_out(uint32_t limit)
{
    static story_t calm;
    calm = (story_t){.servers = 2, .actors = 0, .limit = limit, .cost_max = 1};
    start(&calm, 1);
    next(FAULT_NONE, 0);
    store.fault = next_of_script;
}

static bool ask(server_t *server, rl_on_error_e on_error)
{
    const rl_meter_t meter = meter_of(story->limit);
    rl_upstream_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_step_t step;
    rl_source_charge(&source, &key, &meter, now, 1, on_error, &step);
    return step.granted;
}

static unsigned admitted(server_t *server, unsigned n)
{
    unsigned in = 0;
    for (unsigned i = 0; i < n; i++) {
        in += ask(server, RL_ON_ERROR_LOCAL);
    }
    return in;
}

static void refresh(server_t *server)
{
    const rl_meter_t meter = meter_of(story->limit);
    rl_upstream_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_source_refresh(&source, &key, &meter, now);
}

static void refund(server_t *server)
{
    const rl_meter_t meter = meter_of(story->limit);
    rl_upstream_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_step_t step;
    rl_source_peek(&source, &key, &meter, now, 0, &step);
    rl_source_refund(&source, &key, &meter, step.stamp, 1);
}

static rl_tally_t shared(void)
{
    rl_tally_t tally = {0};
    assert_int_equal(store.n, 1);
    assert_true(rl_tally_unpack(store.counters[0].value, &tally));
    return tally;
}

static void a_key_over_its_limit_asks_nobody_but_looks_once_a_second(void **state)
{
    unsigned before;
    (void)state;
    set_out(5);
    assert_int_equal(admitted(&servers[0], 7), 5);
    refresh(&servers[0]);
    before = store.operations;
    assert_int_equal(admitted(&servers[0], 100), 0);
    for (int i = 0; i < 35; i++) {
        refresh(&servers[0]);
        now += SECOND / 10;
    }
    assert_int_equal(store.operations, before + 3);
    assert_int_equal(store.reads, 3);
}

static void a_steady_key_costs_one_round_trip(void **state)
{
    unsigned before;
    (void)state;
    set_out(1000);
    admitted(&servers[0], 1);
    before = store.operations;
    assert_int_equal(admitted(&servers[0], 100), 100);
    assert_int_equal(store.operations, before + 100);
    for (int i = 0; i < 30; i++) {
        admitted(&servers[0], 1);
        now += SECOND / 10;
    }
    assert_in_range(store.reads, 2, 3);
}

static void what_was_granted_without_the_store_is_added_when_it_answers(void **state)
{
    (void)state;
    set_out(10);
    assert_int_equal(admitted(&servers[0], 2), 2);
    next(FAULT_REFUSED, 3);
    assert_int_equal(admitted(&servers[0], 3), 3);
    assert_int_equal(shared().total, 2);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 6);
    assert_int_equal(admitted(&servers[1], 9), 4);
    assert_int_equal(admitted(&servers[0], 9), 0);
}

static void a_full_key_tells_the_store_of_its_debt(void **state)
{
    (void)state;
    set_out(10);
    admitted(&servers[0], 1);
    refresh(&servers[0]);
    next(FAULT_REFUSED, 9);
    assert_int_equal(admitted(&servers[0], 20), 9);
    assert_int_equal(shared().total, 1);
    next(FAULT_NONE, 0);
    now += SECOND;
    refresh(&servers[0]);
    assert_int_equal(shared().total, 10);
    assert_int_equal(admitted(&servers[1], 5), 0);
}

/* Each attempt that times out costs a unit, not all that is owed. */
static void time_outs_do_not_count_a_debt_twice(void **state)
{
    (void)state;
    set_out(1000);
    admitted(&servers[0], 1);
    next(FAULT_LOST_ANSWER, 20);
    assert_int_equal(admitted(&servers[0], 20), 20);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 1 + 20 + 20 + 1);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 43);
}

static void a_counter_that_is_lost_starts_from_what_is_known(void **state)
{
    (void)state;
    set_out(10);
    admitted(&servers[0], 7);
    memory_flush(&store);
    assert_int_equal(admitted(&servers[0], 5), 3);
    assert_int_equal(shared().seed, 7);
    assert_int_equal(admitted(&servers[1], 5), 0);
}

static void a_counter_that_somebody_made_from_less_is_raised_by_who_knew_more(void **state)
{
    (void)state;
    set_out(20);
    admitted(&servers[0], 12);
    memory_flush(&store);
    assert_int_equal(admitted(&servers[1], 3), 3);
    assert_int_equal(shared().seed, 0);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().seed, 12);
    assert_int_equal(shared().total, 16);
    assert_int_equal(admitted(&servers[0], 9) + admitted(&servers[1], 9), 4);
}

static void a_raise_that_fails_is_made_up_for(void **state)
{
    const fault_e faults[] = {FAULT_REFUSED, FAULT_LOST_REQUEST, FAULT_LOST_ANSWER};
    (void)state;
    for (int i = 0; i < 3; i++) {
        set_out(20);
        admitted(&servers[0], 12);
        memory_flush(&store);
        admitted(&servers[1], 3);
        next(FAULT_NONE, 2);
        script[1] = faults[i]; /* the addition is answered, the raise isn't */
        assert_int_equal(admitted(&servers[0], 1), 1);
        assert_in_range(admitted(&servers[0], 30), 4, 4);
        assert_int_equal(shared().seed, 12);
        assert_int_equal(admitted(&servers[0], 30) + admitted(&servers[1], 30), 0);
    }
}

static void a_key_over_its_limit_restores_its_counter(void **state)
{
    (void)state;
    set_out(5);
    admitted(&servers[0], 6);
    refresh(&servers[0]);
    memory_flush(&store);
    now += SECOND;
    refresh(&servers[0]);
    assert_int_equal(shared().total, 5);
    assert_int_equal(admitted(&servers[1], 5), 0);
}

static void units_given_back_elsewhere_can_be_had_a_second_later(void **state)
{
    (void)state;
    set_out(5);
    assert_int_equal(admitted(&servers[0], 5), 5);
    assert_int_equal(admitted(&servers[1], 3), 0);
    refresh(&servers[1]);
    refund(&servers[0]);
    assert_int_equal(admitted(&servers[1], 3), 0);
    now += SECOND;
    refresh(&servers[1]);
    assert_int_equal(admitted(&servers[1], 3), 1);
    assert_int_equal(admitted(&servers[0], 3), 0);
}

static void a_unit_that_is_owed_is_given_back_here(void **state)
{
    (void)state;
    set_out(10);
    admitted(&servers[0], 1);
    next(FAULT_REFUSED, 3);
    admitted(&servers[0], 3);
    refund(&servers[0]);
    assert_int_equal(shared().total, 1);
    assert_int_equal(admitted(&servers[0], 1), 1);
    assert_int_equal(shared().total, 4);
}

static void on_error_decides_without_the_store(void **state)
{
    (void)state;
    set_out(3);
    next(FAULT_REFUSED, 20);
    for (int i = 0; i < 5; i++) {
        assert_true(ask(&servers[0], RL_ON_ERROR_ALLOW));
        assert_false(ask(&servers[0], RL_ON_ERROR_DENY));
    }
    next(FAULT_NONE, 0);
    assert_int_equal(admitted(&servers[0], 9), 3);
    next(FAULT_REFUSED, 20);
    assert_false(ask(&servers[0], RL_ON_ERROR_ALLOW)); /* it is known to be full */
    assert_int_equal(script_at, 0);
}

static void a_number_of_somebody_elses_is_no_count(void **state)
{
    const uint64_t numbers[] = {0, 5, UINT64_MAX - 100, UINT64_C(65535) << 48};
    (void)state;
    for (int i = 0; i < 4; i++) {
        set_out(10);
        admitted(&servers[0], 1);
        store.counters[0].value = numbers[i];
        assert_int_equal(admitted(&servers[0], 30), 9);
    }
}

static void a_window_that_has_ended_leaves_nothing(void **state)
{
    (void)state;
    set_out(5);
    next(FAULT_REFUSED, 3);
    admitted(&servers[0], 3);
    next(FAULT_NONE, 0);
    admitted(&servers[0], 9);
    now += 24 * HOUR;
    assert_int_equal(admitted(&servers[0], 3), 3);
    assert_int_equal(admitted(&servers[1], 9), 2);
    assert_int_equal(store.n, 2);
}

static void a_counter_is_remembered_for_two_periods_and_a_month_at_most(void **state)
{
    const int64_t periods[] = {1, 60, 86400, 10 * 86400, 15 * 86400, 30 * 86400};
    (void)state;
    for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
        const rl_meter_t meter = fixed_window(5, periods[i] * SECOND);
        rl_upstream_session_t session;
        rl_source_t source;
        rl_step_t step;
        uint32_t ttl;
        set_out(5);
        source = source_of(&servers[0], &session);
        rl_source_charge(&source, &key, &meter, now, 1, RL_ON_ERROR_LOCAL, &step);
        ttl = store.counters[0].name.ttl;
        assert_true(ttl <= 30 * 86400);
        assert_true(ttl == 30 * 86400 || (ttl > 2 * periods[i] && ttl <= 2 * periods[i] + 600));
    }
}

static void two_stores_have_cells_of_their_own_in_one_ledger(void **state)
{
    const rl_meter_t meter = meter_of(2);
    (void)state;
    set_out(2);
    for (uint64_t salt = 0; salt < 3; salt++) {
        unsigned in = 0;
        memory_flush(&store);
        for (int i = 0; i < 5; i++) {
            rl_upstream_session_t session;
            rl_source_t source = source_of(&servers[0], &session);
            rl_step_t step;
            source.salt = (rl_digest_t){.hi = salt << 40, .lo = salt << 40};
            rl_source_charge(&source, &key, &meter, now, 1, RL_ON_ERROR_LOCAL, &step);
            in += step.granted;
        }
        assert_int_equal(in, 2);
        assert_true(store.counters[0].name.key.hi == key.hi); /* the store knows no salt */
    }
}

static void without_a_session_the_ledger_is_the_whole_truth(void **state)
{
    const rl_meter_t meter = meter_of(3);
    const rl_source_t source = {.ledger = &servers[0].ledger};
    unsigned in = 0;
    (void)state;
    set_out(3);
    for (int i = 0; i < 6; i++) {
        rl_step_t step;
        assert_true(rl_source_charge(&source, &key, &meter, now, 1, RL_ON_ERROR_DENY, &step));
        in += step.granted;
        rl_source_refresh(&source, &key, &meter, now);
    }
    assert_int_equal(in, 3);
    assert_int_equal(store.operations, 0);
}

static void a_limit_too_high_to_be_shared_is_counted_here(void **state)
{
    (void)state;
    set_out(RL_TALLY_LIMIT + 1);
    assert_int_equal(admitted(&servers[0], 10), 10);
    assert_int_equal(store.operations, 0);
    set_out(RL_TALLY_LIMIT);
    assert_int_equal(admitted(&servers[0], 10), 10);
    assert_true(store.operations >= 10);
}

/* ---- a fleet ---- */

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
        cmocka_unit_test(a_key_over_its_limit_asks_nobody_but_looks_once_a_second),
        cmocka_unit_test(a_steady_key_costs_one_round_trip),
        cmocka_unit_test(what_was_granted_without_the_store_is_added_when_it_answers),
        cmocka_unit_test(a_full_key_tells_the_store_of_its_debt),
        cmocka_unit_test(time_outs_do_not_count_a_debt_twice),
        cmocka_unit_test(a_counter_that_is_lost_starts_from_what_is_known),
        cmocka_unit_test(a_counter_that_somebody_made_from_less_is_raised_by_who_knew_more),
        cmocka_unit_test(a_raise_that_fails_is_made_up_for),
        cmocka_unit_test(a_key_over_its_limit_restores_its_counter),
        cmocka_unit_test(units_given_back_elsewhere_can_be_had_a_second_later),
        cmocka_unit_test(a_unit_that_is_owed_is_given_back_here),
        cmocka_unit_test(on_error_decides_without_the_store),
        cmocka_unit_test(a_number_of_somebody_elses_is_no_count),
        cmocka_unit_test(a_window_that_has_ended_leaves_nothing),
        cmocka_unit_test(a_counter_is_remembered_for_two_periods_and_a_month_at_most),
        cmocka_unit_test(two_stores_have_cells_of_their_own_in_one_ledger),
        cmocka_unit_test(without_a_session_the_ledger_is_the_whole_truth),
        cmocka_unit_test(a_limit_too_high_to_be_shared_is_counted_here),
        cmocka_unit_test(without_failures_exactly_the_limit_is_admitted),
        cmocka_unit_test(costs_and_refunds_never_let_more_in_than_the_limit),
        cmocka_unit_test(a_store_that_forgets_lets_in_no_more_than_was_in_flight),
        cmocka_unit_test(failures_never_let_a_server_admit_more_than_the_limit),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
