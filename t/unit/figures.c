/* SPDX-License-Identifier: Apache-2.0 */
/* stats/figures and stats/stats: what is counted, by minutes and hours, by many at once; and
 * whose figures are whose over reloads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stats/stats.h"
#include "support.h"

/* A moment at the beginning of an hour, in seconds since 1970. */
#define NOON UINT32_C(1795694400)

static rl_stats_t *stats;
static rl_figures_t *figures;

static int new_stats(void **state)
{
    (void)state;
    stats =
        mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(stats, MAP_FAILED);
    figures = &stats->figures[1];
    return 0;
}

static int drop_stats(void **state)
{
    (void)state;
    return munmap(stats, sizeof(*stats));
}

static void add(rl_figure_e figure, uint32_t now_s, int n)
{
    for (int i = 0; i < n; i++) {
        rl_figures_add(figures, figure, rl_instant(now_s));
    }
}

static uint64_t sum(rl_figure_e figure)
{
    uint64_t sums[RL_FIGURES];
    rl_figures_sum(figures, sums);
    return sums[figure];
}

/* Of the minute that was so many minutes ago. */
static uint64_t in_minute(uint32_t now_s, int ago, rl_figure_e figure)
{
    rl_interval_t minutes[RL_MINUTES];
    rl_figures_minutes(figures, now_s, minutes);
    return minutes[RL_MINUTES - 1 - ago].n[figure];
}

static uint64_t in_hour(uint32_t now_s, int ago, rl_figure_e figure)
{
    rl_interval_t hours[RL_HOURS];
    rl_figures_hours(figures, now_s, hours);
    return hours[RL_HOURS - 1 - ago].n[figure];
}

static uint64_t in_all_minutes(uint32_t now_s, rl_figure_e figure)
{
    uint64_t all = 0;
    for (int ago = 0; ago < RL_MINUTES; ago++) {
        all += in_minute(now_s, ago, figure);
    }
    return all;
}

/* ---- time ---- */

static void each_request_is_in_its_minute(void **state)
{
    (void)state;
    add(RL_FIGURE_ALLOWED, NOON, 3);
    add(RL_FIGURE_DENIED, NOON + 59, 2);
    add(RL_FIGURE_ALLOWED, NOON + 60, 5);
    add(RL_FIGURE_OBSERVED, NOON + 180, 7);
    assert_int_equal(in_minute(NOON + 200, 3, RL_FIGURE_ALLOWED), 3);
    assert_int_equal(in_minute(NOON + 200, 3, RL_FIGURE_DENIED), 2);
    assert_int_equal(in_minute(NOON + 200, 2, RL_FIGURE_ALLOWED), 5);
    assert_int_equal(in_minute(NOON + 200, 1, RL_FIGURE_ALLOWED), 0);
    assert_int_equal(in_minute(NOON + 200, 0, RL_FIGURE_OBSERVED), 7);
    assert_int_equal(in_hour(NOON + 200, 0, RL_FIGURE_ALLOWED), 8);
    assert_int_equal(in_hour(NOON + 200, 1, RL_FIGURE_ALLOWED), 0);
}

static void a_minute_is_kept_for_an_hour(void **state)
{
    (void)state;
    add(RL_FIGURE_ALLOWED, NOON, 4);
    assert_int_equal(in_minute(NOON + 59 * 60, 59, RL_FIGURE_ALLOWED), 4);
    assert_int_equal(in_all_minutes(NOON + 59 * 60, RL_FIGURE_ALLOWED), 4);
    assert_int_equal(in_all_minutes(NOON + 60 * 60, RL_FIGURE_ALLOWED), 0);
    assert_int_equal(in_hour(NOON + 60 * 60, 1, RL_FIGURE_ALLOWED), 4);
    assert_int_equal(in_hour(NOON + 23 * 3600, 23, RL_FIGURE_ALLOWED), 4);
    assert_int_equal(in_hour(NOON + 24 * 3600, 23, RL_FIGURE_ALLOWED), 0);
    assert_int_equal(sum(RL_FIGURE_ALLOWED), 4);
}

static void rings_go_round(void **state)
{
    (void)state;
    for (uint32_t minute = 0; minute < 3 * 24 * 60; minute++) {
        add(RL_FIGURE_ALLOWED, NOON + minute * 60, minute % 7 == 0 ? 3 : 1);
        if (minute > RL_MINUTES && minute % 5 == 0) {
            assert_int_equal(in_minute(NOON + minute * 60, 1, RL_FIGURE_ALLOWED),
                             (minute - 1) % 7 == 0 ? 3 : 1);
            assert_int_equal(in_minute(NOON + minute * 60, 59, RL_FIGURE_ALLOWED),
                             (minute - 59) % 7 == 0 ? 3 : 1);
        }
    }
}

static void a_clock_that_is_set_back_loses_nothing(void **state)
{
    const uint32_t back = NOON - 30 * 86400;
    (void)state;
    add(RL_FIGURE_ALLOWED, NOON + 600, 1);
    add(RL_FIGURE_ALLOWED, NOON + 600 - 60,
        1); /* by a minute: goes on in the minute that it was */
    assert_int_equal(in_minute(NOON + 600, 0, RL_FIGURE_ALLOWED), 2);
    add(RL_FIGURE_ALLOWED, back, 5); /* by a month: begins anew */
    assert_int_equal(in_minute(back, 0, RL_FIGURE_ALLOWED), 5);
    assert_int_equal(in_all_minutes(back, RL_FIGURE_ALLOWED), 5);
    add(RL_FIGURE_ALLOWED, back + 60, 1);
    assert_int_equal(in_minute(back + 60, 0, RL_FIGURE_ALLOWED), 1);
    assert_int_equal(in_minute(back + 60, 1, RL_FIGURE_ALLOWED), 5);
    assert_int_equal(sum(RL_FIGURE_ALLOWED), 8);
}

/* As a process does that is killed after it has said that a minute has begun. */
static void a_minute_that_nobody_wrote_down_goes_to_the_one_before(void **state)
{
    (void)state;
    add(RL_FIGURE_ALLOWED, NOON, 2);
    atomic_store(&figures->minute, (NOON + 60) / 60);
    add(RL_FIGURE_ALLOWED, NOON + 60, 3);
    add(RL_FIGURE_ALLOWED, NOON + 120, 4);
    assert_int_equal(in_minute(NOON + 120, 2, RL_FIGURE_ALLOWED), 5);
    assert_int_equal(in_minute(NOON + 120, 1, RL_FIGURE_ALLOWED), 0);
    assert_int_equal(in_minute(NOON + 120, 0, RL_FIGURE_ALLOWED), 4);
}

/* ---- many at once ---- */

#define WORKERS    8
#define TURNS      20000
#define MINUTES    4 /* fewer than a clock may be set back by: a worker may be kept waiting */
#define PER_MINUTE (WORKERS * TURNS / MINUTES)

/* All workers go by one clock, in memory that they share: it moves on with each request. */
static uint32_t next_second(void)
{
    _Atomic uint64_t *clock = &stats->evictions.stripes[0].n;
    return NOON + (uint32_t)(atomic_fetch_add(clock, 1) * 60 / PER_MINUTE);
}

static void work(uint64_t seed)
{
    for (uint32_t i = 0; i < TURNS; i++) {
        const bool denied = random_below(&seed, 2) == 0;
        rl_figures_add(figures, denied ? RL_FIGURE_DENIED : RL_FIGURE_ALLOWED,
                       rl_instant(next_second()));
    }
}

static void *work_in_thread(void *seed)
{
    work((uint64_t)(uintptr_t)seed);
    return NULL;
}

static void all_is_counted(void)
{
    const uint32_t end = NOON + MINUTES * 60;
    const uint64_t all = sum(RL_FIGURE_ALLOWED) + sum(RL_FIGURE_DENIED);
    assert_int_equal(all, WORKERS * TURNS);
    assert_int_equal(
        in_all_minutes(end, RL_FIGURE_ALLOWED) + in_all_minutes(end, RL_FIGURE_DENIED), all);
    assert_int_equal(in_hour(end, 0, RL_FIGURE_ALLOWED) + in_hour(end, 0, RL_FIGURE_DENIED),
                     all);
}

static void threads_count_exactly(void **state)
{
    pthread_t threads[WORKERS];
    (void)state;
    for (uintptr_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work_in_thread, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    all_is_counted();
}

static void processes_count_exactly(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < WORKERS; i++) {
        const pid_t pid = fork();
        assert_int_not_equal(pid, -1);
        if (pid == 0) {
            work(i + 1);
            _exit(0);
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        int status;
        assert_int_not_equal(wait(&status), -1);
        assert_int_equal(status, 0);
    }
    all_is_counted();
}

/* ---- numbers ---- */

static rl_digest_t rule(uint64_t n)
{
    return (rl_digest_t){.hi = n, .lo = ~n};
}

/* A reading of a configuration with the rules from `first` on. */
static void configure(uint64_t first, unsigned n, unsigned *numbers)
{
    rl_stats_begin(stats);
    for (unsigned i = 0; i < n; i++) {
        const rl_digest_t id = rule(first + i);
        rl_stats_keep(stats, &id);
    }
    for (unsigned i = 0; i < n; i++) {
        const rl_digest_t id = rule(first + i);
        numbers[i] = rl_stats_take(stats, &id);
    }
}

static void a_rule_keeps_its_figures_over_reloads(void **state)
{
    unsigned before[10], after[10];
    (void)state;
    configure(1, 10, before);
    figures = &stats->figures[before[4]];
    add(RL_FIGURE_DENIED, NOON, 3);
    configure(1, 10, after);
    assert_memory_equal(before, after, sizeof(before));
    configure(5, 10, after); /* 1 to 4 are gone, 11 to 14 are new */
    assert_int_equal(after[0], before[4]);
    assert_int_equal(sum(RL_FIGURE_DENIED), 3);
    configure(1, 10, after); /* and are back: nobody needed their numbers meanwhile */
    assert_memory_equal(before, after, sizeof(before));
}

static void a_full_table_takes_only_figures_of_rules_that_are_gone(void **state)
{
    static unsigned numbers[RL_STATS_FIGURES], more[RL_STATS_FIGURES];
    const unsigned all = RL_STATS_FIGURES - 1;
    (void)state;
    configure(1, all, numbers);
    figures = &stats->figures[numbers[0]];
    add(RL_FIGURE_ALLOWED, NOON, 9);
    configure(2, all, more); /* all but the first are kept; the new one gets the first's */
    assert_memory_equal(&numbers[1], more, (all - 1) * sizeof(numbers[0]));
    assert_int_equal(more[all - 1], numbers[0]);
    assert_int_equal(sum(RL_FIGURE_ALLOWED), 0);
    assert_int_equal(in_all_minutes(NOON, RL_FIGURE_ALLOWED), 0);
}

static void rules_too_many_have_no_figures(void **state)
{
    static unsigned numbers[RL_STATS_FIGURES + 10];
    (void)state;
    configure(1, RL_STATS_FIGURES + 10, numbers);
    for (unsigned i = RL_STATS_FIGURES - 1; i < RL_STATS_FIGURES + 10; i++) {
        assert_int_equal(numbers[i], RL_STATS_ALL);
    }
}

static void servers_and_stores_are_found_again(void **state)
{
    rl_traffic_t *first = rl_stats_server(stats, "10.0.0.1:11211");
    (void)state;
    assert_non_null(first);
    assert_ptr_not_equal(first, rl_stats_server(stats, "10.0.0.2:11211"));
    assert_ptr_equal(first, rl_stats_server(stats, "10.0.0.1:11211"));
    assert_ptr_equal(rl_stats_store(stats, 7), rl_stats_store(stats, 7));
    for (uint64_t i = 1; i < 2 * RL_STATS_STORES; i++) {
        rl_stats_store(stats, i);
    }
    assert_null(rl_stats_store(stats, 1000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_stats, drop_stats)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_request_is_in_its_minute),
        TEST(a_minute_is_kept_for_an_hour),
        TEST(rings_go_round),
        TEST(a_clock_that_is_set_back_loses_nothing),
        TEST(a_minute_that_nobody_wrote_down_goes_to_the_one_before),
        TEST(threads_count_exactly),
        TEST(processes_count_exactly),
        TEST(a_rule_keeps_its_figures_over_reloads),
        TEST(a_full_table_takes_only_figures_of_rules_that_are_gone),
        TEST(rules_too_many_have_no_figures),
        TEST(servers_and_stores_are_found_again),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
