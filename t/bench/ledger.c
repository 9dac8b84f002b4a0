/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision costs on the ledger alone: no httpd, no network, no system call.
 *
 *     ledger ROUNDS DECISIONS        one line per measurement on standard output:
 *                                    case, processes, round, nanoseconds per operation;
 *                                    then one about memory: bytes, table's size, keys it has
 *                                    room for, keys kept of as many new ones
 *     ledger --once CASE DECISIONS   runs one case in one process, for callgrind
 *
 * A round runs every case once, so that whatever disturbs the machine for a while disturbs all
 * of them. With two processes both are forked anew for every measurement, each is pinned to a
 * core of its own, and they start together; the figure is the mean of what one decision took
 * each of them. Keys are hashed before the clock starts: what hashing costs is a case of its
 * own. So is what the kernel does when a process sees a page for the first time: a forked
 * process touches all memory before the clock starts, and all keys have their cells before the
 * first round. A round goes on with the keys where the one before ended.
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

#include <apr_general.h>

#include "core/digest.h"
#include "limiter/limiter.h"
#include "ledger/ledger.h"
#include "ledger/segment.h"
#include "stats/stats.h"
#include "system/clock.h"

#define PROCESSES_MAX 2
#define SPREAD_KEYS   1000000u
#define RULES_MAX     2
#define TABLE_BYTES   (128u << 20)
#define SMALL_BYTES   (32u << 20) /* RateLimitStore's default; SPREAD_KEYS don't fit */
#define KEYS_BYTES    (sizeof(rl_digest_t) * SPREAD_KEYS * RULES_MAX)

/* What the processes of one measurement share. */
typedef struct board {
    _Alignas(64) _Atomic uint64_t counter; /* alone on its cache line */
    _Alignas(64) _Atomic int ready;
    _Atomic bool go;
    double ns[PROCESSES_MAX]; /* per operation, as each process measured it */
    uint64_t wrong[PROCESSES_MAX];
} board_t;

typedef struct bench {
    board_t *board;
    void *table_memory, *small_memory, *large_memory;
    rl_stats_t *stats;
    void *lines; /* as large as the table, for comparison */
    int round;
    rl_ledger_t table; /* room for SPREAD_KEYS and more */
    rl_ledger_t small; /* too small for them */
    rl_ledger_t large; /* like table, in large pages if the system has them */
    rl_digest_t *keys; /* SPREAD_KEYS × RULES_MAX, of random addresses */
    rl_secret_t secret;
    rl_digest_t scope;
    int64_t now;
} bench_t;

typedef struct bench_case bench_case_t;

/* Runs n operations as the given process and returns how many came out wrong. */
typedef uint64_t run_fn(const bench_t *bench, const bench_case_t *c, int process, uint32_t n);

struct bench_case {
    const char *name;
    run_fn *run;
    int rules;      /* per decision */
    uint32_t keys;  /* how many different keys the decisions go over */
    uint32_t limit; /* units per hour */
    bool denied;    /* what every decision must come to */
    int share;      /* of the decisions asked for, one in so many is enough; 0 is all */
};

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

static void *map_large(size_t size)
{
    rl_pages_t pages;
    void *memory;
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (rl_segment_create_large(&memory, size, pool, &pages) != APR_SUCCESS) {
        die("mmap");
    }
    fprintf(stderr, "ledger: spread-large has pages of %u kB%s%s\n", pages.kb,
            pages.why != NULL ? ": " : "", pages.why != NULL ? pages.why : "");
    return memory;
}

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- keys ---- */

/* xorshift64* (Vigna 2016): the same addresses in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* The digest of a rule's scope and an IPv4 address, as key=ip makes it. */
static rl_digest_t key_of(const bench_t *bench, uint64_t address)
{
    const unsigned char bytes[4] = {(unsigned char)(address >> 24),
                                    (unsigned char)(address >> 16),
                                    (unsigned char)(address >> 8), (unsigned char)address};
    rl_key_builder_t key;
    rl_key_begin(&key, &bench->secret, &bench->scope);
    rl_key_add(&key, 1, bytes, sizeof(bytes));
    return rl_key_finish(&key);
}

/* The keys of the first n decisions of one process. */
static void make_keys(bench_t *bench, uint32_t n)
{
    uint64_t state = 88172645463325252u;
    bench->keys = map_shared(KEYS_BYTES);
    for (uint32_t i = 0; i < n * RULES_MAX; i++) {
        bench->keys[i] = key_of(bench, next_random(&state) >> 32);
    }
}

/* ---- the cases ---- */

/* Each process starts elsewhere, so that two don't walk the keys in step. */
static uint32_t first_key(const bench_t *bench, const bench_case_t *c, int process, uint32_t n)
{
    return (
        uint32_t)((c->keys / PROCESSES_MAX * (uint64_t)process + (uint64_t)bench->round * n) %
                  c->keys);
}

/* What the machine charges for the least that can be done: one compare-and-swap on one word. */
static uint64_t run_swap(const bench_t *bench, const bench_case_t *c, int process, uint32_t n)
{
    _Atomic uint64_t *counter = &bench->board->counter;
    (void)c;
    (void)process;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t seen = atomic_load(counter);
        while (!atomic_compare_exchange_strong(counter, &seen, seen + 1)) {
        }
    }
    return 0;
}

/* The same on a line of memory for each of the keys, as much memory as the table has: what it
 * takes to fetch a line that is in no cache, whose page the processor has to look up as well.
 * Which line is next depends on what was there, so that fetches don't overlap; a decision is
 * too long to overlap with the next one either. */
static uint64_t run_swap_spread(const bench_t *bench, const bench_case_t *c, int process,
                                uint32_t n)
{
    uint32_t at = first_key(bench, c, process, n);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t line = bench->keys[at * RULES_MAX].lo % (TABLE_BYTES / 64);
        _Atomic uint64_t *counter = (_Atomic uint64_t *)((char *)bench->lines + line * 64);
        uint64_t seen = atomic_load(counter);
        at = at + 1 < c->keys ? at + 1 + (uint32_t)(seen >> 63) : 0;
        while (!atomic_compare_exchange_strong(counter, &seen, seen + 1)) {
        }
    }
    return 0;
}

/* The names of the counters that an address has under c->rules rules with key=ip, whose scopes
 * are hashed ahead. */
static uint64_t run_digest(const bench_t *bench, const bench_case_t *c, int process, uint32_t n)
{
    uint64_t sum = 0;
    rl_scope_t scopes[RULES_MAX];
    for (int r = 0; r < c->rules; r++) {
        const rl_digest_t id = {.hi = bench->scope.hi, .lo = (uint64_t)r};
        rl_scope_make(&scopes[r], &bench->secret, &id);
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t address = (uint32_t)sum + i + (uint32_t)process;
        rl_key_builder_t key;
        rl_key_begin_in(&key, &bench->secret, &scopes[0]);
        rl_key_add(&key, 1, &address, sizeof(address));
        sum += rl_key_counter(&key).lo & 1;
        for (int r = 1; r < c->rules; r++) {
            rl_key_rescope(&key, &scopes[r]);
            sum += rl_key_counter(&key).lo & 1;
        }
    }
    return sum == UINT64_MAX; /* never; the sum keeps the work from being optimized away */
}

static void set_claims(const bench_t *bench, const bench_case_t *c, rl_claim_t *claims,
                       uint32_t at)
{
    for (int r = 0; r < c->rules; r++) {
        claims[r].op.key = bench->keys[at * RULES_MAX + (uint32_t)r];
    }
}

static void set_meters(const bench_case_t *c, rl_claim_t *claims)
{
    for (int r = 0; r < c->rules; r++) {
        claims[r] = (rl_claim_t){.op = {.meter = {.algorithm = RL_FIXED_WINDOW,
                                                  .limit = c->limit,
                                                  .period_us = 3600 * RL_USEC_PER_SEC},
                                        .cost = 1}};
    }
}

static uint64_t decide(const bench_t *bench, const rl_ledger_t *ledger, const bench_case_t *c,
                       int process, uint32_t n)
{
    const rl_source_t source = {.ledger = ledger};
    rl_claim_t claims[RULES_MAX];
    uint64_t wrong = 0;
    uint32_t at = first_key(bench, c, process, n);
    set_meters(c, claims);
    for (uint32_t i = 0; i < n; i++) {
        set_claims(bench, c, claims, at);
        at = at + 1 < c->keys ? at + 1 : 0;
        wrong += (rl_limiter_decide(&source, claims, c->rules, bench->now) >= 0) != c->denied;
    }
    return wrong;
}

static uint64_t run_decide(const bench_t *bench, const bench_case_t *c, int process, uint32_t n)
{
    return decide(bench, &bench->table, c, process, n);
}

static uint64_t run_large(const bench_t *bench, const bench_case_t *c, int process, uint32_t n)
{
    return decide(bench, &bench->large, c, process, n);
}

static uint64_t run_crowded(const bench_t *bench, const bench_case_t *c, int process,
                            uint32_t n)
{
    return decide(bench, &bench->small, c, process, n);
}

/* What request/figures.c does for a request that was allowed. */
static uint64_t run_figures(const bench_t *bench, const bench_case_t *c, int process,
                            uint32_t n)
{
    uint32_t at = first_key(bench, c, process, n);
    for (uint32_t i = 0; i < n; i++) {
        const rl_instant_t now = rl_instant(rl_clock_seconds());
        for (int r = 0; r < c->rules; r++) {
            rl_figures_t *figures = &bench->stats->figures[RL_STATS_ALL + 1 + r];
            const rl_sighting_t sighting = {
                .key = bench->keys[at * RULES_MAX + (uint32_t)r],
                .limit = c->limit,
                .period_s = 3600,
                .now_s = now.now_s,
                .sequence = rl_figures_add(figures, RL_FIGURE_ALLOWED, now)};
            rl_sketch_add(&figures->busiest, &sighting);
        }
        rl_figures_add(&bench->stats->figures[RL_STATS_ALL], RL_FIGURE_ALLOWED, now);
        at = at + 1 < c->keys ? at + 1 : 0;
    }
    return 0;
}

static const bench_case_t cases[] = {
    {.name = "swap", .run = run_swap},
    {.name = "swap-spread", .run = run_swap_spread, .keys = SPREAD_KEYS},
    {.name = "digest", .run = run_digest, .rules = 1},
    {.name = "digest-2", .run = run_digest, .rules = 2},
    {.name = "hot-1", .run = run_decide, .rules = 1, .keys = 1, .limit = UINT32_MAX},
    {.name = "hot-2", .run = run_decide, .rules = 2, .keys = 1, .limit = UINT32_MAX},
    {.name = "hot-denied",
     .run = run_decide,
     .rules = 1,
     .keys = 1,
     .limit = 100,
     .denied = true},
    {.name = "spread-1",
     .run = run_decide,
     .rules = 1,
     .keys = SPREAD_KEYS,
     .limit = UINT32_MAX},
    {.name = "spread-large",
     .run = run_large,
     .rules = 1,
     .keys = SPREAD_KEYS,
     .limit = UINT32_MAX},
    {.name = "crowded-1",
     .run = run_crowded,
     .rules = 1,
     .keys = SPREAD_KEYS,
     .limit = UINT32_MAX,
     .share = 4},
    {.name = "figures-1", .run = run_figures, .rules = 1, .keys = 1, .limit = UINT32_MAX},
    {.name = "figures-2", .run = run_figures, .rules = 2, .keys = 1, .limit = UINT32_MAX},
    {.name = "figures-spread",
     .run = run_figures,
     .rules = 1,
     .keys = SPREAD_KEYS,
     .limit = UINT32_MAX},
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

/* ---- measuring ---- */

static void pin_to_core(int n)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)(n % (cores > 0 ? cores : 1)), &set);
    sched_setaffinity(0, sizeof(set), &set); /* without it the figures are only less steady */
}

/* Memory that is shared has no page of its own in a process that was just forked. */
static void touch(const void *memory, size_t size)
{
    const volatile char *bytes = memory;
    for (size_t i = 0; i < size; i += 4096) {
        (void)bytes[i];
    }
}

static void touch_all(const bench_t *bench)
{
    touch(bench->keys, KEYS_BYTES);
    touch(bench->table_memory, TABLE_BYTES);
    touch(bench->small_memory, SMALL_BYTES);
    touch(bench->large_memory, TABLE_BYTES);
    touch(bench->lines, TABLE_BYTES);
}

static void run_process(const bench_t *bench, const bench_case_t *c, int process, uint32_t n)
{
    board_t *board = bench->board;
    int64_t start;
    pin_to_core(process);
    if (c->keys > 1) {
        touch_all(bench);
    }
    c->run(bench, c, process, n / 20); /* warm caches, and used-up limits */
    atomic_fetch_add(&board->ready, 1);
    while (!atomic_load(&board->go)) {
        sched_yield();
    }
    start = clock_ns();
    board->wrong[process] = c->run(bench, c, process, n);
    board->ns[process] = (double)(clock_ns() - start) / n;
}

static void measure(const bench_t *bench, const bench_case_t *c, int processes, int round,
                    uint32_t n)
{
    board_t *board = bench->board;
    double sum = 0;
    memset((void *)board, 0, sizeof(*board));
    for (int p = 0; p < processes; p++) {
        const pid_t pid = fork();
        if (pid < 0) {
            die("fork");
        }
        if (pid == 0) {
            run_process(bench, c, p, n);
            _exit(0);
        }
    }
    while (atomic_load(&board->ready) < processes) {
        usleep(100);
    }
    atomic_store(&board->go, true);
    for (int p = 0; p < processes; p++) {
        wait(NULL);
    }
    for (int p = 0; p < processes; p++) {
        sum += board->ns[p];
        if (board->wrong[p] > 0) {
            fprintf(stderr, "ledger: %s: %llu decisions came out wrong\n", c->name,
                    (unsigned long long)board->wrong[p]);
            exit(1);
        }
    }
    printf("%s\t%d\t%d\t%.2f\n", c->name, processes, round, sum / processes);
}

static void run_all(bench_t *bench, int rounds, uint32_t n)
{
    for (size_t i = 0; i < N_CASES; i++) {
        cases[i].run(bench, &cases[i], 0, cases[i].keys); /* takes the cells */
    }
    for (bench->round = 1; bench->round <= rounds; bench->round++) {
        for (size_t i = 0; i < N_CASES; i++) {
            const uint32_t share = cases[i].share > 0 ? (uint32_t)cases[i].share : 1;
            for (int processes = 1; processes <= PROCESSES_MAX; processes++) {
                measure(bench, &cases[i], processes, bench->round, n / share);
                fflush(stdout);
            }
        }
    }
}

static void set_operation(const bench_t *bench, rl_operation_t *op, uint32_t i, uint32_t cost)
{
    op->key = op->ledger_key = bench->keys[i];
    op->now = bench->now;
    op->cost = cost;
}

/* How many keys a table holds that had as many new ones as it has cells. */
static void report_memory(const bench_t *bench)
{
    const bench_case_t c = {.rules = 1, .limit = UINT32_MAX};
    const uint32_t room = (uint32_t)rl_ledger_capacity(&bench->small);
    uint32_t kept = 0;
    rl_claim_t claim;
    memset(bench->small_memory, 0, SMALL_BYTES);
    set_meters(&c, &claim);
    for (uint32_t i = 0; i < room; i++) {
        rl_step_t step;
        set_operation(bench, &claim.op, i, 1);
        rl_ledger_charge(&bench->small, &claim.op, &step);
    }
    for (uint32_t i = 0; i < room; i++) {
        rl_step_t step;
        set_operation(bench, &claim.op, i, 0);
        rl_ledger_peek(&bench->small, &claim.op, &step);
        kept += step.used > 0;
    }
    printf("bytes\t%u\t%u\t%u\n", SMALL_BYTES, room, kept);
}

/* callgrind is told to count inside this function only. */
__attribute__((noinline)) static uint64_t counted(const bench_t *bench, const bench_case_t *c,
                                                  uint32_t n)
{
    return c->run(bench, c, 0, n);
}

static int run_once(const bench_t *bench, const char *name, uint32_t n)
{
    for (size_t i = 0; i < N_CASES; i++) {
        if (strcmp(cases[i].name, name) == 0) {
            cases[i].run(bench, &cases[i], 0, n); /* takes the cells */
            return counted(bench, &cases[i], n) == 0 ? 0 : 1;
        }
    }
    fprintf(stderr, "ledger: no case is called %s\n", name);
    return 2;
}

static uint32_t number(const char *text)
{
    const unsigned long value = strtoul(text, NULL, 10);
    if (value < 1 || value > 1000000000) {
        fprintf(stderr, "ledger: %s: expected a number from 1 to 1000000000\n", text);
        exit(2);
    }
    return (uint32_t)value;
}

int main(int argc, char **argv)
{
    bench_t bench = {.now = (int64_t)time(NULL) * RL_USEC_PER_SEC};
    const bool once = argc == 4 && strcmp(argv[1], "--once") == 0;
    if (argc != 3 && !once) {
        fprintf(stderr, "usage: ledger ROUNDS DECISIONS | ledger --once CASE DECISIONS\n");
        return 2;
    }
    bench.board = map_shared(sizeof(*bench.board));
    rl_secret_derive(&bench.secret, RL_SECRET_OF_KEYS, "bench", 5);
    bench.scope = rl_digest_public("bench", 5);
    bench.table_memory = map_shared(TABLE_BYTES);
    bench.small_memory = map_shared(SMALL_BYTES);
    bench.large_memory = map_large(TABLE_BYTES);
    bench.lines = map_shared(TABLE_BYTES);
    bench.stats = map_shared(sizeof(rl_stats_t));
    rl_ledger_open(&bench.table, bench.table_memory, TABLE_BYTES);
    rl_ledger_open(&bench.large, bench.large_memory, TABLE_BYTES);
    rl_ledger_open(&bench.small, bench.small_memory, SMALL_BYTES);
    if (once) {
        const uint32_t n = number(argv[3]);
        make_keys(&bench, n < SPREAD_KEYS ? n : SPREAD_KEYS);
        return run_once(&bench, argv[2], n);
    }
    make_keys(&bench, SPREAD_KEYS);
    run_all(&bench, (int)number(argv[1]), number(argv[2]));
    report_memory(&bench);
    return 0;
}
