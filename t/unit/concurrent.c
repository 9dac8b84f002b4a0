/* SPDX-License-Identifier: Apache-2.0 */
/* concurrent/: slots are never more than the limit, and never lost, whoever is killed. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "concurrent/concurrent.h"
#include "support.h"

#define ROOM     64
#define CHILDREN 6
#define KEYS     3
#define LIMIT    2
#define KILLS    200

static rl_slots_t *slots;

static void *shared(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int make(void **state)
{
    (void)state;
    slots = shared(rl_slots_size(ROOM));
    return rl_slots_make(slots, ROOM) ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    return munmap(slots, rl_slots_size(ROOM));
}

/* Keys of one stripe. */
static rl_digest_t key(uint64_t n)
{
    return (rl_digest_t){.hi = n << 40, .lo = n};
}

static rl_slot_wish_t wish(uint64_t n, uint32_t limit, uint32_t queue)
{
    return (rl_slot_wish_t){
        .key = key(n), .limit = limit, .queue = queue, .figures_number = (uint32_t)n};
}

static rl_slot_e take(uint64_t n, uint32_t limit, uint32_t queue, rl_holding_t *holding)
{
    const rl_slot_wish_t what = wish(n, limit, queue);
    uint32_t used;
    return rl_slots_take(slots, &what, holding, &used);
}

static uint32_t used(uint64_t n)
{
    const rl_digest_t id = key(n);
    uint32_t waiting;
    return rl_slots_used(slots, &id, &waiting);
}

static void no_more_than_the_limit(void **state)
{
    rl_holding_t held[3], other;
    (void)state;
    assert_int_equal(take(1, 2, 0, &held[0]), RL_SLOT_HELD);
    assert_int_equal(take(1, 2, 0, &held[1]), RL_SLOT_HELD);
    assert_int_equal(take(1, 2, 0, &held[2]), RL_SLOT_NONE);
    assert_int_equal(take(17, 2, 0, &other), RL_SLOT_HELD);
    assert_int_equal(used(1), 2);
    rl_slots_leave(slots, &held[0]);
    rl_slots_leave(slots, &held[0]); /* once */
    assert_int_equal(used(1), 1);
    assert_int_equal(take(1, 2, 0, &held[2]), RL_SLOT_HELD);
    assert_int_equal(take(1, 0, 0, &held[0]), RL_SLOT_NONE);
    rl_slots_leave(slots, &held[1]);
    rl_slots_leave(slots, &held[2]);
    rl_slots_leave(slots, &other);
    assert_int_equal(used(1) + used(17), 0);
}

static void an_old_handle_gives_nothing_back(void **state)
{
    rl_holding_t first, copy, second;
    (void)state;
    take(1, 1, 0, &first);
    copy = first;
    rl_slots_leave(slots, &first);
    assert_int_equal(take(1, 1, 0, &second), RL_SLOT_HELD);
    rl_slots_leave(slots, &copy);
    assert_int_equal(used(1), 1);
}

static void who_comes_back_has_its_place(void **state)
{
    rl_holding_t held, first, second, third;
    rl_slot_wish_t again = wish(1, 1, 3);
    uint32_t n;
    (void)state;
    assert_int_equal(take(1, 1, 3, &held), RL_SLOT_HELD);
    assert_int_equal(take(1, 1, 3, &first), RL_SLOT_WAITED_FOR);
    assert_int_equal(take(1, 1, 3, &second), RL_SLOT_WAITED_FOR);
    assert_int_equal(take(1, 1, 3, &third), RL_SLOT_WAITED_FOR);
    again.stamp = second.stamp;
    rl_slots_leave(slots, &second);
    assert_int_equal(rl_slots_take(slots, &again, &second, &n), RL_SLOT_WAITED_FOR);
    rl_slots_leave(slots, &held);
    assert_true(rl_slots_are_held(slots, &first));
    rl_slots_leave(slots, &first);
    assert_true(rl_slots_are_held(slots, &second));
    assert_false(rl_slots_are_held(slots, &third));
    rl_slots_leave(slots, &second);
    assert_true(rl_slots_are_held(slots, &third));
    rl_slots_leave(slots, &third);
    assert_int_equal(used(1), 0);
}

static void those_who_wait_are_next_in_order(void **state)
{
    rl_holding_t held, waits[3], late;
    (void)state;
    take(1, 1, 0, &held);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(take(1, 1, 3, &waits[i]), RL_SLOT_WAITED_FOR);
    }
    assert_int_equal(take(1, 1, 3, &late), RL_SLOT_NONE);
    assert_int_equal(rl_slots_waiting(slots), 3);
    rl_slots_leave(slots, &waits[1]); /* gives up */
    rl_slots_leave(slots, &held);
    assert_true(rl_slots_are_held(slots, &waits[0]));
    assert_int_equal(take(1, 1, 0, &late), RL_SLOT_NONE);
    rl_slots_leave(slots, &waits[0]);
    assert_true(rl_slots_are_held(slots, &waits[2]));
    rl_slots_leave(slots, &waits[2]);
    assert_int_equal(used(1), 0);
    assert_int_equal(rl_slots_waiting(slots), 0);
}

/* Who may have less of the limit is passed by who may have all of it. */
static void a_reserve_is_for_those_who_may(void **state)
{
    rl_holding_t held[2], plain, preferred;
    (void)state;
    take(1, 3, 0, &held[0]);
    take(1, 3, 0, &held[1]);
    assert_int_equal(take(1, 2, 5, &plain), RL_SLOT_WAITED_FOR);
    assert_int_equal(take(1, 3, 5, &preferred), RL_SLOT_HELD);
    rl_slots_leave(slots, &held[0]);
    assert_false(rl_slots_are_held(slots, &plain));
    rl_slots_leave(slots, &held[1]);
    assert_true(rl_slots_are_held(slots, &plain));
}

static void a_full_table_is_said(void **state)
{
    rl_holding_t held;
    (void)state;
    for (int i = 0; i < ROOM; i++) {
        assert_int_equal(take(1, 1000, 0, &held), RL_SLOT_HELD);
    }
    assert_int_equal(take(1, 1000, 0, &held), RL_SLOT_FAILED);
    rl_slots_reap(slots, getpid());
    assert_int_equal(take(1, 1000, 0, &held), RL_SLOT_HELD);
}

static void rows_are_counted(void **state)
{
    rl_slot_counts_t counts[4] = {{.held = 0}};
    rl_holding_t held;
    (void)state;
    take(1, 1, 0, &held);
    take(1, 1, 1, &held);
    take(2, 1, 0, &held);
    take(9, 1, 0, &held);
    rl_slots_count(slots, counts, 4);
    assert_int_equal(counts[1].held, 1);
    assert_int_equal(counts[1].waiting, 1);
    assert_int_equal(counts[2].held, 1);
    assert_int_equal(counts[3].held, 0);
}

static void what_a_dead_process_held_is_found(void **state)
{
    const rl_digest_t id = key(1);
    rl_holding_t held, waits;
    const pid_t pid = fork();
    (void)state;
    if (pid == 0) {
        take(1, 1, 0, &held);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    assert_int_equal(take(1, 1, 1, &waits), RL_SLOT_WAITED_FOR);
    rl_slots_reap_key(slots, &id);
    assert_true(rl_slots_are_held(slots, &waits));
}

/* Stops a process that comes and goes while it has the lock, and returns it. */
static pid_t stop_with_the_lock(uint64_t n)
{
    const pid_t pid = fork();
    rl_holding_t holding;
    if (pid == 0) {
        for (;;) {
            take(n, 1, 0, &holding);
            rl_slots_leave(slots, &holding);
        }
    }
    do {
        kill(pid, SIGCONT);
        usleep(100);
        kill(pid, SIGSTOP);
        waitpid(pid, NULL, WUNTRACED);
    } while (take(n + 1, 0, 0, &holding) != RL_SLOT_FAILED);
    return pid;
}

static void a_dead_process_is_noted_while_the_lock_is_held(void **state)
{
    rl_holding_t held, waits;
    const pid_t dead = fork();
    pid_t stopped;
    (void)state;
    if (dead == 0) {
        take(1, 1, 0, &held);
        _exit(0);
    }
    waitpid(dead, NULL, 0);
    assert_int_equal(take(1, 1, 1, &waits), RL_SLOT_WAITED_FOR);
    stopped = stop_with_the_lock(2);
    rl_slots_reap(slots, dead);
    assert_false(rl_slots_are_held(slots, &waits));
    kill(stopped, SIGKILL);
    waitpid(stopped, NULL, 0);
    assert_int_equal(used(1), 1);
    assert_true(rl_slots_are_held(slots, &waits));
    rl_slots_leave(slots, &waits);
    assert_int_equal(used(1), 0);
}

/* ---- killed anywhere ---- */

/* Who is inside, as it sees itself: odd from when a slot was had until it is left. */
typedef _Atomic unsigned marks_t[CHILDREN][KEYS];
static marks_t *marks;
static _Atomic int *errors;

/* Returns how many are inside, of a moment: those who were the same before and after. */
static int count_inside(unsigned n)
{
    unsigned before[CHILDREN];
    int inside = 0;
    for (int i = 0; i < CHILDREN; i++) {
        before[i] = atomic_load(&(*marks)[i][n]);
    }
    for (int i = 0; i < CHILDREN; i++) {
        if (atomic_load(&(*marks)[i][n]) != before[i]) {
            return 0;
        }
        inside += before[i] % 2 == 1;
    }
    return inside;
}

static void come_and_go(int me, uint64_t seed)
{
    for (;;) {
        const unsigned n = (unsigned)random_below(&seed, KEYS);
        rl_holding_t holding;
        rl_slot_e got = take(n, LIMIT, (uint32_t)random_below(&seed, 3), &holding);
        for (int i = 0; got == RL_SLOT_WAITED_FOR && i < 50; i++) {
            if (rl_slots_are_held(slots, &holding)) {
                got = RL_SLOT_HELD;
            }
        }
        if (got == RL_SLOT_HELD) {
            atomic_fetch_add(&(*marks)[me][n], 1);
            for (int i = 0; i < 20; i++) {
                atomic_fetch_add(errors, count_inside(n) > LIMIT);
            }
            atomic_fetch_add(&(*marks)[me][n], 1);
        }
        rl_slots_leave(slots, &holding);
    }
}

static pid_t start_child(int me, uint64_t seed)
{
    const pid_t pid = fork();
    if (pid == 0) {
        come_and_go(me, seed);
    }
    return pid;
}

static void end_child(int me, pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int n = 0; n < KEYS; n++) {
        (*marks)[me][n] += (*marks)[me][n] & 1;
    }
    rl_slots_reap(slots, pid);
}

static void killed_anywhere_nothing_is_lost_or_granted_twice(void **state)
{
    pid_t pids[CHILDREN];
    uint64_t seed = 1000003;
    (void)state;
    marks = shared(sizeof(*marks));
    errors = shared(sizeof(*errors));
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = start_child(i, random_bits(&seed));
    }
    for (int k = 0; k < KILLS; k++) {
        const int victim = (int)random_below(&seed, CHILDREN);
        usleep((useconds_t)(500 + random_below(&seed, 3000)));
        end_child(victim, pids[victim]);
        pids[victim] = start_child(victim, random_bits(&seed));
    }
    for (int i = 0; i < CHILDREN; i++) {
        end_child(i, pids[i]);
    }
    assert_int_equal(*errors, 0);
    for (uint64_t n = 0; n < KEYS; n++) {
        const rl_digest_t id = key(n);
        uint32_t waiting;
        assert_int_equal(rl_slots_used(slots, &id, &waiting), 0);
        assert_int_equal(waiting, 0);
    }
    assert_int_equal(rl_slots_waiting(slots), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_more_than_the_limit),
        TEST(an_old_handle_gives_nothing_back),
        TEST(those_who_wait_are_next_in_order),
        TEST(who_comes_back_has_its_place),
        TEST(a_reserve_is_for_those_who_may),
        TEST(a_full_table_is_said),
        TEST(rows_are_counted),
        TEST(what_a_dead_process_held_is_found),
        TEST(a_dead_process_is_noted_while_the_lock_is_held),
        TEST(killed_anywhere_nothing_is_lost_or_granted_twice),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
