/* SPDX-License-Identifier: Apache-2.0 */
/* fleet/exempt_key: keys that are let in for a while; and what the limiter makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fleet/exempt_key.h"
#include "limiter/limiter.h"
#include "store_memory.h"
#include "support.h"

#define SECOND RL_USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define NOON   (INT64_C(1700049600) * SECOND)

static struct {
    void *memory;
    rl_ledger_t ledger;
    _Atomic uint32_t latest;
    rl_store_session_t session;
    rl_source_t source;
} servers[2];

static memory_store_t store;
static rl_operation_t op;

static int set_out(void **state)
{
    uint64_t rng = 7919;
    (void)state;
    memory_open(&store);
    for (int i = 0; i < 2; i++) {
        servers[i].memory = aligned_alloc(64, RL_LEDGER_SIZE_MIN);
        memset(servers[i].memory, 0, RL_LEDGER_SIZE_MIN);
        rl_ledger_open(&servers[i].ledger, servers[i].memory, RL_LEDGER_SIZE_MIN);
        servers[i].latest = 0;
        servers[i].session = (rl_store_session_t){.store = &store.base};
        servers[i].source = (rl_source_t){.ledger = &servers[i].ledger,
                                          .session = &servers[i].session,
                                          .exempt_until = &servers[i].latest};
    }
    op = (rl_operation_t){
        .key = random_digest(&rng), .meter = fixed_window(2, HOUR), .cost = 1, .rule = 1};
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    free(servers[0].memory);
    free(servers[1].memory);
    return 0;
}

static rl_operation_t *at(int i, int64_t now)
{
    rl_source_bind(&servers[i].source, &op, now);
    return &op;
}

static int64_t until(int i, int64_t now)
{
    return rl_exempt_key_until(&servers[i].source, at(i, now));
}

static bool set(int i, int64_t now, int64_t end)
{
    return rl_exempt_key_set(&servers[i].source, at(i, now), end);
}

static void learn(int i, int64_t now)
{
    rl_exempt_key_learn(&servers[i].source, at(i, now));
}

static void a_key_is_exempt_until_then(void **state)
{
    (void)state;
    assert_int_equal(until(0, NOON), 0);
    assert_true(set(0, NOON, NOON + HOUR));
    assert_int_equal(until(0, NOON + SECOND), NOON + HOUR);
    assert_int_equal(until(0, NOON + HOUR - 1), NOON + HOUR);
    assert_int_equal(until(0, NOON + HOUR), 0);
    assert_true(set(0, NOON, NOON + RL_EXEMPT_MAX_US));
    assert_int_equal(until(0, NOON + 100 * HOUR), NOON + RL_EXEMPT_MAX_US);
}

static void another_exemption_takes_its_place(void **state)
{
    (void)state;
    set(0, NOON, NOON + 5 * HOUR);
    set(0, NOON + SECOND, NOON + HOUR);
    assert_int_equal(until(0, NOON + 2 * SECOND), NOON + HOUR);
    set(0, NOON + 3 * SECOND, NOON + 3 * SECOND);
    assert_int_equal(until(0, NOON + 4 * SECOND), 0);
}

static void the_fleet_learns_of_it_and_of_its_end(void **state)
{
    (void)state;
    set(0, NOON, NOON + 5 * HOUR);
    assert_int_equal(until(1, NOON), 0);
    learn(1, NOON + SECOND);
    assert_int_equal(until(1, NOON + SECOND), NOON + 5 * HOUR);
    set(0, NOON + 2 * SECOND, 0);
    learn(1, NOON + 3 * SECOND);
    assert_int_equal(until(1, NOON + 3 * SECOND), 0);
}

/* However late a server asks: it must not tell the store of an exemption that was ended. */
static void an_end_is_remembered_as_long_as_the_exemption(void **state)
{
    (void)state;
    set(0, NOON, NOON + 5 * HOUR);
    learn(1, NOON + SECOND);
    set(0, NOON + 2 * SECOND, NOON + 60 * SECOND);
    assert_true(store.counters[0].name.ttl > 5 * 3600);
    learn(1, NOON + HOUR);
    assert_int_equal(until(1, NOON + HOUR), 0);
}

static void a_store_that_lost_it_is_told_again(void **state)
{
    (void)state;
    set(0, NOON, NOON + 5 * HOUR);
    memory_flush(&store);
    learn(1, NOON + SECOND);
    assert_int_equal(until(1, NOON + SECOND), 0);
    learn(0, NOON + SECOND);
    learn(1, NOON + 2 * SECOND);
    assert_int_equal(until(1, NOON + 2 * SECOND), NOON + 5 * HOUR);
}

static fault_e refuses(void *context, rl_store_session_t *session)
{
    (void)context, (void)session;
    return FAULT_REFUSED;
}

static void without_the_store_it_holds_here(void **state)
{
    (void)state;
    store.fault = refuses;
    assert_false(set(0, NOON, NOON + HOUR));
    assert_int_equal(until(0, NOON + SECOND), NOON + HOUR);
    learn(0, NOON + 2 * SECOND);
    assert_int_equal(until(0, NOON + 2 * SECOND), NOON + HOUR);
    store.fault = NULL;
}

static bool ask(int n, int64_t now, bool *excused)
{
    rl_claim_t claims[2] = {{.op = op}, {.op = op}};
    bool admitted;
    claims[1].op.key.hi ^= 1;
    claims[1].op.meter.limit = 100;
    admitted = rl_limiter_decide(&servers[0].source, claims, n, now) < 0;
    *excused = claims[0].excused;
    assert_false(claims[0].excused && claims[0].charged);
    return admitted;
}

/* With one claim and with two, which are decided on in two ways. */
static void an_exempt_key_is_let_in_and_not_charged(void **state)
{
    bool excused;
    (void)state;
    servers[0].source.session = NULL;
    for (int n = 1; n <= 2; n++) {
        op.key.lo += (uint64_t)n << 32;
        assert_true(ask(n, NOON, &excused) && ask(n, NOON, &excused) && !excused);
        assert_false(ask(n, NOON, &excused));
        set(0, NOON, NOON + HOUR / 2);
        assert_true(ask(n, NOON + SECOND, &excused) && excused);
        set(0, NOON + SECOND, 0);
        assert_false(ask(n, NOON + 2 * SECOND, &excused));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_out, clean_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_exempt_until_then),
        TEST(another_exemption_takes_its_place),
        TEST(the_fleet_learns_of_it_and_of_its_end),
        TEST(an_end_is_remembered_as_long_as_the_exemption),
        TEST(a_store_that_lost_it_is_told_again),
        TEST(without_the_store_it_holds_here),
        TEST(an_exempt_key_is_let_in_and_not_charged),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
