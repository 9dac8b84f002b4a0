/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions of many processes on one counter, beside a bare compare-and-swap on one word.
 *
 *     contended ROUNDS MILLISECONDS [PROCESSES]
 *
 * prints a line per measurement: case, processes, round, million operations per second of all
 * together, and what the slowest process did of what the mean process did. A round runs every
 * case with 1, 2, 4, ... processes, up to as many as there are cores, or PROCESSES, each pinned
 * to a core of its own; a case stands next to the bare swap with as many. Compare within a
 * round.
 *
 * No limit is in reach, so a denial is wrong, and so is a counter that doesn't end at what was
 * granted: either ends the program.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledger/ledger.h"
#include "limiter/limiter.h"

#define PROCESSES_MAX 1024
#define RULES_MAX     2
#define BATCH         64 /* operations after which a process looks if the time is over */

/* Each on a line of memory of its own. */
typedef struct result {
    _Alignas(64) uint64_t done;
    uint64_t denied;
} result_t;

typedef struct board {
    _Alignas(64) _Atomic uint64_t counter;
    _Alignas(64) _Atomic int ready;
    _Alignas(64) _Atomic bool go;
    _Atomic bool over;
    result_t results[PROCESSES_MAX];
} board_t;

typedef struct bench {
    board_t *board;
    rl_ledger_t ledger;
    void *memory;
    int64_t now;
} bench_t;

typedef struct bench_case {
    const char *name;
    int rules; /* 0: the bare swap */
} bench_case_t;

static const bench_case_t cases[] = {{"swap", 0}, {"hot-1", 1}, {"hot-2", 2}};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void *map_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        die("mmap");
    }
    return memory;
}

static void pin_to_core(int n)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)n, &set);
    sched_setaffinity(0, sizeof(set), &set); /* without it the figures are only less steady */
}

/* ---- what a process does ---- */

static void swap_batch(board_t *board)
{
    for (int i = 0; i < BATCH; i++) {
        uint64_t seen = atomic_load(&board->counter);
        while (!atomic_compare_exchange_strong(&board->counter, &seen, seen + 1)) {
        }
    }
}

static void set_claims(const bench_case_t *c, rl_claim_t *claims)
{
    for (int r = 0; r < c->rules; r++) {
        claims[r] =
            (rl_claim_t){.op = {.key = {.hi = 77 + (uint64_t)r, .lo = (uint64_t)(5 + r) << 40},
                                .meter = {.algorithm = RL_FIXED_WINDOW,
                                          .limit = UINT32_MAX,
                                          .period_us = 30 * 86400 * RL_USEC_PER_SEC},
                                .cost = 1}};
    }
}

static uint64_t decide_batch(const bench_t *bench, const bench_case_t *c, rl_claim_t *claims)
{
    const rl_source_t source = {.ledger = &bench->ledger};
    uint64_t denied = 0;
    for (int i = 0; i < BATCH; i++) {
        denied += rl_limiter_decide(&source, claims, c->rules, bench->now) >= 0;
    }
    return denied;
}

static void run_process(const bench_t *bench, const bench_case_t *c, int process)
{
    board_t *board = bench->board;
    result_t result = {.done = 0};
    rl_claim_t claims[RULES_MAX];
    pin_to_core(process);
    set_claims(c, claims);
    atomic_fetch_add(&board->ready, 1);
    while (!atomic_load(&board->go)) {
        sched_yield();
    }
    while (!atomic_load_explicit(&board->over, memory_order_relaxed)) {
        if (c->rules == 0) {
            swap_batch(board);
        }
        else {
            result.denied += decide_batch(bench, c, claims);
        }
        result.done += BATCH;
    }
    board->results[process] = result;
}

/* ---- measuring ---- */

static void start_processes(const bench_t *bench, const bench_case_t *c, int processes)
{
    for (int p = 0; p < processes; p++) {
        const pid_t pid = fork();
        if (pid < 0) {
            die("fork");
        }
        if (pid == 0) {
            run_process(bench, c, p);
            _exit(0);
        }
    }
    while (atomic_load(&bench->board->ready) < processes) {
        usleep(100);
    }
}

static uint32_t counted(const bench_t *bench, const bench_case_t *c, int rule)
{
    rl_claim_t claims[RULES_MAX];
    rl_step_t step;
    set_claims(c, claims);
    claims[rule].op.ledger_key = rl_ledger_key(&claims[rule].op.key, 0);
    claims[rule].op.now = bench->now;
    claims[rule].op.cost = 0;
    rl_ledger_peek(&bench->ledger, &claims[rule].op, &step);
    return step.used;
}

static void check(const bench_t *bench, const bench_case_t *c, uint64_t done, uint64_t denied)
{
    for (int r = 0; r < c->rules; r++) {
        if (denied > 0 || counted(bench, c, r) != done) {
            fprintf(stderr, "contended: of %llu decisions %llu were denied, %u counted\n",
                    (unsigned long long)done, (unsigned long long)denied, counted(bench, c, r));
            exit(1);
        }
    }
}

static void measure(const bench_t *bench, const bench_case_t *c, int processes, int round,
                    uint32_t milliseconds)
{
    board_t *board = bench->board;
    uint64_t done = 0, denied = 0, least = UINT64_MAX;
    memset((void *)board, 0, sizeof(*board));
    memset(bench->memory, 0, RL_LEDGER_SIZE_MIN);
    start_processes(bench, c, processes);
    atomic_store(&board->go, true);
    usleep(milliseconds * 1000);
    atomic_store(&board->over, true);
    for (int p = 0; p < processes; p++) {
        wait(NULL);
    }
    for (int p = 0; p < processes; p++) {
        const result_t *result = &board->results[p];
        done += result->done;
        denied += result->denied;
        least = result->done < least ? result->done : least;
    }
    check(bench, c, done, denied);
    printf("%s\t%d\t%d\t%.2f\t%.2f\n", c->name, processes, round,
           (double)done / milliseconds / 1000, (double)least * processes / (double)done);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    const int most = argc > 3 ? atoi(argv[3]) : cores;
    bench_t bench = {.now = (int64_t)time(NULL) * RL_USEC_PER_SEC};
    if (argc < 3 || most < 1 || most > PROCESSES_MAX) {
        fprintf(stderr, "usage: contended ROUNDS MILLISECONDS [PROCESSES]\n");
        return 2;
    }
    bench.board = map_shared(sizeof(*bench.board));
    bench.memory = map_shared(RL_LEDGER_SIZE_MIN);
    rl_ledger_open(&bench.ledger, bench.memory, RL_LEDGER_SIZE_MIN);
    for (int round = 1; round <= atoi(argv[1]); round++) {
        for (int processes = 1; processes <= most; processes *= 2) {
            for (size_t i = 0; i < N_CASES; i++) {
                measure(&bench, &cases[i], processes, round, (uint32_t)atoi(argv[2]));
            }
        }
    }
    return 0;
}
