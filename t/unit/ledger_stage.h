/* SPDX-License-Identifier: Apache-2.0 */
/* Small stories in which processes use one ledger at once, with what must hold at their end.
 *
 * The ledger's source is compiled into the program with its atomic operations simulated
 * (weak_memory.h): every order of events, every value that a load may see, and death between
 * any two operations, as a seed has it.
 */
#ifndef T_UNIT_LEDGER_STAGE_H
#define T_UNIT_LEDGER_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weak_memory.h"

#include "ledger/ledger.c"
#include "ledger/evict.c"
#include "ledger/place.c"

#include "support.h"

#define LIMIT     3
#define SECOND    RL_USEC_PER_SEC
#define EDGE      (INT64_C(1700000000) * SECOND) /* the moment about which everything happens */
#define KEYS_MAX  16
#define CALLS_MAX 8

/* ---- the ledger, as these tests use it ---- */

static rl_ledger_t ledger;
static rl_digest_t keys[KEYS_MAX];
static rl_meter_t meters[KEYS_MAX];

static void stage_charge(int key, int64_t now, rl_step_t *step)
{
    rl_ledger_charge(&ledger, OP(&keys[key], &meters[key], now, 1), step);
}

/* As the limiter does it: looks first, and charges what it saw if it can. */
static void stage_take(int key, int64_t now, rl_step_t *step)
{
    rl_sight_t sight;
    rl_ledger_aim(&ledger, &keys[key], &sight);
    rl_ledger_look(&ledger, OP(&keys[key], &meters[key], now, 1), step, &sight);
    if (!rl_ledger_take(OP(&keys[key], &meters[key], now, 1), &sight, step)) {
        rl_ledger_charge_from(&ledger, OP(&keys[key], &meters[key], now, 1), &sight, step);
    }
}

static void stage_refund(int key, uint64_t stamp, int64_t now)
{
    rl_ledger_refund(&ledger, OP(&keys[key], &meters[key], now, 1), stamp);
}

static uint64_t stage_held(int key, uint64_t stamp)
{
    return rl_ledger_held(&ledger, OP(&keys[key], &meters[key], 0, 0), stamp);
}

static void stage_raise(int key, int64_t now, uint64_t stamp, uint64_t value)
{
    rl_ledger_raise(&ledger, OP(&keys[key], &meters[key], now, 0), stamp, value);
}

static uint64_t stage_note(int key, unsigned n)
{
    return rl_ledger_note(&ledger, &keys[key], n);
}

static bool stage_notes(int key, uint64_t notes[RL_LEDGER_NOTES])
{
    return rl_ledger_notes(&ledger, &keys[key], notes);
}

static bool stage_swap_note(int key, unsigned n, uint64_t from, uint64_t to)
{
    return rl_ledger_swap_note(&ledger, &keys[key], n, from, to);
}

static uint32_t stage_note_denial(int key, const rl_step_t *step, int64_t now)
{
    uint32_t before;
    return rl_ledger_count_denial(&ledger, OP(&keys[key], &no_meter, now, 0), step, &before);
}

/* ---- what went wrong ---- */

static char complaint[200]; /* the first of a run; empty: none */

#define COMPLAIN(...)                                                                          \
    do {                                                                                       \
        if (complaint[0] == '\0') {                                                            \
            snprintf(complaint, sizeof(complaint), __VA_ARGS__);                               \
        }                                                                                      \
    } while (0)

/* ---- the cast ---- */

typedef struct call {
    int key;
    int64_t now;
} call_t;

typedef struct script {
    call_t calls[CALLS_MAX];
    int n;
} script_t;

/* What was granted to a key, by the stamps of its windows. */
typedef struct tally {
    unsigned asked;
    uint64_t stamp[4];
    unsigned granted[4];
    unsigned all;
    int net; /* what was granted and has not been given back */
} tally_t;

static tally_t tallies[KEYS_MAX];
static uint64_t heard_of[WEAK_PROCESSES_MAX]; /* what a process has found */
static script_t scripts[WEAK_PROCESSES_MAX];

static void tally(int key, const rl_step_t *step)
{
    tally_t *t = &tallies[key];
    t->asked++;
    if (!step->granted) {
        return;
    }
    t->all++;
    t->net++;
    for (int i = 0; i < 4; i++) {
        if (t->granted[i] == 0 || t->stamp[i] == step->stamp) {
            t->stamp[i] = step->stamp;
            t->granted[i]++;
            return;
        }
    }
    COMPLAIN("key %d was granted units of more than four windows", key);
}

static void charge_key(int key, int64_t now)
{
    rl_step_t step;
    stage_charge(key, now, &step);
    tally(key, &step);
}

static void charge_all(int name)
{
    for (int i = 0; i < scripts[name].n; i++) {
        charge_key(scripts[name].calls[i].key, scripts[name].calls[i].now);
    }
}

/* ---- the stage ---- */

static _Alignas(64) unsigned char memory[16 * 64];

static uint64_t any_below(uint64_t bound)
{
    return random_below(&weak_rng, bound);
}

static void open_stage(uint64_t seed, size_t groups)
{
    static const uint64_t switches[] = {1, 2, 3, 6, 12, 40}, stale[] = {0, 2, 5, 15};
    weak_rng = seed;
    weak_chances.switch_one_in = switches[any_below(6)];
    weak_chances.stale_one_in = stale[any_below(4)];
    weak_chances.kill_one_in = 0;
    complaint[0] = '\0';
    memset(memory, 0, sizeof(memory));
    memset(tallies, 0, sizeof(tallies));
    memset(scripts, 0, sizeof(scripts));
    rl_ledger_open(&ledger, memory, groups * 8 * 64);
    for (int i = 0; i < KEYS_MAX; i++) {
        keys[i] = random_digest(&weak_rng);
        meters[i] = fixed_window(LIMIT, 3600 * SECOND);
    }
}

/* Keys from..from+n-1 were there before: some have expired by EDGE, to the microsecond.
 * Together with the keys that a story is about they must not be more than the cells of a path:
 * if all are live and at their limits, a new key takes the cell of one that isn't. */
static void furnish(int from, int n)
{
    for (int i = from; i < from + n; i++) {
        meters[i] = fixed_window(LIMIT, SECOND);
        meters[i].aligned = true;
        rl_step_t step;
        const int64_t ago = (int64_t)any_below(3) * SECOND;
        const uint64_t units = any_below(LIMIT + 1);
        for (uint64_t u = 0; u <= units; u++) {
            stage_charge(i, EDGE - 1 - ago, &step);
        }
    }
}

static int64_t jitter(void)
{
    return (int64_t)any_below(7) - 3;
}

static void write_scripts(int n, int calls, int keys_from, int keys_n)
{
    /* The grace of an expired cell is the ledger's business: play about either moment. */
    const int64_t about = EDGE + (int64_t)any_below(3) * SECOND;
    for (int i = 0; i < n; i++) {
        scripts[i].n = calls;
        for (int c = 0; c < calls; c++) {
            scripts[i].calls[c].key = keys_from + (int)any_below((uint64_t)keys_n);
            scripts[i].calls[c].now = about + jitter();
        }
    }
}

/* ---- what must hold ---- */

static void check_no_window_over(int from, int n)
{
    for (int k = from; k < from + n; k++) {
        for (int i = 0; i < 4; i++) {
            if (tallies[k].granted[i] > LIMIT) {
                COMPLAIN("key %d was granted %u of %d", k, tallies[k].granted[i], LIMIT);
            }
        }
    }
}

/* For keys whose window does not end about EDGE. */
static void check_exact(int from, int n)
{
    for (int k = from; k < from + n; k++) {
        const unsigned due = tallies[k].asked < LIMIT ? tallies[k].asked : LIMIT;
        if (tallies[k].all != due) {
            COMPLAIN("key %d was granted %u of %u due", k, tallies[k].all, due);
        }
    }
}

/* Nobody's death locks a key: what is left of its limit is granted to the survivors. */
static void check_usable(int from, int n)
{
    for (int k = from; k < from + n; k++) {
        const int64_t later = EDGE + 2 * 3600 * SECOND;
        rl_step_t step;
        for (int i = 0; i <= LIMIT; i++) {
            stage_charge(k, later, &step);
            if (step.granted != (i < LIMIT)) {
                COMPLAIN("key %d is stuck after %d", k, i);
            }
        }
    }
}

/* ---- stories ---- */

static inline void new_key_in_an_empty_ledger(uint64_t seed)
{
    open_stage(seed, 1);
    write_scripts(3, 3, 0, 1);
    weak_run(3, charge_all);
    check_no_window_over(0, 1);
    check_exact(0, 1);
}

static inline void new_key_among_expired_cells(uint64_t seed)
{
    open_stage(seed, 1 + seed % 2);
    furnish(4, 8);
    write_scripts(4, 3, 0, 1);
    weak_run(4, charge_all);
    check_no_window_over(0, 1);
    check_exact(0, 1);
}

static inline void two_new_keys_for_the_same_cells(uint64_t seed)
{
    open_stage(seed, 2);
    furnish(4, 9);
    write_scripts(4, 4, 0, 2);
    weak_run(4, charge_all);
    check_no_window_over(0, 2);
    check_exact(0, 2);
}

/* Keys 4 to 6 were expired and come back while keys 0 and 1 look for expired cells. */
static inline void key_that_comes_back(uint64_t seed)
{
    open_stage(seed, 2);
    furnish(4, 9);
    write_scripts(4, 5, 0, 2);
    for (int i = 0; i < 4; i++) {
        for (int c = 0; c < 5; c++) {
            if (any_below(2) == 0) {
                scripts[i].calls[c].key = 4 + (int)any_below(3);
            }
        }
    }
    weak_run(4, charge_all);
    check_no_window_over(0, KEYS_MAX);
    check_exact(0, 2);
}

static inline void killed_processes(uint64_t seed)
{
    open_stage(seed, 2);
    furnish(4, 8);
    write_scripts(4, 4, 0, 2);
    weak_chances.kill_one_in = 20;
    weak_run(4, charge_all);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < LIMIT + 1; i++) {
            charge_key(k, EDGE + 2 * SECOND);
        }
    }
    check_no_window_over(0, KEYS_MAX);
    check_usable(0, KEYS_MAX / 4);
}

/* Processes 0 and 1 are late: their clocks were read long ago, and the cells of their keys go
 * to key 0 meanwhile. */
static inline void late_requests_of_former_owners(uint64_t seed)
{
    open_stage(seed, 1);
    furnish(4, 6);
    write_scripts(4, 5, 0, 1);
    for (int i = 0; i < 4; i++) {
        const int first = (int)any_below(6);
        scripts[i].n = i < 2 ? 6 : 4;
        for (int c = 0; c < scripts[i].n; c++) {
            scripts[i].calls[c] =
                i < 2 ? (call_t){4 + (first + c) % 6, EDGE - 1 - (int64_t)any_below(3)}
                      : (call_t){0, EDGE + 2 * SECOND + jitter()};
        }
    }
    weak_run(4, charge_all);
    check_no_window_over(0, 1);
    check_exact(0, 1);
}

/* A window ends, all of which still counts: of both together no more is granted than of one. */
static inline void sliding_window_that_begins(uint64_t seed)
{
    open_stage(seed, 1);
    meters[0] = (rl_meter_t){.algorithm = RL_SLIDING_WINDOW,
                             .aligned = true,
                             .limit = LIMIT,
                             .period_us = 1000 * SECOND};
    if (any_below(2) == 0) {
        charge_key(0, EDGE - 1000 * SECOND - 1);
        tallies[0].all = 0;
    }
    write_scripts(3, 3, 0, 1);
    for (int i = 0; i < 3; i++) {
        for (int c = 0; c < 3; c++) {
            scripts[i].calls[c].now = EDGE + jitter();
        }
    }
    weak_run(3, charge_all);
    check_no_window_over(0, 1);
    if (tallies[0].all > LIMIT) {
        COMPLAIN("two windows were granted %u of %d", tallies[0].all, LIMIT);
    }
}

/* A bucket's cell lives longer with each charge. */
static inline void token_bucket_among_expired_cells(uint64_t seed)
{
    open_stage(seed, 1);
    furnish(4, 6);
    meters[0] = meters[1] = token_bucket(LIMIT, 3600 * SECOND, LIMIT);
    write_scripts(4, 4, 0, 2);
    weak_run(4, charge_all);
    check_no_window_over(0, 2);
    check_exact(0, 2);
}

/* Counts before the ledger does when units come back, and after it when they go. */
static void take_and_refund(int name)
{
    for (int i = 0; i < scripts[name].n; i++) {
        const call_t *call = &scripts[name].calls[i];
        rl_step_t step;
        (any_below(2) == 0 ? stage_take : stage_charge)(call->key, call->now, &step);
        tally(call->key, &step);
        if (tallies[call->key].net > LIMIT) {
            COMPLAIN("key %d was granted more than came back", call->key);
        }
        if (step.granted && any_below(2) == 0) {
            tallies[call->key].net--;
            stage_refund(call->key, step.stamp, call->now);
        }
    }
}

static inline void units_that_come_back(uint64_t seed)
{
    open_stage(seed, 1);
    furnish(4, 6);
    write_scripts(4, 4, 0, 2);
    weak_run(4, take_and_refund);
    for (int k = 0; k < 2; k++) {
        const uint64_t held = stage_held(k, tallies[k].stamp[0]);
        if (tallies[k].all > 0 && held != (uint64_t)tallies[k].net) {
            COMPLAIN("key %d holds %d, not %d", k, (int)held, tallies[k].net);
        }
    }
}

static void raise_key(int name)
{
    const int64_t now = EDGE + jitter();
    for (uint64_t i = 0; i < 3; i++) {
        stage_raise(0, now, 700, 3 * i + (uint64_t)name + 1);
    }
}

/* What a key has used is raised to several values at once: the highest stands. */
static inline void key_that_is_raised(uint64_t seed)
{
    open_stage(seed, 1);
    furnish(4, 7);
    meters[0].period_us = EDGE / 700;
    weak_run(3, raise_key);
    if (stage_held(0, 700) != 9) {
        COMPLAIN("key 0 holds %d, not 9", (int)stage_held(0, 700));
    }
}

/* ---- stories about notes ---- */

static void note_and_look(int name)
{
    const unsigned own = (unsigned)name, other = 1 - own;
    stage_swap_note(0, own, 0, 7);
    heard_of[name] = stage_note(0, other);
}

static void note_and_look_at_all(int name)
{
    const unsigned own = (unsigned)name, other = 1 - own;
    uint64_t notes[RL_LEDGER_NOTES] = {0};
    stage_swap_note(0, own, 0, 7);
    stage_notes(0, notes);
    heard_of[name] = notes[other];
}

/* Of two that write a note each and then look at the other's, one at least finds it. */
static inline void two_who_note_at_once(uint64_t seed)
{
    open_stage(seed, 1);
    charge_key(0, EDGE);
    weak_run(2, seed % 2 == 0 ? note_and_look : note_and_look_at_all);
    if (heard_of[0] == 0 && heard_of[1] == 0) {
        COMPLAIN("neither found the other's note");
    }
}

static uint32_t denials[16];

static void note_denials(int name)
{
    for (int i = 0; i < scripts[name].n; i++) {
        const call_t *call = &scripts[name].calls[i];
        const rl_step_t step = {.window = 5, .expires = EDGE + 3600 * SECOND};
        const uint32_t count = stage_note_denial(call->key, &step, call->now);
        denials[count < 16 ? count : 0]++;
    }
}

/* Each denial of a key gets a number of its own. */
static inline void denials_at_once(uint64_t seed)
{
    open_stage(seed, 1);
    furnish(4, 7);
    memset(denials, 0, sizeof(denials));
    write_scripts(3, 3, 0, 1);
    weak_run(3, note_denials);
    for (int i = 1; i <= 9; i++) {
        if (denials[i] != 1) {
            COMPLAIN("denial %d was counted %u times", i, denials[i]);
        }
    }
}

/* ---- how stories end ---- */

/* How many schedules a test tries; a long run finds what a short one does not. */
#ifndef ROUNDS
#define ROUNDS 6000
#endif

static inline void goes_well(void (*story)(uint64_t))
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        story(seed);
        if (complaint[0] != '\0') {
            fail_msg("seed %llu: %s", (unsigned long long)seed, complaint);
        }
    }
}

/* A memory order that is weakened, and the story that goes wrong then. */
typedef struct weakening {
    weak_mutation_t mutation;
    void (*story)(uint64_t);
} weakening_t;

#define WEAKENED_SEEDS 30000

static inline void goes_wrong(void **state)
{
    const weakening_t *weakening = *state;
    uint64_t seed = 0, mutated = 0;
    weak_mutation = weakening->mutation;
    do {
        weakening->story(++seed);
        mutated += weak.mutated;
    } while (complaint[0] == '\0' && seed < WEAKENED_SEEDS);
    weak_mutation = (weak_mutation_t){0};
    if (mutated == 0) {
        fail_msg("the ledger has no such operation in a function %s",
                 weakening->mutation.function);
    }
    assert_string_not_equal(complaint, "");
}

#define WEAKENED(function, kind, order, story)                                                 \
    (void *)&(weakening_t)                                                                     \
    {                                                                                          \
        {function, kind, memory_order_##order}, story                                          \
    }
#define GOES_WRONG(what, ...)                                                                  \
    {                                                                                          \
        what, goes_wrong, NULL, NULL, WEAKENED(__VA_ARGS__)                                    \
    }

#endif
