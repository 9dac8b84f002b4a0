/* SPDX-License-Identifier: Apache-2.0 */
/* limiter: all rules of a request or none; the verdict that is reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "limiter/limiter.h"
#include "support.h"

#define SECOND RL_USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define NOON   (INT64_C(1700049600) * SECOND)

static rl_ledger_t ledger;
static const rl_source_t source = {.ledger = &ledger}; /* no shared store behind it */
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

/* A claim of one unit on the nth key; windows are aligned, so that all ends are known. */
static rl_claim_t claim_on(uint64_t n, uint32_t limit, int64_t period_us)
{
    uint64_t rng = n * 104729;
    rl_claim_t claim = {
        .op = {.key = random_digest(&rng), .meter = fixed_window(limit, period_us), .cost = 1}};
    claim.op.meter.aligned = true;
    return claim;
}

static uint32_t used(const rl_claim_t *claim)
{
    rl_step_t step;
    rl_ledger_peek(&ledger, OP(&claim->op.key, &claim->op.meter, NOON, 0), &step);
    return step.used;
}

static int decide(rl_claim_t *claims, int n)
{
    return rl_limiter_decide(&source, claims, n, NOON);
}

static void exhaust(rl_claim_t claim)
{
    claim.op.cost = claim.op.meter.limit;
    assert_int_equal(decide(&claim, 1), -1);
}

static void no_claims_are_no_denial(void **state)
{
    (void)state;
    assert_int_equal(decide(NULL, 0), -1);
}

static void every_claim_that_fits_is_charged(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 3, HOUR), claim_on(2, 5, HOUR), claim_on(3, 7, HOUR)};
    (void)state;
    claims[1].op.cost = 4;
    assert_int_equal(decide(claims, 3), -1);
    assert_int_equal(used(&claims[0]), 1);
    assert_int_equal(used(&claims[1]), 4);
    assert_int_equal(used(&claims[2]), 1);
    for (int i = 0; i < 3; i++) {
        assert_true(claims[i].charged);
        assert_true(claims[i].step.granted);
    }
}

static void one_denial_anywhere_charges_nobody(void **state)
{
    (void)state;
    for (int full = 0; full < 3; full++) {
        rl_claim_t claims[] = {claim_on(1, 3, HOUR), claim_on(2, 3, HOUR),
                               claim_on(3, 3, HOUR)};
        memset(memory, 0, RL_LEDGER_SIZE_MIN);
        exhaust(claims[full]);
        assert_int_equal(decide(claims, 3), full);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(used(&claims[i]), i == full ? 3 : 0);
            assert_false(claims[i].charged);
        }
    }
}

static void of_several_denials_the_longest_wait_is_reported(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 1, 60 * SECOND), claim_on(2, 1, 24 * HOUR),
                           claim_on(3, 1, HOUR), claim_on(4, 1, 24 * HOUR)};
    (void)state;
    for (int i = 0; i < 4; i++) {
        exhaust(claims[i]);
    }
    assert_int_equal(decide(claims, 4), 1);
    assert_int_equal(decide(claims, 1), 0);
    assert_int_equal(decide(claims + 2, 2), 1);
    assert_true(claims[1].step.retry > NOON);
}

static void a_limit_of_zero_denies_also_what_costs_nothing(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 5, HOUR), claim_on(2, 0, HOUR)};
    (void)state;
    claims[1].op.cost = 0;
    assert_int_equal(decide(claims, 2), 1);
    assert_int_equal(used(&claims[0]), 0);
}

static void a_claim_that_observes_never_denies_and_is_not_charged_when_over(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 2, HOUR), claim_on(2, 5, HOUR)};
    (void)state;
    claims[0].observe = true;
    exhaust(claims[0]);
    assert_int_equal(decide(claims, 2), -1);
    assert_false(claims[0].step.granted);
    assert_false(claims[0].charged);
    assert_true(claims[1].charged);
    assert_int_equal(used(&claims[0]), 2);
    assert_int_equal(used(&claims[1]), 1);
}

static void a_claim_that_observes_counts_until_its_limit(void **state)
{
    rl_claim_t claim = claim_on(1, 2, HOUR);
    (void)state;
    claim.observe = true;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(decide(&claim, 1), -1);
        assert_int_equal(claim.step.granted, i < 2);
    }
}

static void a_denial_gives_back_what_an_observing_claim_was_charged(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 5, HOUR), claim_on(2, 1, HOUR)};
    (void)state;
    claims[0].observe = true;
    exhaust(claims[1]);
    assert_int_equal(decide(claims, 2), 1);
    assert_int_equal(used(&claims[0]), 0);
}

static void a_refused_claim_denies_whatever_the_count_is(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 5, HOUR), claim_on(2, 5, HOUR)};
    (void)state;
    claims[1].refuse = true;
    assert_int_equal(decide(claims, 2), 1);
    assert_true(claims[1].step.retry > NOON);
    assert_int_equal(used(&claims[0]), 0);
    assert_int_equal(used(&claims[1]), 0);
}

static void claims_on_one_counter_are_charged_once(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 3, HOUR), claim_on(2, 9, HOUR), claim_on(1, 3, HOUR)};
    (void)state;
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(decide(claims, 3), -1);
        assert_int_equal(used(&claims[0]), i);
        assert_int_equal(claims[2].step.used, i);
    }
    assert_int_equal(decide(claims, 3), 0);
    rl_limiter_refund(&source, claims, 3, NOON);
    assert_int_equal(used(&claims[0]), 3);
}

static void a_refund_of_claims_on_one_counter_gives_one_charge_back(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 5, HOUR), claim_on(1, 5, HOUR)}, before = claims[0];
    (void)state;
    assert_int_equal(decide(&before, 1), -1);
    assert_int_equal(decide(claims, 2), -1);
    rl_limiter_refund(&source, claims, 2, NOON);
    assert_int_equal(used(&before), 1);
}

/* An observing rule that refuses (missing=deny) shares its counter with one that enforces. */
static void an_observing_claim_never_makes_its_twin_deny(void **state)
{
    rl_claim_t claims[] = {claim_on(1, 5, HOUR), claim_on(1, 5, HOUR)};
    (void)state;
    claims[0].observe = true;
    claims[0].refuse = true;
    assert_int_equal(decide(claims, 2), -1);
    assert_true(claims[1].charged);
    assert_int_equal(used(&claims[1]), 1);
    claims[0].refuse = false;
    claims[0].op.cost = 5;
    assert_int_equal(decide(claims, 2), -1);
    assert_false(claims[0].step.granted);
    assert_true(claims[1].charged);
}

static void a_refund_is_given_once(void **state)
{
    rl_claim_t claim = claim_on(1, 5, HOUR), other = claim;
    (void)state;
    assert_int_equal(decide(&other, 1), -1);
    assert_int_equal(decide(&claim, 1), -1);
    rl_limiter_refund(&source, &claim, 1, NOON);
    rl_limiter_refund(&source, &claim, 1, NOON);
    assert_int_equal(used(&other), 1);
}

static void remaining_units_never_go_below_zero(void **state)
{
    rl_claim_t claim = claim_on(1, 5, HOUR);
    (void)state;
    claim.step.used = 2;
    assert_int_equal(rl_claim_remaining(&claim), 3);
    claim.step.used = 5;
    assert_int_equal(rl_claim_remaining(&claim), 0);
    claim.step.used = UINT32_MAX;
    assert_int_equal(rl_claim_remaining(&claim), 0);
}

/* Against the same in floating point, where that is exact enough to tell. */
static void the_closest_claim_has_the_smallest_share_left(void **state)
{
    uint64_t rng = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const unsigned shift = (unsigned)random_below(&rng, 32);
        rl_claim_t a = claim_on(1, 1 + (uint32_t)(random_bits(&rng) >> 32 >> shift), HOUR);
        rl_claim_t b = claim_on(2, 1 + (uint32_t)(random_bits(&rng) >> 32 >> shift), HOUR);
        double share_a, share_b;
        a.op.meter.limit = a.op.meter.limit == 0 ? 1 : a.op.meter.limit;
        b.op.meter.limit = b.op.meter.limit == 0 ? 1 : b.op.meter.limit;
        a.step.used = (uint32_t)random_below(&rng, (uint64_t)a.op.meter.limit + 1);
        b.step.used = (uint32_t)random_below(&rng, (uint64_t)b.op.meter.limit + 1);
        share_a = (double)rl_claim_remaining(&a) / a.op.meter.limit;
        share_b = (double)rl_claim_remaining(&b) / b.op.meter.limit;
        if (share_a < share_b - 1e-9 || share_a > share_b + 1e-9) {
            assert_int_equal(rl_claim_is_closer(&a, &b), share_a < share_b);
        }
        assert_false(rl_claim_is_closer(&a, &b) && rl_claim_is_closer(&b, &a));
        assert_false(rl_claim_is_closer(&a, &a));
    }
}

static void a_limit_of_zero_is_closest_and_the_first_of_equals_stays(void **state)
{
    rl_claim_t zero = claim_on(1, 0, HOUR), spent = claim_on(2, 5, HOUR), other = zero;
    (void)state;
    spent.step.used = 5;
    assert_true(rl_claim_is_closer(&zero, &spent));
    assert_false(rl_claim_is_closer(&spent, &zero));
    assert_false(rl_claim_is_closer(&zero, &other));
}

/* Each process charges two rules; the second lets fewer through. */
static void many_processes_leave_no_charge_of_a_denied_request(void **state)
{
    pid_t pids[4];
    unsigned admitted = 0;
    (void)state;
    for (int p = 0; p < 4; p++) {
        pids[p] = fork();
        if (pids[p] == 0) {
            int mine = 0;
            for (int i = 0; i < 5000; i++) {
                rl_claim_t claims[] = {claim_on(1, 4000, HOUR), claim_on(2, 100, HOUR)};
                mine += decide(claims, 2) < 0;
            }
            _exit(mine);
        }
    }
    for (int p = 0; p < 4; p++) {
        int status;
        assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
        assert_true(WIFEXITED(status));
        admitted += (unsigned)WEXITSTATUS(status);
    }
    const rl_claim_t wide = claim_on(1, 4000, HOUR), narrow = claim_on(2, 100, HOUR);
    assert_int_equal(admitted, 100);
    assert_int_equal(used(&wide), 100);
    assert_int_equal(used(&narrow), 100);
}

#define LIMITER_TEST(f) cmocka_unit_test_setup_teardown(f, open_ledger, close_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIMITER_TEST(no_claims_are_no_denial),
        LIMITER_TEST(every_claim_that_fits_is_charged),
        LIMITER_TEST(one_denial_anywhere_charges_nobody),
        LIMITER_TEST(of_several_denials_the_longest_wait_is_reported),
        LIMITER_TEST(a_limit_of_zero_denies_also_what_costs_nothing),
        LIMITER_TEST(a_claim_that_observes_never_denies_and_is_not_charged_when_over),
        LIMITER_TEST(a_claim_that_observes_counts_until_its_limit),
        LIMITER_TEST(a_denial_gives_back_what_an_observing_claim_was_charged),
        LIMITER_TEST(a_refused_claim_denies_whatever_the_count_is),
        LIMITER_TEST(claims_on_one_counter_are_charged_once),
        LIMITER_TEST(a_refund_of_claims_on_one_counter_gives_one_charge_back),
        LIMITER_TEST(an_observing_claim_never_makes_its_twin_deny),
        LIMITER_TEST(a_refund_is_given_once),
        LIMITER_TEST(remaining_units_never_go_below_zero),
        LIMITER_TEST(the_closest_claim_has_the_smallest_share_left),
        LIMITER_TEST(a_limit_of_zero_is_closest_and_the_first_of_equals_stays),
        LIMITER_TEST(many_processes_leave_no_charge_of_a_denied_request),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
