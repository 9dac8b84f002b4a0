/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter: the sliding window under every order in which processes can take their steps.
 *
 * An actor does what ledger/ledger.c does with a cell: it loads word 0, loads word 1, computes,
 * and swaps one word if that is still what it loaded; when the swap fails, or only prepared the
 * transition, it starts over. Each of these is one step here, and all orders of the actors'
 * steps are gone through, with the states that were seen before left out. An actor that stops
 * anywhere for good is one that never gets its turn again, so every state is also checked for
 * what a new actor would do in it.
 *
 * What must hold: of each window no more is granted than the limit, and whatever is granted in
 * a window fits beside what was granted in the one before, weighted as the promise has it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counter.h"

#define ACTORS_MAX 4
#define WINDOWS    4
#define SEEN_BITS  18
#define PERIOD     (4 * SECOND)

typedef enum { CHARGE, RAISE, REFUND, CLEAR } act_e;

/* What an actor is to do; it read the clock when it was made. */
typedef struct task {
    act_e act;
    int64_t now;
    uint32_t units;
    uint32_t window; /* of a raise or a refund, counted from the first */
} task_t;

typedef enum { LOAD_0, LOAD_1, SWAP, DONE } phase_e;

typedef struct actor {
    uint64_t loaded[RL_METER_WORDS];
    uint32_t phase;
    uint32_t tries;
} actor_t;

/* Everything that the future depends on; no padding, because it is hashed. */
typedef struct world {
    uint64_t words[RL_METER_WORDS];
    actor_t actors[ACTORS_MAX];
    uint32_t granted[WINDOWS];
} world_t;

static rl_meter_t meter;
static const rl_digest_t key = {.hi = 0, .lo = 9};
static const task_t *tasks;
static int task_count;
static bool exact; /* the promise about two windows is to be checked, too */
static uint64_t *seen;
static unsigned visited;

static uint32_t first_window(void)
{
    return (uint32_t)(NOON / PERIOD) - 1;
}

/* ---- which worlds were seen ---- */

static uint64_t hash_of(const world_t *world)
{
    uint64_t hash = 0, part;
    for (size_t i = 0; i < sizeof(*world); i += sizeof(part)) {
        memcpy(&part, (const char *)world + i, sizeof(part));
        hash ^= part;
        hash = random_bits(&hash);
    }
    return hash | 1;
}

static bool is_new(const world_t *world)
{
    const uint64_t hash = hash_of(world);
    size_t at = (size_t)(hash >> (64 - SEEN_BITS));
    while (seen[at] != 0 && seen[at] != hash) {
        at = (at + 1) % ((size_t)1 << SEEN_BITS);
    }
    if (seen[at] == hash) {
        return false;
    }
    seen[at] = hash;
    visited++;
    assert_true(visited < (1u << SEEN_BITS) / 4 * 3);
    return true;
}

/* ---- an actor's step ---- */

static void compute(const task_t *task, const uint64_t *words, rl_step_t *step)
{
    switch (task->act) {
    case CHARGE:
        rl_meter_charge(OP(&key, &meter, task->now, task->units), words, step);
        break;
    case RAISE:
        rl_meter_raise(OP(&key, &meter, 0, 0), words, first_window() + task->window,
                       task->units, step);
        break;
    case REFUND:
        rl_meter_refund(OP(&no_key, &meter, task->now, task->units), words,
                        first_window() + task->window, step);
        break;
    case CLEAR:
        rl_meter_clear(OP(&key, &meter, task->now, 0), words, step);
        break;
    }
}

/* The window of a grant may be later than its time: then all of what was before counts. */
static void check_grant(world_t *world, const task_t *task, const rl_step_t *step)
{
    const uint32_t n = step->window - first_window();
    const int64_t end = ((int64_t)step->window + 1) * PERIOD;
    const uint64_t left = end - task->now < PERIOD ? (uint64_t)(end - task->now) : PERIOD;
    assert_true(n < WINDOWS);
    world->granted[n] += task->units;
    assert_true(world->granted[n] <= meter.limit);
    if (exact && n > 0) {
        assert_true(world->granted[n] * (uint64_t)PERIOD + world->granted[n - 1] * left <=
                    meter.limit * (uint64_t)PERIOD);
    }
}

static void swap(world_t *world, actor_t *actor, const task_t *task)
{
    rl_step_t step;
    bool applied = true;
    compute(task, actor->loaded, &step);
    if (step.word >= 0) {
        applied = world->words[step.word] == actor->loaded[step.word];
        world->words[step.word] = applied ? step.value : world->words[step.word];
    }
    if (applied && task->act == CHARGE && step.granted && !step.again) {
        check_grant(world, task, &step);
    }
    if (applied && task->act == REFUND && step.word >= 0) {
        world->granted[task->window] -= task->units;
    }
    actor->phase =
        applied && !step.again && (task->act != CLEAR || step.word < 0) ? DONE : LOAD_0;
    actor->tries++;
    actor->loaded[0] = actor->loaded[1] = 0;
}

static void act(world_t *world, int i)
{
    actor_t *actor = &world->actors[i];
    if (actor->phase == SWAP) {
        swap(world, actor, &tasks[i]);
        return;
    }
    actor->loaded[actor->phase] = world->words[actor->phase];
    actor->phase++;
}

/* Other actors are what makes a swap fail, so all get done; tries is what bounds the states. */
static void explore(const world_t *world)
{
    if (!is_new(world)) {
        return;
    }
    for (int i = 0; i < task_count; i++) {
        if (world->actors[i].phase != DONE) {
            world_t next = *world;
            assert_true(next.actors[i].tries < 12);
            act(&next, i);
            explore(&next);
        }
    }
}

/* Goes through all orders of the tasks, of a key that has used `before` units in the first
 * window. */
static void check(uint32_t limit, uint32_t before, const task_t *list, int n)
{
    counter_t counter = counter_with((rl_meter_t){
        .algorithm = RL_SLIDING_WINDOW, .aligned = true, .limit = limit, .period_us = PERIOD});
    world_t world = {.granted = {before}};
    meter = counter.meter;
    tasks = list;
    task_count = n;
    seen = calloc((size_t)1 << SEEN_BITS, sizeof(*seen));
    visited = 0;
    assert_non_null(seen);
    assert_true(charge(&counter, NOON - 1, before));
    memcpy(world.words, counter.words, sizeof(world.words));
    explore(&world);
    free(seen);
}

/* ---- what is gone through ---- */

/* Times about the end of the first window, and in those after: less than ten seconds apart,
 * which is what a process may be late without its clock being taken for one set back. */
static const int64_t times[] = {NOON - 1,          NOON,          NOON + PERIOD / 2,
                                NOON + PERIOD - 1, NOON + PERIOD, NOON + PERIOD * 3 / 2};
#define TIMES (sizeof(times) / sizeof(times[0]))

static task_t charge_at(size_t time, uint32_t units)
{
    return (task_t){.act = CHARGE, .now = times[time], .units = units};
}

static void two_processes_never_exceed_the_limit(void **state)
{
    (void)state;
    exact = true;
    for (uint32_t n = 0; n < TIMES * TIMES * 16; n++) {
        const size_t a = n % TIMES, b = n / TIMES % TIMES;
        const uint32_t m = n / TIMES / TIMES;
        const task_t list[] = {charge_at(a, 1 + m % 2 * 2), charge_at(b, 1 + m / 2 % 2)};
        check(4, 1 + m / 4, list, 2);
    }
}

static void three_processes_never_exceed_the_limit(void **state)
{
    (void)state;
    exact = true;
    for (size_t n = 0; n < TIMES * TIMES * TIMES; n++) {
        const size_t a = n % TIMES, b = n / TIMES % TIMES, c = n / TIMES / TIMES;
        const task_t list[] = {charge_at(a, 1), charge_at(b, 2), charge_at(c, 1)};
        if (a <= c) {
            check(4, 3, list, 3);
        }
    }
}

/* One of them may stop between its two loads while the others copy, or go two windows on. */
static void four_processes_never_exceed_the_limit(void **state)
{
    static const size_t about[] = {0, 2, 4, 5};
    (void)state;
    exact = true;
    for (size_t n = 0; n < 256; n++) {
        const size_t a = n % 4, b = n / 4 % 4, c = n / 16 % 4, d = n / 64;
        const task_t list[] = {charge_at(about[a], 1), charge_at(about[b], 3),
                               charge_at(about[c], 1), charge_at(about[d], 1)};
        if (a <= c && c <= d) {
            check(4, 1, list, 4);
        }
    }
}

/* A raise to what was granted anyway, as one that another server is the cause of. */
static void a_raise_in_between_loses_no_grant(void **state)
{
    (void)state;
    exact = true;
    for (size_t n = 0; n < TIMES * TIMES * 3; n++) {
        const task_t list[] = {
            charge_at(n % TIMES, 1),
            charge_at(n / TIMES % TIMES, 2),
            {.act = RAISE, .units = 1, .window = (uint32_t)(n / TIMES / TIMES)}};
        check(4, 3, list, 3);
    }
}

static void a_refund_in_between_never_exceeds_the_limit(void **state)
{
    (void)state;
    exact = false;
    for (size_t n = 0; n < TIMES * TIMES * TIMES; n++) {
        const task_t list[] = {
            charge_at(n % TIMES, 1),
            charge_at(n / TIMES % TIMES, 2),
            {.act = REFUND, .now = times[n / TIMES / TIMES], .units = 1, .window = 0}};
        check(4, 3, list, 3);
    }
}

static void a_clear_in_between_comes_to_an_end(void **state)
{
    (void)state;
    exact = false;
    for (size_t n = 0; n < TIMES * TIMES * TIMES; n++) {
        const task_t list[] = {charge_at(n % TIMES, 1),
                               charge_at(n / TIMES % TIMES, 1),
                               {.act = CLEAR, .now = times[n / TIMES / TIMES]}};
        check(5, 3, list, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_processes_never_exceed_the_limit),
        cmocka_unit_test(three_processes_never_exceed_the_limit),
        cmocka_unit_test(four_processes_never_exceed_the_limit),
        cmocka_unit_test(a_raise_in_between_loses_no_grant),
        cmocka_unit_test(a_refund_in_between_never_exceeds_the_limit),
        cmocka_unit_test(a_clear_in_between_comes_to_an_end),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
