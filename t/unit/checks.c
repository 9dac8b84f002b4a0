/* SPDX-License-Identifier: Apache-2.0 */
/* limiter/checks: which checks of credentials are under way, whenever they began. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "limiter/checks.h"
#include "support.h"

#define SECOND RL_USEC_PER_SEC
#define MINUTE (60 * SECOND)
#define NOON   (INT64_C(1700049600) * SECOND)

static rl_ledger_t ledger;
static const rl_source_t source = {.ledger = &ledger};
static void *memory;

static int open_ledger(void **state)
{
    (void)state;
    memory = mmap(NULL, RL_LEDGER_SIZE_MIN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                  -1, 0);
    rl_ledger_open(&ledger, memory, RL_LEDGER_SIZE_MIN);
    return memory == MAP_FAILED;
}

static int close_ledger(void **state)
{
    (void)state;
    return munmap(memory, RL_LEDGER_SIZE_MIN);
}

/* A claim on one key, bound to its counter. */
static rl_claim_t claim_at(int64_t now)
{
    uint64_t rng = 104729;
    rl_claim_t claim = {
        .op = {.key = random_digest(&rng), .meter = fixed_window(5, MINUTE), .cost = 1}};
    rl_source_bind(&source, &claim.op, now);
    return claim;
}

static bool others_go_on(int64_t now)
{
    const rl_claim_t claim = claim_at(now);
    return rl_checks_go_on(&source, &claim, now);
}

static void a_check_goes_on_until_it_ends(void **state)
{
    rl_claim_t claim = claim_at(NOON);
    (void)state;
    assert_false(others_go_on(NOON));
    rl_checks_begin(&source, &claim, NOON);
    assert_true(others_go_on(NOON + SECOND));
    assert_false(rl_checks_go_on(&source, &claim, NOON + SECOND));
    rl_checks_end(&source, &claim, NOON + 2 * SECOND);
    assert_false(others_go_on(NOON + 2 * SECOND));
}

static void it_goes_on_when_a_minute_ends(void **state)
{
    rl_claim_t claim = claim_at(NOON - SECOND);
    (void)state;
    rl_checks_begin(&source, &claim, NOON - SECOND);
    assert_true(others_go_on(NOON - 1));
    assert_true(others_go_on(NOON));
    assert_true(others_go_on(NOON + 10 * SECOND));
    rl_checks_end(&source, &claim, NOON + 11 * SECOND);
    assert_false(others_go_on(NOON + 11 * SECOND));
}

static void it_ends_in_the_minute_after_when_others_have_begun(void **state)
{
    rl_claim_t first = claim_at(NOON - 1), second = claim_at(NOON);
    (void)state;
    rl_checks_begin(&source, &first, NOON - 1);
    rl_checks_begin(&source, &second, NOON);
    rl_checks_end(&source, &second, NOON + 1);
    assert_true(others_go_on(NOON + 1));
    rl_checks_end(&source, &first, NOON + 2);
    assert_false(others_go_on(NOON + 2));
}

static void what_a_killed_process_leaves_is_gone_after_two_minutes(void **state)
{
    rl_claim_t claim = claim_at(NOON);
    (void)state;
    rl_checks_begin(&source, &claim, NOON);
    assert_false(others_go_on(NOON + 2 * MINUTE));
}

#define CHECKS_TEST(name) cmocka_unit_test_setup_teardown(name, open_ledger, close_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECKS_TEST(a_check_goes_on_until_it_ends),
        CHECKS_TEST(it_goes_on_when_a_minute_ends),
        CHECKS_TEST(it_ends_in_the_minute_after_when_others_have_begun),
        CHECKS_TEST(what_a_killed_process_leaves_is_gone_after_two_minutes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
