/* The ledger under every order of events that a seeded scheduler can think of.
 *
 * ledger.c is compiled into this program with its atomic operations wrapped: before each one
 * the running "process", a coroutine, may be suspended in favour of another, or killed for
 * good. Races that a machine shows once in a million runs come up here every second, and a
 * seed brings each of them back.
 *
 * What must hold in every schedule: no key is granted more than its limit in a window, as long
 * as the path has room for all keys that are live; and when nobody is killed, each key is
 * granted exactly its limit or all that was asked for, so nothing is counted twice either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

static void schedule(void);

#undef atomic_load
#undef atomic_store_explicit
#undef atomic_load_explicit
#undef atomic_compare_exchange_strong
#define atomic_load(p)             (schedule(), __atomic_load_n((p), __ATOMIC_SEQ_CST))
#define atomic_load_explicit(p, o) (schedule(), __atomic_load_n((p), __ATOMIC_SEQ_CST))
#define atomic_store_explicit(p, v, o)                                                         \
    (schedule(), __atomic_store_n((p), (v), __ATOMIC_SEQ_CST))
#define atomic_compare_exchange_strong(p, e, v)                                                \
    (schedule(),                                                                               \
     __atomic_compare_exchange_n((p), (e), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))

#include "store/ledger.c"

#include "support.h"

/* ---- the scheduler ---- */

#define ACTORS_MAX 4
#define STACK_SIZE (64 * 1024)

typedef struct actor {
    ucontext_t context;
    bool done;
    bool killed;
    int name;
} actor_t;

static actor_t actors[ACTORS_MAX];
static char stacks[ACTORS_MAX][STACK_SIZE] __attribute__((aligned(64)));
static ucontext_t home;
static actor_t *running;
static int actor_count;
static bool may_kill;
static uint64_t switch_one_in;
static uint64_t rng;

static actor_t *pick(void)
{
    actor_t *ready[ACTORS_MAX];
    uint64_t n = 0;
    for (int i = 0; i < actor_count; i++) {
        if (!actors[i].done && !actors[i].killed) {
            ready[n++] = &actors[i];
        }
    }
    return n == 0 ? NULL : ready[random_below(&rng, n)];
}

static void schedule(void)
{
    actor_t *self = running;
    if (self == NULL || random_below(&rng, switch_one_in) != 0) {
        return;
    }
    if (may_kill && random_below(&rng, 20) == 0) {
        self->killed = true;
    }
    running = pick();
    if (running == self) {
        return;
    }
    if (running == NULL) {
        setcontext(&home);
    }
    swapcontext(&self->context, &running->context);
}

/* ---- the cast ---- */

#define LIMIT     3
#define SECOND    RL_USEC_PER_SEC
#define EDGE      (INT64_C(1700000000) * SECOND) /* the moment about which everything happens */
#define KEYS_MAX  16
#define CALLS_MAX 8

typedef struct call {
    int key;
    int64_t now;
} call_t;

typedef struct script {
    call_t calls[CALLS_MAX];
    int n;
} script_t;

/* What was granted to a key, by the stamps of two windows. */
typedef struct tally {
    unsigned asked;
    uint64_t stamp[4];
    unsigned granted[4];
    unsigned all;
} tally_t;

static rl_ledger_t ledger;
static rl_digest_t keys[KEYS_MAX];
static rl_meter_t meters[KEYS_MAX];
static tally_t tallies[KEYS_MAX];
static script_t scripts[ACTORS_MAX];

static void tally(int key, const rl_step_t *step)
{
    tally_t *t = &tallies[key];
    t->asked++;
    if (!step->granted) {
        return;
    }
    t->all++;
    for (int i = 0; i < 4; i++) {
        if (t->granted[i] == 0 || t->stamp[i] == step->stamp) {
            t->stamp[i] = step->stamp;
            t->granted[i]++;
            return;
        }
    }
    abort();
}

static void charge_key(int key, int64_t now)
{
    rl_step_t step;
    rl_ledger_charge(&ledger, &keys[key], &meters[key], now, 1, &step);
    tally(key, &step);
}

static void act(int name)
{
    for (int i = 0; i < scripts[name].n; i++) {
        charge_key(scripts[name].calls[i].key, scripts[name].calls[i].now);
    }
    actors[name].done = true;
    running = pick();
    setcontext(running != NULL ? &running->context : &home);
}

static void prepare(actor_t *actor, int name)
{
    *actor = (actor_t){.name = name};
    getcontext(&actor->context);
    actor->context.uc_stack.ss_sp = fresh_stack(stacks[name], STACK_SIZE);
    actor->context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&actor->context, (void (*)(void))act, 1, name);
}

static void run_actors(int n)
{
    actor_count = n;
    for (int i = 0; i < n; i++) {
        prepare(&actors[i], i);
    }
    running = pick();
    swapcontext(&home, &running->context);
    running = NULL;
}

/* ---- the stage ---- */

static _Alignas(64) unsigned char memory[64 * 64];

static void open_stage(uint64_t seed, size_t groups)
{
    static const uint64_t one_in[] = {1, 2, 3, 6, 12, 40};
    rng = seed;
    switch_one_in = one_in[random_below(&rng, 6)];
    may_kill = false;
    memset(memory, 0, sizeof(memory));
    memset(tallies, 0, sizeof(tallies));
    memset(scripts, 0, sizeof(scripts));
    rl_ledger_open(&ledger, memory, groups * 8 * 64);
    for (int i = 0; i < KEYS_MAX; i++) {
        keys[i] = random_digest(&rng);
        meters[i] = fixed_window(LIMIT, 3600 * SECOND);
    }
}

/* Keys from..KEYS_MAX-1 were there before: some have expired by EDGE, to the microsecond. */
static void furnish(int from, int n)
{
    for (int i = from; i < from + n; i++) {
        meters[i] = fixed_window(LIMIT, SECOND);
        meters[i].aligned = true;
        rl_step_t step;
        const int64_t ago = (int64_t)random_below(&rng, 3) * SECOND;
        const uint64_t units = random_below(&rng, LIMIT + 1);
        for (uint64_t u = 0; u <= units; u++) {
            rl_ledger_charge(&ledger, &keys[i], &meters[i], EDGE - 1 - ago, 1, &step);
        }
    }
}

static int64_t jitter(void)
{
    return (int64_t)random_below(&rng, 7) - 3;
}

static void write_scripts(int n, int calls, int keys_from, int keys_n)
{
    /* The grace of an expired cell is the ledger's business: play about either moment. */
    const int64_t about = EDGE + (int64_t)random_below(&rng, 3) * SECOND;
    for (int i = 0; i < n; i++) {
        scripts[i].n = calls;
        for (int c = 0; c < calls; c++) {
            scripts[i].calls[c].key = keys_from + (int)random_below(&rng, (uint64_t)keys_n);
            scripts[i].calls[c].now = about + jitter();
        }
    }
}

static void assert_no_window_over(uint64_t seed)
{
    for (int k = 0; k < KEYS_MAX; k++) {
        for (int i = 0; i < 4; i++) {
            if (tallies[k].granted[i] > LIMIT) {
                fail_msg("seed %llu: key %d was granted %u of %d", (unsigned long long)seed, k,
                         tallies[k].granted[i], LIMIT);
            }
        }
    }
}

/* For keys whose window does not end about EDGE. */
static void assert_exact(uint64_t seed, int from, int n)
{
    for (int k = from; k < from + n; k++) {
        const unsigned due = tallies[k].asked < LIMIT ? tallies[k].asked : LIMIT;
        if (tallies[k].all != due) {
            fail_msg("seed %llu: key %d was granted %u of %u due", (unsigned long long)seed, k,
                     tallies[k].all, due);
        }
    }
}

/* Nobody's death locks a key: what is left of its limit is granted to the survivors. */
static void assert_usable(uint64_t seed, int from, int n)
{
    for (int k = from; k < from + n; k++) {
        const int64_t later = EDGE + 2 * 3600 * SECOND;
        rl_step_t step;
        for (int i = 0; i <= LIMIT; i++) {
            rl_ledger_charge(&ledger, &keys[k], &meters[k], later, 1, &step);
            if (step.granted != (i < LIMIT)) {
                fail_msg("seed %llu: key %d is stuck after %d", (unsigned long long)seed, k, i);
            }
        }
    }
}

/* ---- tests ---- */

/* How many schedules each test tries; a long run finds what a short one does not. */
#ifndef ROUNDS
#define ROUNDS 10000
#endif

static void one_new_key_in_an_empty_ledger_is_granted_exactly_its_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        open_stage(seed, 1);
        write_scripts(3, 3, 0, 1);
        run_actors(3);
        assert_no_window_over(seed);
        assert_exact(seed, 0, 1);
    }
}

static void one_new_key_among_expired_cells_is_granted_exactly_its_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        open_stage(seed, 1 + seed % 2);
        furnish(4, 8);
        write_scripts(4, 3, 0, 1);
        run_actors(4);
        assert_no_window_over(seed);
        assert_exact(seed, 0, 1);
    }
}

static void two_new_keys_that_want_the_same_cells_are_granted_exactly_their_limits(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        open_stage(seed, 2);
        furnish(4, 9);
        write_scripts(4, 4, 0, 2);
        run_actors(4);
        assert_no_window_over(seed);
        assert_exact(seed, 0, 2);
    }
}

/* Keys 4 to 6 were expired and come back while keys 0 and 1 look for expired cells. */
static void a_key_that_comes_back_keeps_its_cell_or_counts_anew_but_never_twice(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        open_stage(seed, 2);
        furnish(4, 9);
        write_scripts(4, 5, 0, 2);
        for (int i = 0; i < 4; i++) {
            for (int c = 0; c < 5; c++) {
                if (random_below(&rng, 2) == 0) {
                    scripts[i].calls[c].key = 4 + (int)random_below(&rng, 3);
                }
            }
        }
        memset(tallies, 0, sizeof(tallies));
        run_actors(4);
        assert_no_window_over(seed);
        assert_exact(seed, 0, 2);
    }
}

static void processes_killed_at_any_instruction_leave_counts_within_the_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        open_stage(seed, 2);
        furnish(4, 8);
        write_scripts(4, 4, 0, 2);
        may_kill = true;
        run_actors(4);
        may_kill = false;
        for (int k = 0; k < 2; k++) {
            for (int i = 0; i < LIMIT + 1; i++) {
                charge_key(k, EDGE + 2 * SECOND);
            }
        }
        assert_no_window_over(seed);
        assert_usable(seed, 0, KEYS_MAX / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_new_key_in_an_empty_ledger_is_granted_exactly_its_limit),
        cmocka_unit_test(one_new_key_among_expired_cells_is_granted_exactly_its_limit),
        cmocka_unit_test(
            two_new_keys_that_want_the_same_cells_are_granted_exactly_their_limits),
        cmocka_unit_test(a_key_that_comes_back_keeps_its_cell_or_counts_anew_but_never_twice),
        cmocka_unit_test(processes_killed_at_any_instruction_leave_counts_within_the_limit),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
