/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/limiter, limiter/ahead, fleet/errand: requests with several rules ask the store for
 * all of them together, and others' commands come between any two of theirs, under every order
 * of events that a seeded scheduler comes upon. Units are neither granted twice nor lost. */
#include "fleet_world.h"

#include "core/meter/tally.h"
#include "limiter/limiter.h"

#define KEYS 4

/* A key of each kind, on both servers of the store. */
static const rl_digest_t keys[KEYS] = {
    {.hi = 11, .lo = 20}, {.hi = 12, .lo = 31}, {.hi = 13, .lo = 42}, {.hi = 14, .lo = 53}};
static const rl_algorithm_e kinds[KEYS] = {RL_FIXED_WINDOW, RL_SLIDING_WINDOW, RL_FIRST_WINDOW,
                                           RL_TOKEN_BUCKET};
static unsigned nets[KEYS]; /* units granted and not given back */
static int over;            /* the key of which more than the limit was granted; -1: none */
static uint64_t seed_now;
static bool penalties;

static rl_meter_t meter_on(int k)
{
    rl_meter_t meter = {.algorithm = kinds[k],
                        .aligned = kinds[k] != RL_FIRST_WINDOW,
                        .limit = story->limit,
                        .burst = story->limit,
                        .initial = story->limit,
                        .period_us = 24 * HOUR};
    if (penalties && k == 0) {
        meter.penalty_us = 2 * SECOND;
    }
    rl_meter_prepare(&meter);
    return meter;
}

static rl_claim_t claim_on(int k, uint32_t cost)
{
    return (rl_claim_t){
        .op = {.key = keys[k], .meter = meter_on(k), .cost = cost, .rule = (uint8_t)k},
        .on_error = story->on_error};
}

static void charge_net(int k, int units)
{
    nets[k] += (unsigned)units;
    if (nets[k] > story->limit + in_flight_at_losses) {
        over = k;
    }
}

/* Gives back what was granted; it counts as given back from when that begins. */
static void give_back(const rl_source_t *source, rl_claim_t *claims, const int *which, int n)
{
    for (int i = 0; i < n; i++) {
        if (claims[i].charged) {
            charge_net(which[i], -(int)claims[i].op.cost);
        }
    }
    rl_limiter_refund(source, claims, n, now);
}

/* Rules of one request on some of the keys, each key once. */
static void request_together(server_t *server)
{
    const int n = 1 + (int)random_below(&rng, KEYS), first = (int)random_below(&rng, KEYS);
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_claim_t claims[KEYS];
    int which[KEYS], denied;
    for (int i = 0; i < n; i++) {
        which[i] = (first + i) % KEYS;
        claims[i] = claim_on(which[i], 1 + (uint32_t)random_below(&rng, story->cost_max));
    }
    denied = rl_limiter_decide(&source, claims, n, now);
    for (int i = 0; i < n; i++) {
        if (claims[i].charged) {
            charge_net(which[i], (int)claims[i].op.cost);
        }
    }
    if (denied >= 0) {
        rl_counter_refresh(&source, &claims[denied].op);
    }
    else if (one_in(story->refund_one_in)) {
        give_back(&source, claims, which, n);
    }
}

static void run(const story_t *what, uint64_t seed)
{
    static story_t told;
    told = *what;
    told.request = what->request != NULL ? what->request : request_together;
    memset(nets, 0, sizeof(nets));
    over = -1;
    seed_now = seed;
    penalties = seed % 3 == 0;
    start(&told, seed);
    while (step_one()) {
        now += (int64_t)random_below(&rng, SECOND / 200); /* a request takes no second */
        if (one_in(story->lose_one_in)) {
            memory_flush(&store);
            in_flight_at_losses += story->actors;
        }
        if (one_in(story->cut_one_in)) {
            servers[random_below(&rng, story->servers)].cut_off ^= true;
        }
    }
    if (over >= 0) {
        fail_msg("seed %llu, key %d: more than %u", (unsigned long long)seed, over,
                 story->limit);
    }
}

/* Returns the units that the store holds of a key, in whatever windows. */
static uint64_t units_in_store(int k)
{
    uint64_t units = 0;
    for (int i = 0; i < store.n; i++) {
        rl_tally_t tally;
        if (store.counters[i].name.key.hi == keys[k].hi &&
            store.counters[i].name.key.lo == keys[k].lo &&
            rl_tally_unpack(store.counters[i].value, &tally)) {
            units += tally.total;
        }
    }
    return units;
}

/* Returns how many more units a server is granted of a key that nobody else asks for. */
static unsigned units_left(server_t *server, int k)
{
    unsigned left = 0, denials = 0;
    while (denials < 4 && left <= story->limit) {
        rl_store_session_t session;
        const rl_source_t source = source_of(server, &session);
        rl_claim_t claim = claim_on(k, 1);
        if (rl_limiter_decide(&source, &claim, 1, now) < 0) {
            left++;
        }
        else {
            rl_counter_refresh(&source, &claim.op);
            denials++;
            now += 5 * SECOND;
        }
    }
    return left;
}

static void check_exact(void)
{
    for (int k = 0; k < KEYS; k++) {
        const bool window = kinds[k] != RL_TOKEN_BUCKET;
        unsigned left;
        if (kinds[k] == RL_FIRST_WINDOW) { /* one that closes may leave units behind */
            assert_true(units_in_store(k) >= nets[k]);
            continue;
        }
        if (window && units_in_store(k) != nets[k]) {
            fail_msg("seed %llu, key %d: %u granted, %u in the store",
                     (unsigned long long)seed_now, k, nets[k], (unsigned)units_in_store(k));
        }
        if (penalties && k == 0) {
            continue; /* it outlasts the window */
        }
        left = units_left(&servers[0], k);
        if (nets[k] + left != story->limit) {
            fail_msg("seed %llu, key %d: %u granted, then %u, of %u",
                     (unsigned long long)seed_now, k, nets[k], left, story->limit);
        }
    }
}

/* Clears some of the keys together now and then. */
static void request_or_clear(server_t *server)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_claim_t claims[KEYS], *all[KEYS];
    const int first = (int)random_below(&rng, KEYS), n = 1 + (int)random_below(&rng, KEYS);
    if (!one_in(8)) {
        request_together(server);
        return;
    }
    for (int i = 0; i < n; i++) {
        claims[i] = claim_on((first + i) % KEYS, 1);
        all[i] = &claims[i];
    }
    rl_limiter_clear_together(&source, all, n, now);
    for (int i = 0; i < n; i++) {
        nets[(first + i) % KEYS] = 0;
    }
}

/* What is cleared is there again: all of it, or what was charged since. And this server and the
 * store agree on that. */
static void what_is_cleared_together_can_be_charged_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        const story_t what = {.servers = 1 + (unsigned)(seed % SERVERS_MAX),
                              .actors = 1 + (unsigned)(seed % 9),
                              .requests = 18,
                              .limit = 64 + (uint32_t)(seed % 61),
                              .cost_max = 1,
                              .request = request_or_clear};
        run(&what, seed);
        for (int k = penalties; k < 2; k++) { /* a penalty outlasts the window */
            const uint64_t used = units_in_store(k);
            const unsigned left = units_left(&servers[0], k);
            if (used + left != story->limit) {
                fail_msg("seed %llu, key %d: %u used, %u left, of %u", (unsigned long long)seed,
                         k, (unsigned)used, left, story->limit);
            }
        }
    }
}

static void without_failures_no_unit_is_lost_or_granted_twice(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        const unsigned n = 1 + (unsigned)(seed % SERVERS_MAX);
        const story_t what = {.servers = n,
                              .actors = n + (unsigned)(seed % 9),
                              .requests = 18,
                              .limit = 64 + (uint32_t)(seed % 61),
                              .cost_max = 1 + (uint32_t)(seed % 2),
                              .refund_one_in = seed % 5 == 0 ? 3 : 0};
        run(&what, seed);
        check_exact();
    }
}

static void a_store_that_fails_never_lets_in_more_than_the_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        const story_t what = {.servers = 3,
                              .actors = 9,
                              .requests = 20,
                              .limit = 68 + (uint32_t)(seed % 61),
                              .cost_max = 1,
                              .refund_one_in = seed % 5 == 0 ? 3 : 0,
                              .fault_one_in = 2 + (unsigned)(seed % 20),
                              .cut_one_in = seed % 2 == 0 ? 40 : 0,
                              .on_error = RL_ON_ERROR_DENY};
        run(&what, seed);
        for (int k = 0; k < 2; k++) {
            assert_true(units_in_store(k) >= nets[k]);
        }
    }
}

static void a_store_that_forgets_lets_in_no_more_than_was_in_flight(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        const story_t what = {.servers = 3,
                              .actors = 9,
                              .requests = 30,
                              .limit = 94 + (uint32_t)(seed % 61),
                              .cost_max = 1,
                              .lose_one_in = 50 + (unsigned)(seed % 600),
                              .on_error = RL_ON_ERROR_DENY};
        run(&what, seed);
    }
}

/* ---- values ---- */

#define VALUES 5

static int holders[KEYS][VALUES]; /* requests that were granted and not given back */

static rl_claim_t claim_of_value(int k, int value)
{
    uint64_t state = 7919u * (unsigned)(value + 1);
    rl_claim_t claim = {.op = {.key = keys[k], .cost = 1, .rule = (uint8_t)k},
                        .on_error = RL_ON_ERROR_DENY};
    claim.op.meter = (rl_meter_t){.algorithm = RL_FIXED_WINDOW,
                                  .aligned = true,
                                  .limit = k == 2 ? story->limit : VALUES - 1,
                                  .period_us = 24 * HOUR};
    rl_meter_prepare(&claim.op.meter);
    if (k < 2) {
        claim.distinct.value = random_digest(&state);
    }
    return claim;
}

static int values_held(int k)
{
    int n = 0;
    for (int value = 0; value < VALUES; value++) {
        n += holders[k][value] > 0;
    }
    return n;
}

static void hold(const int *values, int n)
{
    for (int k = 0; k < 2; k++) {
        holders[k][values[k]] += n;
        if (values_held(k) >= VALUES) {
            over = k;
        }
    }
}

/* Two rules that count values, and one that counts requests, in any order. */
static void request_values(server_t *server)
{
    const int first = (int)random_below(&rng, 3);
    rl_store_session_t session;
    const rl_source_t source = source_of(server, &session);
    rl_claim_t claims[3];
    int values[2];
    for (int k = 0; k < 2; k++) {
        values[k] = (int)random_below(&rng, VALUES);
    }
    for (int i = 0; i < 3; i++) {
        const int k = (first + i) % 3;
        claims[i] = claim_of_value(k, k < 2 ? values[k] : 0);
    }
    if (rl_limiter_decide(&source, claims, 3, now) >= 0) {
        return;
    }
    hold(values, 1);
    nets[2]++;
    if (one_in(story->refund_one_in)) {
        hold(values, -1);
        nets[2]--;
        rl_limiter_refund(&source, claims, 3, now);
    }
}

static void values_are_let_in_that_units_were_charged_for(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        const story_t what = {.servers = 1 + (unsigned)(seed % SERVERS_MAX),
                              .actors = 1 + (unsigned)(seed % 9),
                              .requests = 18,
                              .limit = seed % 4 == 0 ? 20 : 400,
                              .refund_one_in = 1 + (unsigned)(seed % 3),
                              .fault_one_in = seed % 5 == 0 ? 20 : 0,
                              .request = request_values};
        memset(holders, 0, sizeof(holders));
        run(&what, seed);
        for (int k = 0; k < 3; k++) {
            const int held = k < 2 ? values_held(k) : (int)nets[k];
            const int units = (int)units_in_store(k);
            if (what.fault_one_in > 0 ? units < held : units != held) {
                fail_msg("seed %llu, key %d: %d held, %d units", (unsigned long long)seed, k,
                         held, units);
            }
        }
    }
}

static void leases_are_reserved_together_with_what_is_asked(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        const story_t what = {.servers = 3,
                              .actors = 9,
                              .requests = 30,
                              .limit = 124 + (uint32_t)(seed % 200),
                              .cost_max = 1,
                              .refund_one_in = seed % 5 == 0 ? 4 : 0,
                              .fault_one_in = seed % 3 == 0 ? 20 : 0,
                              .on_error = RL_ON_ERROR_DENY,
                              .leases = true};
        run(&what, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_failures_no_unit_is_lost_or_granted_twice),
        cmocka_unit_test(a_store_that_fails_never_lets_in_more_than_the_limit),
        cmocka_unit_test(a_store_that_forgets_lets_in_no_more_than_was_in_flight),
        cmocka_unit_test(values_are_let_in_that_units_were_charged_for),
        cmocka_unit_test(what_is_cleared_together_can_be_charged_again),
        cmocka_unit_test(leases_are_reserved_together_with_what_is_asked),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
