/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/distinct, fleet/marker: a key is charged once for each value. Requests, outcomes,
 * windows that end and counters that are cleared, as chance has it, against a model of a few
 * lines; and what the model doesn't tell. */
#define MEMORY_COUNTERS 2000
#include "fleet_world.h"

#include "core/meter/marker_word.h"
#include "fleet/incarnation.h"
#include "limiter/limiter.h"

#define VALUES   12
#define OPEN_MAX 40
#define DAY      (24 * HOUR)

/* ---- the model ---- */

typedef struct model {
    uint32_t units[VALUES]; /* charged for the value */
    int holders[VALUES];
    uint32_t used;
} model_t;

/* A request that was granted, and whose outcome isn't known yet. */
typedef struct open_request {
    rl_claim_t claim;
    int value;
    unsigned era; /* of the model, which begins with a window, or after a clear */
} open_request_t;

static model_t model;
static unsigned era;
static open_request_t open_requests[OPEN_MAX];
static int opened;

static const story_t plain = {.servers = 2};

static rl_digest_t value_of(int n)
{
    uint64_t state = 7919u * (unsigned)(n + 1);
    return random_digest(&state);
}

static rl_claim_t claim_of(int value, uint32_t limit, uint32_t cost)
{
    return (rl_claim_t){.op = {.key = key, .meter = fixed_window(limit, DAY), .cost = cost},
                        .distinct = {.value = value_of(value)}};
}

/* Returns true if the model grants a request, and counts it. */
static bool model_grants(int value, uint32_t limit, uint32_t cost)
{
    if (model.holders[value] == 0) {
        if (model.used + cost > limit) {
            return false;
        }
        model.units[value] = cost;
        model.used += cost;
    }
    model.holders[value]++;
    return true;
}

static void model_refunds(const open_request_t *request)
{
    const int value = request->value;
    if (request->era == era && --model.holders[value] == 0) {
        model.used -= model.units[value];
    }
}

static void model_begins(void)
{
    memset(&model, 0, sizeof(model));
    era++;
}

/* ---- against the module ---- */

static rl_source_t source_at(const server_t *server, rl_store_session_t *session, bool shared)
{
    rl_source_t source = source_of(server, session);
    source.session = shared ? session : NULL;
    return source;
}

static uint32_t window_at(int64_t time)
{
    rl_step_t step;
    const rl_meter_t meter = fixed_window(1, DAY);
    rl_ledger_peek(&servers[0].ledger, OP(&key, &meter, time, 0), &step);
    return step.window;
}

static void ask(const rl_source_t *source, uint32_t limit, uint64_t seed)
{
    const int value = (int)random_below(&rng, VALUES);
    const uint32_t cost = limit > 6 ? 1 + (uint32_t)random_below(&rng, 3) : 1;
    rl_claim_t claim = claim_of(value, limit, cost);
    const bool denied = rl_limiter_decide(source, &claim, 1, now) >= 0;
    const bool due = model_grants(value, limit, cost);
    if (denied == due) {
        fail_msg("seed %llu: value %d is %s with %u of %u used, and is held by %d",
                 (unsigned long long)seed, value, denied ? "denied" : "granted", model.used,
                 limit, model.holders[value]);
    }
    if (!denied && claim.step.used != model.used) {
        fail_msg("seed %llu: %u used, %u told", (unsigned long long)seed, model.used,
                 claim.step.used);
    }
    if (due && opened < OPEN_MAX) {
        open_requests[opened++] = (open_request_t){claim, value, era};
    }
}

static void settle_one(const rl_source_t *source)
{
    open_request_t request;
    int i;
    if (opened == 0) {
        return;
    }
    i = (int)random_below(&rng, (uint64_t)opened);
    request = open_requests[i];
    open_requests[i] = open_requests[--opened];
    if (one_in(3)) {
        return; /* its outcome counts */
    }
    model_refunds(&request);
    rl_limiter_refund(source, &request.claim, 1, now);
}

static void clear(const rl_source_t *source)
{
    rl_claim_t claim = claim_of(0, 1, 1);
    rl_limiter_clear(source, &claim, now);
    model_begins();
}

static void pass_time(void)
{
    const uint32_t window = window_at(now);
    now += 2 * SECOND + (one_in(40) ? DAY / 2 : 0);
    if (window_at(now) != window) {
        model_begins();
    }
}

static void compare(bool shared, uint64_t seed)
{
    const uint32_t limit = 1 + (uint32_t)(seed % 9);
    rl_store_session_t session;
    rl_source_t source;
    start(&plain, seed);
    source = source_at(&servers[0], &session, shared);
    opened = 0;
    model_begins();
    for (int i = 0; i < 200; i++) {
        source.incarnation = rl_tally_incarnation(random_bits(&rng)); /* as each request does */
        switch (random_below(&rng, 8)) {
        case 0:
            pass_time();
            break;
        case 1:
        case 2:
        case 3:
            settle_one(&source);
            break;
        case 4:
            if (one_in(8)) {
                clear(&source);
                now += SECOND;
            }
            break;
        default:
            ask(&source, limit, seed);
            break;
        }
    }
}

static void alone_it_grants_what_the_model_grants(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        compare(false, seed);
    }
}

static void with_a_store_it_grants_what_the_model_grants(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        compare(true, seed);
    }
}

/* ---- what the model doesn't tell ---- */

static bool grants(const rl_source_t *source, int value, uint32_t limit)
{
    rl_claim_t claim = claim_of(value, limit, 1);
    return rl_limiter_decide(source, &claim, 1, now) < 0;
}

static uint32_t used_at(const rl_source_t *source)
{
    rl_operation_t op = claim_of(0, 1, 0).op;
    rl_step_t step;
    rl_source_bind(source, &op, now);
    rl_counter_peek(source, &op, &step);
    return step.used;
}

static void a_server_knows_what_another_has_charged(void **state)
{
    rl_store_session_t sessions[2];
    rl_source_t sources[2];
    (void)state;
    start(&plain, 1);
    for (int i = 0; i < 2; i++) {
        sources[i] = source_at(&servers[i], &sessions[i], true);
    }
    for (int value = 0; value < 6; value++) {
        for (int i = 0; i < 4; i++) {
            assert_int_equal(grants(&sources[(value + i) % 2], value, 3), value < 3);
        }
    }
}

static void a_server_learns_within_a_second_that_another_has_cleared(void **state)
{
    rl_store_session_t sessions[2];
    rl_source_t sources[2];
    rl_claim_t claim = claim_of(0, 3, 1);
    (void)state;
    start(&plain, 1);
    for (int i = 0; i < 2; i++) {
        sources[i] = source_at(&servers[i], &sessions[i], true);
    }
    for (int value = 0; value < 3; value++) {
        assert_true(grants(&sources[0], value, 3));
        assert_true(grants(&sources[1], value, 3));
    }
    now += SECOND;
    assert_true(grants(&sources[1], 0, 3));
    rl_limiter_clear(&sources[0], &claim, now);
    now += SECOND;
    for (int value = 0; value < 6; value++) {
        assert_int_equal(grants(&sources[1], value, 3), value < 3);
        assert_int_equal(used_at(&sources[1]), value < 3 ? value + 1 : 3);
    }
}

/* An eviction takes the counter; what it has counted is forgotten, and so are the values. */
static void with_a_counter_that_is_lost_its_values_are_forgotten(void **state)
{
    rl_store_session_t session;
    rl_source_t source;
    rl_cell_t *counter;
    uint64_t *id;
    (void)state;
    start(&plain, 1);
    source = source_at(&servers[0], &session, false);
    for (int value = 0; value < 3; value++) {
        assert_true(grants(&source, value, 3));
        now++;
    }
    rl_sight_t sight;
    rl_step_t step;
    const rl_meter_t meter = fixed_window(3, DAY);
    rl_ledger_aim(source.ledger, &key, &sight);
    rl_ledger_look(source.ledger, OP(&key, &meter, now, 1), &step, &sight);
    counter = sight.place.cell;
    assert_non_null(counter);
    id = (uint64_t *)(void *)counter; /* a cell begins with its id: cell.h */
    *id = (*id & 0x3ff00) | 1;
    for (int value = 0; value < 6; value++) {
        assert_int_equal(grants(&source, 5 - value, 3), value < 3);
    }
}

static void a_lost_marker_is_charged_again(void **state)
{
    rl_store_session_t session;
    rl_source_t source;
    (void)state;
    start(&plain, 1);
    source = source_at(&servers[0], &session, true);
    assert_true(grants(&source, 1, 3));
    assert_true(grants(&source, 1, 3));
    assert_int_equal(used_at(&source), 1);
    memory_evict(&store, 1);
    assert_true(grants(&source, 1, 3));
    assert_int_equal(used_at(&source), 2);
}

static void without_the_store_values_are_known_here(void **state)
{
    rl_store_session_t session;
    rl_source_t source;
    (void)state;
    start(&plain, 1);
    source = source_at(&servers[0], &session, true);
    assert_true(grants(&source, 0, 3));
    source.session->store = rl_store_absent();
    assert_true(grants(&source, 1, 3));
    assert_true(grants(&source, 1, 3));
    assert_true(grants(&source, 2, 3));
    assert_false(grants(&source, 3, 3));
    assert_true(grants(&source, 2, 3));
    source.session->store = &store.base;
    assert_true(grants(&source, 2, 3));
    assert_true(grants(&source, 1, 3));
    assert_false(grants(&source, 3, 3));
}

static void of_two_rules_what_one_denies_is_not_charged_to_the_other(void **state)
{
    rl_store_session_t session;
    rl_source_t source;
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        start(&plain, 1);
        source = source_at(&servers[0], &session, shared == 1);
        for (int i = 0; i < 12; i++) {
            rl_claim_t claims[2] = {claim_of(i % 4, 3, 1), claim_of(0, 5, 1)};
            claims[1].op.key.hi ^= 1;
            claims[1].distinct.value = (rl_digest_t){.hi = 0};
            const bool denied = rl_limiter_decide(&source, claims, 2, now) >= 0;
            /* 0 1 2 (3) 0 1, and then the second rule is used up */
            assert_int_equal(!denied, i % 4 != 3 && i < 6);
        }
        assert_int_equal(used_at(&source), 3);
    }
}

static void a_cost_may_differ_from_request_to_request(void **state)
{
    rl_store_session_t session;
    rl_source_t source;
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        rl_claim_t dear = claim_of(1, 10, 7), cheap = claim_of(1, 10, 2);
        start(&plain, 1);
        source = source_at(&servers[0], &session, shared == 1);
        assert_int_equal(rl_limiter_decide(&source, &dear, 1, now), -1);
        assert_int_equal(rl_limiter_decide(&source, &cheap, 1, now), -1);
        assert_int_equal(used_at(&source), 7);
        rl_limiter_refund(&source, &dear, 1, now);
        assert_int_equal(used_at(&source), 7);
        rl_limiter_refund(&source, &cheap, 1, now);
        assert_int_equal(used_at(&source), 0);
    }
}

/* ---- words ---- */

static void a_word_tells_its_state(void **state)
{
    const uint32_t units[] = {0, 1, 4711, RL_MARKER_UNITS_MAX - 1, RL_MARKER_UNITS_MAX};
    const int32_t holders[] = {-1000000, -1, 0, 1, RL_MARKER_HOLDERS_MAX};
    (void)state;
    for (int u = 0; u < 5; u++) {
        for (int h = 0; h < 5; h++) {
            const uint64_t word = rl_marker_word((rl_marker_state_t){units[u], holders[h]});
            assert_true(rl_marker_word_is_valid(word));
            assert_int_equal(rl_marker_state(word).units, units[u]);
            assert_int_equal(rl_marker_state(word).holders, holders[h]);
            if (h > 0) {
                assert_int_equal(rl_marker_state(word - 1).units, units[u]);
                assert_int_equal(rl_marker_state(word - 1).holders, holders[h] - 1);
            }
        }
    }
    assert_int_equal(rl_marker_state(rl_marker_word((rl_marker_state_t){UINT32_MAX, 1})).units,
                     RL_MARKER_UNITS_MAX);
}

static void what_is_no_marker_says_that_nothing_is_charged(void **state)
{
    const uint64_t words[] = {0, 1, UINT64_MAX, UINT64_MAX >> 1, UINT64_C(0x123456789abcdef0)};
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_false(rl_marker_word_is_valid(words[i]));
        assert_int_equal(rl_marker_state(words[i]).units, 0);
    }
}

/* Nobody counts as a holder of a full marker, and nobody is taken off. */
static void a_full_marker_stays_charged(void **state)
{
    rl_store_session_t session;
    rl_source_t source;
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        const uint64_t nearly =
            rl_marker_word((rl_marker_state_t){1, RL_MARKER_HOLDERS_MAX - 1});
        rl_claim_t claims[3] = {claim_of(1, 3, 1), claim_of(1, 3, 1), claim_of(1, 3, 1)};
        start(&plain, 1);
        source = source_at(&servers[0], &session, shared == 1);
        assert_int_equal(rl_limiter_decide(&source, &claims[0], 1, now), -1);
        const rl_marker_t marker = claims[0].distinct.marker;
        if (shared) {
            store.counters[1].value = nearly;
        }
        else {
            const rl_digest_t cell = rl_ledger_key(&marker.key, 0);
            assert_true(rl_ledger_swap_note(source.ledger, &cell, 0,
                                            rl_marker_word((rl_marker_state_t){1, 1}), nearly));
        }
        assert_int_equal(rl_limiter_decide(&source, &claims[1], 1, now), -1);
        assert_int_equal(rl_limiter_decide(&source, &claims[2], 1, now), -1);
        assert_int_equal(claims[1].distinct.holds, RL_HOLDS_MARKER);
        assert_int_equal(claims[2].distinct.holds, RL_HOLDS_NOTHING);
        for (int i = 0; i < 3; i++) {
            rl_limiter_refund(&source, &claims[i], 1, now);
        }
        assert_true(rl_marker_is_charged(&source, &marker));
        assert_int_equal(used_at(&source), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_it_grants_what_the_model_grants),
        cmocka_unit_test(with_a_store_it_grants_what_the_model_grants),
        cmocka_unit_test(a_server_knows_what_another_has_charged),
        cmocka_unit_test(a_server_learns_within_a_second_that_another_has_cleared),
        cmocka_unit_test(with_a_counter_that_is_lost_its_values_are_forgotten),
        cmocka_unit_test(a_lost_marker_is_charged_again),
        cmocka_unit_test(without_the_store_values_are_known_here),
        cmocka_unit_test(of_two_rules_what_one_denies_is_not_charged_to_the_other),
        cmocka_unit_test(a_cost_may_differ_from_request_to_request),
        cmocka_unit_test(a_word_tells_its_state),
        cmocka_unit_test(what_is_no_marker_says_that_nothing_is_charged),
        cmocka_unit_test(a_full_marker_stays_charged),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
