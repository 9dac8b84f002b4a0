/* SPDX-License-Identifier: Apache-2.0 */
/* The model of weak_memory.h, by litmus tests: small programs of which it is known what may
 * come out and what may not. Most are named as in the papers cited there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weak_memory.h"

#define SEEDS 4000

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release
#define ACQ_REL memory_order_acq_rel
#define SEQ_CST memory_order_seq_cst

static _Atomic uint64_t x, y, z;
static uint64_t seen[4][2];           /* by each process */
static memory_order writing, reading; /* the orders of a test's stores and loads */

static void write_to(_Atomic uint64_t *place, uint64_t value)
{
    atomic_store_explicit(place, value, writing);
}

static uint64_t read_from(_Atomic uint64_t *place)
{
    return atomic_load_explicit(place, reading);
}

/* A program, and the outcome in question. */
typedef struct litmus {
    int processes;
    void (*act)(int);
    bool (*came_out)(void);
} litmus_t;

/* In how many runs it came out. */
static unsigned count(const litmus_t *litmus, memory_order stores, memory_order loads)
{
    static const uint64_t one_in[] = {1, 2, 4};
    unsigned n = 0;
    writing = stores;
    reading = loads;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        weak_rng = seed;
        weak_chances = (weak_chances_t){.switch_one_in = one_in[random_below(&weak_rng, 3)],
                                        .stale_one_in = one_in[random_below(&weak_rng, 3)]};
        x = y = z = 0;
        memset(seen, 0, sizeof(seen));
        weak_run(litmus->processes, litmus->act);
        n += litmus->came_out();
    }
    return n;
}

#define assert_observed(litmus, stores, loads)                                                 \
    assert_int_not_equal(count(litmus, stores, loads), 0)
#define assert_forbidden(litmus, stores, loads)                                                \
    assert_int_equal(count(litmus, stores, loads), 0)

/* ---- store buffering: each writes, and then looks for the other's ---- */

static void store_and_look(int name)
{
    write_to(name == 0 ? &x : &y, 1);
    seen[name][0] = read_from(name == 0 ? &y : &x);
}

static void exchange_and_look(int name)
{
    atomic_exchange_explicit(name == 0 ? &x : &y, 1, writing);
    seen[name][0] = read_from(name == 0 ? &y : &x);
}

static void swap_and_look(int name)
{
    uint64_t none = 0;
    atomic_compare_exchange_strong_explicit(name == 0 ? &x : &y, &none, 1, writing, RELAXED);
    seen[name][0] = read_from(name == 0 ? &y : &x);
}

static bool neither_saw_the_other(void)
{
    return seen[0][0] == 0 && seen[1][0] == 0;
}

static void
of_two_writers_one_sees_the_other_only_if_all_is_sequentially_consistent(void **state)
{
    static void (*const acts[])(int) = {store_and_look, exchange_and_look, swap_and_look};
    (void)state;
    for (int i = 0; i < 3; i++) {
        const litmus_t sb = {2, acts[i], neither_saw_the_other};
        assert_observed(&sb, RELAXED, RELAXED);
        assert_observed(&sb, RELEASE, ACQUIRE);
        assert_observed(&sb, RELEASE, SEQ_CST);
        assert_observed(&sb, SEQ_CST, ACQUIRE);
        assert_forbidden(&sb, SEQ_CST, SEQ_CST);
    }
}

/* ---- message passing ---- */

static void pass_a_message(int name)
{
    if (name == 0) {
        atomic_store_explicit(&x, 1, RELAXED);
        write_to(&y, 1);
        return;
    }
    seen[1][0] = read_from(&y);
    seen[1][1] = atomic_load_explicit(&x, RELAXED);
}

static void pass_a_message_by_swaps(int name)
{
    uint64_t expected = name == 0 ? 0 : 7;
    if (name == 0) {
        atomic_store_explicit(&x, 1, RELAXED);
        atomic_compare_exchange_strong_explicit(&y, &expected, 1, writing, RELAXED);
        return;
    }
    /* fails, and so is a load */
    atomic_compare_exchange_strong_explicit(&y, &expected, 8, SEQ_CST, reading);
    seen[1][0] = expected;
    seen[1][1] = atomic_load_explicit(&x, RELAXED);
}

static bool message_was_stale(void)
{
    return seen[1][0] == 1 && seen[1][1] == 0;
}

static void a_message_is_whole_if_it_is_released_and_acquired(void **state)
{
    static void (*const acts[])(int) = {pass_a_message, pass_a_message_by_swaps};
    (void)state;
    for (int i = 0; i < 2; i++) {
        const litmus_t mp = {2, acts[i], message_was_stale};
        assert_observed(&mp, RELAXED, RELAXED);
        assert_observed(&mp, RELEASE, RELAXED);
        assert_observed(&mp, RELAXED, ACQUIRE);
        assert_forbidden(&mp, RELEASE, ACQUIRE);
        assert_forbidden(&mp, SEQ_CST, ACQUIRE);
        assert_forbidden(&mp, RELEASE, SEQ_CST);
    }
}

/* ---- release sequences ---- */

static void pass_a_message_on(int name)
{
    if (name == 0) {
        atomic_store_explicit(&x, 1, RELAXED);
        atomic_store_explicit(&y, 1, RELEASE);
    }
    else if (name == 1) {
        atomic_fetch_add_explicit(&y, 2, RELAXED);
    }
    else {
        seen[2][0] = read_from(&y);
        seen[2][1] = atomic_load_explicit(&x, RELAXED);
    }
}

static void overwrite_a_message(int name)
{
    if (name == 1) {
        atomic_store_explicit(&y, 3, RELAXED);
        return;
    }
    pass_a_message_on(name);
}

static bool passed_message_was_stale(void)
{
    return seen[2][0] == 3 && seen[2][1] == 0;
}

static void a_read_modify_write_passes_on_what_was_released_before(void **state)
{
    const litmus_t passed = {3, pass_a_message_on, passed_message_was_stale};
    const litmus_t overwritten = {3, overwrite_a_message, passed_message_was_stale};
    (void)state;
    assert_forbidden(&passed, RELEASE, ACQUIRE);
    assert_observed(&passed, RELEASE, RELAXED);
    assert_observed(&overwritten, RELEASE, ACQUIRE);
}

/* What a process knows it passes on: from one to the next to the third. */
static void pass_through_another(int name)
{
    if (name == 0) {
        write_to(&x, 1);
    }
    else if (name == 1) {
        seen[1][0] = read_from(&x);
        write_to(&y, 1);
    }
    else {
        seen[2][0] = read_from(&y);
        seen[2][1] = read_from(&x);
    }
}

static bool third_was_behind(void)
{
    return seen[1][0] == 1 && seen[2][0] == 1 && seen[2][1] == 0;
}

static void what_was_acquired_is_released_with_the_next_message(void **state)
{
    const litmus_t wrc = {3, pass_through_another, third_was_behind};
    (void)state;
    assert_observed(&wrc, RELAXED, RELAXED);
    assert_forbidden(&wrc, RELEASE, ACQUIRE);
}

/* ---- coherence: one place, relaxed ---- */

static void write_and_read_twice(int name)
{
    if (name < 2) {
        write_to(&x, (uint64_t)name + 1);
        return;
    }
    seen[name][0] = read_from(&x);
    seen[name][1] = read_from(&x);
}

static bool readers_disagreed(void)
{
    return seen[2][0] == 1 && seen[2][1] == 2 && seen[3][0] == 2 && seen[3][1] == 1;
}

static bool reader_went_back_to_nothing(void)
{
    return seen[2][0] != 0 && seen[2][1] == 0;
}

static bool reader_saw_an_old_value(void)
{
    return seen[2][1] == 1 && x == 2;
}

/* seen[0]: what it reads after its own store; the end: whether that lost against a value which
 * it had read before. */
static void read_write_read(int name)
{
    seen[name][0] = read_from(&x);
    write_to(&x, (uint64_t)name + 1);
    seen[name][1] = read_from(&x);
}

static bool own_store_was_overtaken(void)
{
    return seen[0][1] == 0 || seen[1][1] == 0 || (seen[0][0] == 2 && x == 2) ||
           (seen[1][0] == 1 && x == 1);
}

static void one_place_has_one_history_whatever_the_order(void **state)
{
    const litmus_t disagree = {4, write_and_read_twice, readers_disagreed};
    const litmus_t back = {4, write_and_read_twice, reader_went_back_to_nothing};
    const litmus_t old = {4, write_and_read_twice, reader_saw_an_old_value};
    const litmus_t overtaken = {2, read_write_read, own_store_was_overtaken};
    (void)state;
    assert_forbidden(&disagree, RELAXED, RELAXED);
    assert_forbidden(&back, RELAXED, RELAXED);
    assert_observed(&old, RELAXED, RELAXED);
    assert_forbidden(&overtaken, RELAXED, RELAXED);
}

/* ---- stores of several processes ---- */

static void write_both(int name)
{
    write_to(name == 0 ? &x : &y, 1);
    write_to(name == 0 ? &y : &x, 2);
}

static bool first_stores_lasted(void)
{
    return x == 1 && y == 1;
}

static void stores_to_two_places_have_one_order_if_sequentially_consistent(void **state)
{
    const litmus_t two_two_w = {2, write_both, first_stores_lasted};
    (void)state;
    assert_observed(&two_two_w, RELAXED, RELAXED);
    assert_observed(&two_two_w, RELEASE, ACQUIRE);
    assert_forbidden(&two_two_w, SEQ_CST, SEQ_CST);
}

static void write_one_or_read_both(int name)
{
    if (name < 2) {
        write_to(name == 0 ? &x : &y, 1);
        return;
    }
    seen[name][0] = read_from(name == 2 ? &x : &y);
    seen[name][1] = read_from(name == 2 ? &y : &x);
}

static bool readers_saw_different_orders(void)
{
    return seen[2][0] == 1 && seen[2][1] == 0 && seen[3][0] == 1 && seen[3][1] == 0;
}

static void independent_stores_come_in_one_order_if_sequentially_consistent(void **state)
{
    const litmus_t iriw = {4, write_one_or_read_both, readers_saw_different_orders};
    (void)state;
    assert_observed(&iriw, RELAXED, RELAXED);
    assert_observed(&iriw, RELEASE, ACQUIRE);
    assert_observed(&iriw, SEQ_CST, ACQUIRE);
    assert_forbidden(&iriw, SEQ_CST, SEQ_CST);
}

/* ---- where sequentially consistent operations meet others ---- */

/* The second process reads x as told, the rest is sequentially consistent. */
static void read_to_write_causality(int name)
{
    if (name == 0) {
        atomic_store(&x, 1);
    }
    else if (name == 1) {
        seen[1][0] = read_from(&x);
        seen[1][1] = atomic_load(&y);
    }
    else {
        atomic_store(&y, 1);
        seen[2][0] = atomic_load(&x);
    }
}

static bool causality_was_lost(void)
{
    return seen[1][0] == 1 && seen[1][1] == 0 && seen[2][0] == 0;
}

/* Z6.U of Lahav et al.: RC11 permits what C11 did not, for the sake of Power. */
static void z6u(int name)
{
    if (name == 0) {
        atomic_store(&x, 1);
        atomic_store_explicit(&y, 1, RELEASE);
    }
    else if (name == 1) {
        seen[1][0] = atomic_fetch_add(&y, 1);
        seen[1][1] = atomic_load_explicit(&y, RELAXED);
    }
    else {
        atomic_store(&y, 3);
        seen[2][0] = atomic_load(&x);
    }
}

static bool z6u_came_out(void)
{
    return seen[1][0] == 1 && seen[1][1] == 3 && seen[2][0] == 0;
}

/* A sequentially consistent store is no fence for what follows. */
static void write_and_tell(int name)
{
    if (name == 0) {
        atomic_store(&x, 1);
        write_to(&y, 1);
        return;
    }
    seen[1][0] = read_from(&y);
    seen[1][1] = atomic_load(&x);
}

static void sequential_consistency_covers_only_what_has_it(void **state)
{
    const litmus_t rwc = {3, read_to_write_causality, causality_was_lost};
    const litmus_t z6 = {3, z6u, z6u_came_out};
    const litmus_t mp = {2, write_and_tell, message_was_stale};
    (void)state;
    assert_observed(&rwc, SEQ_CST, RELAXED);
    assert_observed(&rwc, SEQ_CST, ACQUIRE);
    assert_forbidden(&rwc, SEQ_CST, SEQ_CST);
    assert_observed(&z6, SEQ_CST, SEQ_CST);
    assert_observed(&mp, RELAXED, RELAXED);
    assert_observed(&mp, RELAXED, SEQ_CST);
    assert_forbidden(&mp, RELEASE, ACQUIRE);
}

/* ---- read-modify-writes ---- */

static void add_three(int name)
{
    for (int i = 0; i < 3; i++) {
        uint64_t old = read_from(&x);
        atomic_fetch_add_explicit(&y, 1, writing);
        while (!atomic_compare_exchange_strong_explicit(&x, &old, old + 1, writing, reading)) {
            seen[name][0]++;
        }
    }
}

static bool additions_were_lost(void)
{
    return x != 12 || y != 12;
}

static bool swaps_failed(void)
{
    return seen[0][0] + seen[1][0] + seen[2][0] + seen[3][0] > 0;
}

/* A store next to an addition: before it or after it, never in between. */
static void add_or_store(int name)
{
    if (name < 2) {
        atomic_fetch_add_explicit(&x, 1, writing);
        return;
    }
    write_to(&x, 10);
}

static bool store_was_lost(void)
{
    return x < 10 || x > 12;
}

static void additions_add_up_whatever_the_order(void **state)
{
    const litmus_t lost = {4, add_three, additions_were_lost};
    const litmus_t failed = {4, add_three, swaps_failed};
    const litmus_t between = {3, add_or_store, store_was_lost};
    (void)state;
    assert_forbidden(&lost, RELAXED, RELAXED);
    assert_forbidden(&lost, SEQ_CST, SEQ_CST);
    assert_observed(&failed, RELAXED, RELAXED);
    assert_forbidden(&between, RELAXED, RELAXED);
}

/* ---- what a run is ---- */

static void look_and_store(int name)
{
    seen[name][0] = read_from(name == 0 ? &y : &x);
    write_to(name == 0 ? &x : &y, 1);
}

static bool each_saw_the_other(void)
{
    return seen[0][0] == 1 && seen[1][0] == 1;
}

/* As RC11 has it. A compiler that reordered these would surprise other tests, too. */
static void a_load_sees_no_store_of_the_future(void **state)
{
    const litmus_t lb = {2, look_and_store, each_saw_the_other};
    (void)state;
    assert_forbidden(&lb, RELAXED, RELAXED);
}

static void without_stale_reads_a_run_is_an_interleaving(void **state)
{
    (void)state;
    writing = reading = RELAXED;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        weak_rng = seed;
        weak_chances = (weak_chances_t){.switch_one_in = 2};
        x = y = 0;
        memset(seen, 0, sizeof(seen));
        weak_run(2, store_and_look);
        assert_false(neither_saw_the_other());
        assert_int_equal(weak.stale, 0);
    }
}

static void write_three(int name)
{
    write_to(name == 0 ? &x : &y, 1);
    write_to(name == 0 ? &x : &y, 2);
    write_to(name == 0 ? &x : &y, 3);
}

static void a_killed_process_leaves_what_it_has_written_and_stops_nobody(void **state)
{
    unsigned killed = 0, halfway = 0;
    (void)state;
    writing = RELAXED;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        weak_rng = seed;
        weak_chances = (weak_chances_t){.switch_one_in = 2, .kill_one_in = 4};
        x = y = 0;
        weak_run(2, write_three);
        assert_int_equal(weak.process[0].killed, x < 3);
        assert_int_equal(weak.process[1].killed, y < 3);
        killed += x < 3;
        halfway += x == 1 || x == 2;
    }
    assert_int_not_equal(killed, 0);
    assert_int_not_equal(halfway, 0);
}

static void a_seed_brings_a_run_back(void **state)
{
    (void)state;
    writing = reading = RELAXED;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint64_t before[4][2] = {{0}};
        for (int i = 0; i < 2; i++) {
            weak_rng = seed;
            weak_chances = (weak_chances_t){.switch_one_in = 2, .stale_one_in = 2};
            x = y = 0;
            memset(seen, 0, sizeof(seen));
            weak_run(4, write_one_or_read_both);
            if (i == 0) {
                memcpy(before, seen, sizeof(seen));
            }
        }
        assert_memory_equal(before, seen, sizeof(seen));
    }
}

/* ---- orders that are weakened ---- */

static void an_order_can_be_weakened_by_the_name_of_its_function(void **state)
{
    const litmus_t sb = {2, store_and_look, neither_saw_the_other};
    (void)state;
    weak_mutation = (weak_mutation_t){"write_to", WEAK_UPDATE, RELEASE};
    assert_observed(&sb, SEQ_CST, SEQ_CST);
    weak_mutation = (weak_mutation_t){"read_from", WEAK_LOAD, ACQUIRE};
    assert_observed(&sb, SEQ_CST, SEQ_CST);
    weak_mutation = (weak_mutation_t){"read_from", WEAK_UPDATE, RELAXED};
    assert_forbidden(&sb, SEQ_CST, SEQ_CST);
    weak_mutation = (weak_mutation_t){0};
    assert_forbidden(&sb, SEQ_CST, SEQ_CST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            of_two_writers_one_sees_the_other_only_if_all_is_sequentially_consistent),
        cmocka_unit_test(a_message_is_whole_if_it_is_released_and_acquired),
        cmocka_unit_test(a_read_modify_write_passes_on_what_was_released_before),
        cmocka_unit_test(what_was_acquired_is_released_with_the_next_message),
        cmocka_unit_test(one_place_has_one_history_whatever_the_order),
        cmocka_unit_test(stores_to_two_places_have_one_order_if_sequentially_consistent),
        cmocka_unit_test(independent_stores_come_in_one_order_if_sequentially_consistent),
        cmocka_unit_test(sequential_consistency_covers_only_what_has_it),
        cmocka_unit_test(additions_add_up_whatever_the_order),
        cmocka_unit_test(a_load_sees_no_store_of_the_future),
        cmocka_unit_test(without_stale_reads_a_run_is_an_interleaving),
        cmocka_unit_test(a_killed_process_leaves_what_it_has_written_and_stops_nobody),
        cmocka_unit_test(a_seed_brings_a_run_back),
        cmocka_unit_test(an_order_can_be_weakened_by_the_name_of_its_function),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
