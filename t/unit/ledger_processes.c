/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/ledger over several processes that share anonymous memory, as httpd's children do;
 * some of them die. ledger_interleavings.c has the orders of events; this is the machine's own.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
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

#include "ledger/ledger.h"
#include "support.h"

#define SECOND RL_USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define NOON   (INT64_C(1700049600) * SECOND)

#define PROCESSES 8
#define KEYS      4096

/* What the processes of a test write down for the parent. */
typedef struct board {
    _Atomic uint32_t granted[KEYS];
    _Atomic uint32_t arrived; /* at the barrier, over all rounds */
    _Atomic uint64_t calls;
    _Atomic uint32_t holders;
    _Atomic uint32_t most_holders;
} board_t;

static board_t *board;
static rl_ledger_t ledger;
static void *memory;
static size_t memory_size;

static void *share(size_t size)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    return shared;
}

static void open_ledger(size_t size)
{
    memory = share(size);
    memory_size = size;
    board = share(sizeof(*board));
    rl_ledger_open(&ledger, memory, size);
}

static int close_ledger(void **state)
{
    (void)state;
    munmap(memory, memory_size);
    munmap(board, sizeof(*board));
    return 0;
}

static rl_digest_t nth_key(uint64_t n)
{
    uint64_t rng = n * 7919;
    return random_digest(&rng);
}

static bool charge(uint64_t n, const rl_meter_t *meter, int64_t now)
{
    const rl_digest_t key = nth_key(n);
    rl_step_t step;
    rl_ledger_charge(&ledger, OP(&key, meter, now, 1), &step);
    if (step.granted) {
        atomic_fetch_add(&board->granted[n % KEYS], 1);
    }
    atomic_fetch_add_explicit(&board->calls, 1, memory_order_relaxed);
    return step.granted;
}

typedef void work_fn(int process);

static pid_t start(work_fn *work, int process)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        work(process);
        _exit(0);
    }
    return pid;
}

static void run(work_fn *work, int processes)
{
    pid_t pids[PROCESSES];
    for (int i = 0; i < processes; i++) {
        pids[i] = start(work, i);
    }
    for (int i = 0; i < processes; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

/* All processes meet; nobody sleeps. */
static void meet(uint32_t meeting, uint32_t processes)
{
    atomic_fetch_add(&board->arrived, 1);
    while (atomic_load(&board->arrived) < meeting * processes) {
        sched_yield();
    }
}

/* ---- exact counts ---- */

#define HOT_LIMIT 100000

static void hammer_one_key(int process)
{
    const rl_meter_t meter = fixed_window(HOT_LIMIT, HOUR);
    (void)process;
    for (int i = 0; i < HOT_LIMIT / 2; i++) {
        charge(1, &meter, NOON);
    }
}

static void a_hot_key_is_granted_exactly_its_limit(void **state)
{
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    run(hammer_one_key, 4);
    assert_int_equal(board->granted[1], HOT_LIMIT);
}

static void hammer_all_keys(int process)
{
    const rl_meter_t meter = fixed_window(10, HOUR);
    uint64_t rng = (uint64_t)process;
    for (uint64_t i = 0; i < 4 * KEYS; i++) {
        charge((i + random_below(&rng, 16)) % KEYS, &meter, NOON);
    }
    for (uint64_t n = 0; n < KEYS; n++) {
        while (charge(n, &meter, NOON)) {
        }
    }
}

static void many_keys_are_each_granted_exactly_their_limit(void **state)
{
    (void)state;
    open_ledger(1 << 20);
    run(hammer_all_keys, PROCESSES);
    for (int n = 0; n < KEYS; n++) {
        assert_int_equal(board->granted[n], 10);
    }
}

static void hold_and_give_back(int process)
{
    const rl_meter_t meter = fixed_window(3, HOUR);
    const rl_digest_t key = nth_key(5);
    (void)process;
    for (int i = 0; i < 20000; i++) {
        rl_step_t step;
        rl_ledger_charge(&ledger, OP(&key, &meter, NOON, 1), &step);
        if (step.granted) {
            const uint32_t holders = atomic_fetch_add(&board->holders, 1) + 1;
            uint32_t most = atomic_load(&board->most_holders);
            while (holders > most &&
                   !atomic_compare_exchange_weak(&board->most_holders, &most, holders)) {
            }
            atomic_fetch_sub(&board->holders, 1);
            rl_ledger_refund(&ledger, OP(&key, &meter, NOON, 1), step.stamp);
        }
    }
}

static void units_that_are_given_back_are_lent_again_but_never_twice(void **state)
{
    const rl_meter_t meter = fixed_window(3, HOUR);
    const rl_digest_t key = nth_key(5);
    rl_step_t step;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    run(hold_and_give_back, 4);
    assert_in_range(board->most_holders, 1, 3);
    rl_ledger_peek(&ledger, OP(&key, &meter, NOON, 0), &step);
    assert_int_equal(step.used, 0);
}

/* ---- new keys at the same moment ---- */

#define ROUNDS    1000
#define CROWD     4
#define NEW_LIMIT 3

static void fill_with_keys_that_expire(uint64_t first, int64_t before)
{
    rl_meter_t meter = fixed_window(5, SECOND);
    meter.aligned = true;
    for (uint64_t i = 0; i < 8; i++) {
        const rl_digest_t key = nth_key(first + i);
        rl_step_t step;
        rl_ledger_charge(&ledger, OP(&key, &meter, before - 1, 1), &step);
    }
}

/* Each round has a time of its own: the cells of the round before expire about then, to some
 * processes a moment earlier than to others. */
static void bring_new_keys(int process)
{
    const rl_meter_t meter = fixed_window(NEW_LIMIT, 2 * HOUR);
    uint64_t rng = (uint64_t)process;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const int64_t about = NOON + (int64_t)round * 4 * HOUR;
        if (process == 0) {
            fill_with_keys_that_expire(1000000 + round * 8, about - SECOND);
        }
        meet(2 * round + 1, CROWD);
        for (int i = 0; i < NEW_LIMIT + 1; i++) {
            const int64_t now = about + (int64_t)random_below(&rng, 5) - 2;
            charge(2 * round, &meter, now);
            charge(2 * round + 1, &meter, now);
        }
        meet(2 * round + 2, CROWD);
    }
}

static void new_keys_that_all_bring_at_once_are_granted_exactly_their_limit(void **state)
{
    (void)state;
    open_ledger(2 * 512);
    run(bring_new_keys, CROWD);
    for (int n = 0; n < 2 * ROUNDS; n++) {
        assert_int_equal(board->granted[n], NEW_LIMIT);
    }
}

/* ---- death ---- */

#define DEATHS 150

static void hammer_until_killed(int process)
{
    const rl_meter_t meter = fixed_window(50, HOUR), hot = fixed_window(1000000, HOUR);
    uint64_t rng = (uint64_t)getpid() + (uint64_t)process;
    for (;;) {
        charge(random_below(&rng, 500), &meter, NOON);
        charge(4000, &hot, NOON);
    }
}

static void wait_for_calls(uint64_t calls)
{
    const uint64_t until = atomic_load(&board->calls) + calls;
    while (atomic_load(&board->calls) < until) {
        sched_yield();
    }
}

static void end(pid_t pid)
{
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void assert_every_key_works_in_its_next_window(void)
{
    const rl_meter_t meter = fixed_window(50, HOUR);
    for (uint64_t n = 0; n < 500; n++) {
        assert_in_range(board->granted[n], 0, 50);
        for (int i = 0; i < 50; i++) {
            assert_true(charge(n, &meter, NOON + 2 * HOUR));
        }
        assert_false(charge(n, &meter, NOON + 2 * HOUR));
    }
}

static void processes_killed_at_random_leave_every_count_within_its_limit(void **state)
{
    pid_t pids[4];
    uint64_t rng = 11;
    (void)state;
    open_ledger(RL_LEDGER_SIZE_MIN);
    for (int i = 0; i < 4; i++) {
        pids[i] = start(hammer_until_killed, i);
    }
    for (int i = 0; i < DEATHS; i++) {
        wait_for_calls(100 + random_below(&rng, 2000));
        end(pids[i % 4]);
        pids[i % 4] = start(hammer_until_killed, i % 4);
    }
    for (int i = 0; i < 4; i++) {
        end(pids[i]);
    }
    assert_every_key_works_in_its_next_window();
}

/* A table of 16 cells, and always new keys: most deaths are amid a take-over. */
static void bring_ever_new_keys(int process)
{
    const rl_meter_t meter = fixed_window(2, SECOND);
    (void)process;
    for (;;) {
        const uint64_t n = atomic_load_explicit(&board->calls, memory_order_relaxed) / 16;
        charge(10000 + n, &meter, NOON + (int64_t)n * SECOND / 4);
    }
}

static void processes_killed_amid_take_overs_leave_a_table_that_works(void **state)
{
    const rl_meter_t meter = fixed_window(4, HOUR);
    pid_t pids[4];
    uint64_t rng = 12;
    (void)state;
    open_ledger(2 * 512);
    for (int i = 0; i < 4; i++) {
        pids[i] = start(bring_ever_new_keys, i);
    }
    for (int i = 0; i < DEATHS; i++) {
        wait_for_calls(50 + random_below(&rng, 1000));
        end(pids[i % 4]);
        pids[i % 4] = start(bring_ever_new_keys, i % 4);
    }
    for (int i = 0; i < 4; i++) {
        end(pids[i]);
    }
    const int64_t later = NOON + (int64_t)board->calls * SECOND;
    for (uint64_t n = 0; n < 12; n++) {
        for (int i = 0; i < 4; i++) {
            assert_true(charge(n, &meter, later));
        }
        assert_false(charge(n, &meter, later));
    }
    for (uint64_t n = 0; n < 12; n++) {
        assert_false(charge(n, &meter, later));
    }
}

#define LEDGER_TEST(f) cmocka_unit_test_teardown(f, close_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_hot_key_is_granted_exactly_its_limit),
        LEDGER_TEST(many_keys_are_each_granted_exactly_their_limit),
        LEDGER_TEST(units_that_are_given_back_are_lent_again_but_never_twice),
        LEDGER_TEST(new_keys_that_all_bring_at_once_are_granted_exactly_their_limit),
        LEDGER_TEST(processes_killed_at_random_leave_every_count_within_its_limit),
        LEDGER_TEST(processes_killed_amid_take_overs_leave_a_table_that_works),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
