/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/ledger, limiter: a charge made where a look has found the key counts like any other,
 * or not at all when anything has changed since. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "limiter/limiter.h"
#include "ledger/ledger.h"
#include "support.h"

#define SECOND RL_USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define NOON   (INT64_C(1700049600) * SECOND)

static const rl_digest_t key = {.hi = 77, .lo = UINT64_C(78) << 32};
static rl_ledger_t ledger;
static void *memory;

static void *share(size_t size)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    return shared;
}

static int open_ledger(void **state)
{
    (void)state;
    memory = share(RL_LEDGER_SIZE_MIN);
    rl_ledger_open(&ledger, memory, RL_LEDGER_SIZE_MIN);
    return 0;
}

static int close_ledger(void **state)
{
    (void)state;
    return munmap(memory, RL_LEDGER_SIZE_MIN);
}

static bool charge(const rl_digest_t *whose, const rl_meter_t *meter, int64_t now)
{
    rl_step_t step;
    rl_ledger_charge(&ledger, OP(whose, meter, now, 1), &step);
    return step.granted;
}

static uint32_t used(const rl_digest_t *whose, const rl_meter_t *meter, int64_t now)
{
    rl_step_t step;
    rl_ledger_peek(&ledger, OP(whose, meter, now, 0), &step);
    return step.used;
}

static rl_meter_t meter_of(rl_algorithm_e algorithm)
{
    rl_meter_t meter = {
        .algorithm = algorithm, .limit = 10, .burst = 10, .initial = 10, .period_us = HOUR};
    rl_meter_prepare(&meter);
    return meter;
}

static void what_was_seen_is_charged_once(void **state)
{
    static const rl_algorithm_e algorithms[] = {RL_FIXED_WINDOW, RL_SLIDING_WINDOW,
                                                RL_TOKEN_BUCKET};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const rl_meter_t meter = meter_of(algorithms[i]);
        const rl_digest_t whose = {.hi = i + 1, .lo = (uint64_t)(i + 1) << 40};
        rl_sight_t sight;
        rl_step_t step;
        assert_true(charge(&whose, &meter, NOON));
        rl_ledger_aim(&ledger, &whose, &sight);
        rl_ledger_look(&ledger, OP(&whose, &meter, NOON, 2), &step, &sight);
        assert_true(step.granted);
        assert_true(rl_ledger_take(OP(&whose, &meter, NOON, 2), &sight, &step));
        assert_int_equal(used(&whose, &meter, NOON), 3);
        assert_false(rl_ledger_take(OP(&whose, &meter, NOON, 2), &sight, &step));
        assert_int_equal(used(&whose, &meter, NOON), 3);
    }
}

static void a_look_that_found_nothing_or_no_room_takes_nothing(void **state)
{
    const rl_meter_t meter = fixed_window(1, HOUR);
    rl_sight_t sight;
    rl_step_t step;
    (void)state;
    rl_ledger_aim(&ledger, &key, &sight);
    rl_ledger_look(&ledger, OP(&key, &meter, NOON, 1), &step, &sight);
    assert_true(step.granted);
    assert_false(rl_ledger_take(OP(&key, &meter, NOON, 1), &sight, &step));
    assert_int_equal(used(&key, &meter, NOON), 0);
    rl_ledger_charge_from(&ledger, OP(&key, &meter, NOON, 1), &sight, &step);
    assert_true(step.granted);
    rl_ledger_aim(&ledger, &key, &sight);
    rl_ledger_look(&ledger, OP(&key, &meter, NOON, 1), &step, &sight);
    assert_false(step.granted);
    assert_false(rl_ledger_take(OP(&key, &meter, NOON, 1), &sight, &step));
    assert_int_equal(used(&key, &meter, NOON), 1);
}

static void a_charge_that_came_in_between_is_not_lost(void **state)
{
    const rl_meter_t meter = fixed_window(3, HOUR);
    rl_sight_t sight;
    rl_step_t step;
    (void)state;
    assert_true(charge(&key, &meter, NOON));
    rl_ledger_aim(&ledger, &key, &sight);
    rl_ledger_look(&ledger, OP(&key, &meter, NOON, 1), &step, &sight);
    assert_true(charge(&key, &meter, NOON));
    assert_false(rl_ledger_take(OP(&key, &meter, NOON, 1), &sight, &step));
    assert_int_equal(used(&key, &meter, NOON), 2);
    rl_ledger_charge_from(&ledger, OP(&key, &meter, NOON, 1), &sight, &step);
    assert_true(step.granted);
    assert_int_equal(step.used, 3);
    rl_ledger_charge_from(&ledger, OP(&key, &meter, NOON, 1), &sight, &step);
    assert_false(step.granted);
    assert_int_equal(used(&key, &meter, NOON), 3);
}

/* The table is filled until the key has lost its cell; then it comes back, perhaps elsewhere.
 */
static void a_cell_that_was_taken_away_in_between_is_left_alone(void **state)
{
    const rl_meter_t meter = fixed_window(3, SECOND), longer = fixed_window(9, HOUR);
    rl_sight_t sight;
    rl_step_t step;
    uint64_t rng = 1;
    uint32_t counted = 0;
    (void)state;
    assert_true(charge(&key, &meter, NOON));
    rl_ledger_aim(&ledger, &key, &sight);
    rl_ledger_look(&ledger, OP(&key, &meter, NOON, 1), &step, &sight);
    for (int i = 0; i < 20000; i++) {
        const rl_digest_t other = random_digest(&rng);
        charge(&other, &longer, NOON + 10 * SECOND);
    }
    assert_int_equal(used(&key, &meter, NOON), 0);
    assert_false(rl_ledger_take(OP(&key, &meter, NOON, 1), &sight, &step));
    assert_int_equal(used(&key, &meter, NOON), 0);
    rl_ledger_charge_from(&ledger, OP(&key, &meter, NOON, 1), &sight, &step);
    assert_true(step.granted);
    assert_int_equal(used(&key, &meter, NOON), 1);
    for (rng = 1; counted < 2000; counted++) {
        const rl_digest_t other = random_digest(&rng);
        assert_true(used(&other, &longer, NOON) <= 1);
    }
}

/* The last unit of a window changes how the cell is protected, which takes more than a swap. */
static void the_unit_that_fills_a_window_is_charged_all_the_same(void **state)
{
    const rl_source_t source = {.ledger = &ledger};
    rl_claim_t claims[2] = {{.op = {.key = key, .meter = fixed_window(2, HOUR), .cost = 1}},
                            {.op = {.key = {.hi = 5, .lo = UINT64_C(5) << 40},
                                    .meter = fixed_window(9, HOUR),
                                    .cost = 1}}};
    (void)state;
    for (uint32_t i = 1; i <= 2; i++) {
        assert_int_equal(rl_limiter_decide(&source, claims, 2, NOON), -1);
        assert_int_equal(used(&claims[0].op.key, &claims[0].op.meter, NOON), i);
        assert_int_equal(used(&claims[1].op.key, &claims[1].op.meter, NOON), i);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(rl_limiter_decide(&source, claims, 2, NOON), 0);
        assert_int_equal(used(&claims[1].op.key, &claims[1].op.meter, NOON), 2);
    }
    claims[0].step.granted = true;
    assert_int_equal(rl_limiter_decide(&source, claims, 2, NOON + HOUR), -1);
    assert_int_equal(used(&claims[0].op.key, &claims[0].op.meter, NOON + HOUR), 1);
}

/* ---- several processes ---- */

#define PROCESSES 4
#define REQUESTS  50000
#define SCARCE    20000 /* fewer than all try for */
#define PLENTY    1000000

static _Atomic uint32_t *admitted;

/* Each request makes two claims, on keys that all processes share. */
static void send_requests(void)
{
    const rl_source_t source = {.ledger = &ledger};
    for (int i = 0; i < REQUESTS; i++) {
        rl_claim_t claims[2] = {
            {.op = {.key = {.hi = 9, .lo = UINT64_C(9) << 40},
                    .meter = fixed_window(PLENTY, HOUR),
                    .cost = 1}},
            {.op = {.key = key, .meter = fixed_window(SCARCE, HOUR), .cost = 1}},
        };
        if (rl_limiter_decide(&source, claims, 2, NOON) < 0) {
            atomic_fetch_add(admitted, 1);
        }
    }
}

/* What was admitted is what both have counted: none lost, none charged to one alone. */
static void stacked_rules_count_what_is_admitted_exactly(void **state)
{
    const rl_meter_t scarce = fixed_window(SCARCE, HOUR), plenty = fixed_window(PLENTY, HOUR);
    const rl_digest_t other = {.hi = 9, .lo = UINT64_C(9) << 40};
    (void)state;
    admitted = share(sizeof(*admitted));
    for (int i = 0; i < PROCESSES; i++) {
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            send_requests();
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        wait(&status);
        assert_int_equal(status, 0);
    }
    assert_int_equal(*admitted, SCARCE);
    assert_int_equal(used(&key, &scarce, NOON), SCARCE);
    assert_int_equal(used(&other, &plenty, NOON), SCARCE);
    munmap((void *)admitted, sizeof(*admitted));
}

#define LEDGER_TEST(f) cmocka_unit_test_setup_teardown(f, open_ledger, close_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(what_was_seen_is_charged_once),
        LEDGER_TEST(a_look_that_found_nothing_or_no_room_takes_nothing),
        LEDGER_TEST(a_charge_that_came_in_between_is_not_lost),
        LEDGER_TEST(a_cell_that_was_taken_away_in_between_is_left_alone),
        LEDGER_TEST(the_unit_that_fills_a_window_is_charged_all_the_same),
        LEDGER_TEST(stacked_rules_count_what_is_admitted_exactly),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
