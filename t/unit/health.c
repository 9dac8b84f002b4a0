/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/health: when a server's outage begins and ends, what is counted meanwhile, and how
 * often a server that is away is visited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "memcached/health.h"
#include "system/clock.h"

#define SECOND INT64_C(1000000)

static const rl_breaker_settings_t settings = {.failures = 3, .cooldown_us = SECOND};
static rl_health_state_t state_of_it;
static rl_health_t health;
static unsigned events[RL_SERVER_ANSWERS_ERROR + 1];

static void note_event(void *context, rl_server_event_e event, unsigned server,
                       const char *reason)
{
    (void)context, (void)server, (void)reason;
    events[event]++;
}

static int set_out(void **state)
{
    (void)state;
    memset(&state_of_it, 0, sizeof(state_of_it));
    memset(events, 0, sizeof(events));
    rl_health_init(&health, &state_of_it, NULL, &settings, note_event, NULL, 0);
    rl_health_good(&health, false, rl_clock_now());
    return 0;
}

static void go_wrong(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        rl_health_failed(&health, "test");
    }
}

static void succeed(void)
{
    rl_health_good(&health, false, rl_clock_now());
}

static void count_local(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        rl_health_count_local(&state_of_it);
    }
}

static void wait_ms(long ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000};
    nanosleep(&pause, NULL);
}

static void an_outage_lasts_from_the_first_failure_to_the_next_answer(void **state)
{
    const int64_t began = rl_clock_now();
    rl_outage_t outage;
    (void)state;
    assert_false(rl_health_last_outage(&state_of_it, &outage));
    go_wrong(1);
    count_local(1);
    wait_ms(20);
    go_wrong(2);
    assert_int_equal(events[RL_SERVER_FAILS], 1);
    count_local(4);
    assert_int_equal(rl_health_local(&state_of_it), 5);
    assert_false(rl_health_last_outage(&state_of_it, &outage));
    succeed();
    assert_int_equal(events[RL_SERVER_WORKS], 1);
    assert_true(rl_health_last_outage(&state_of_it, &outage));
    assert_in_range(outage.lasted_us, 20000, rl_clock_now() - began);
    assert_int_equal(outage.local, 5);
    assert_int_equal(rl_health_local(&state_of_it), 0);
}

static void each_outage_counts_for_itself(void **state)
{
    rl_outage_t outage;
    (void)state;
    go_wrong(3);
    count_local(7);
    succeed();
    count_local(9); /* for another reason: it works */
    go_wrong(3);
    count_local(2);
    succeed();
    assert_true(rl_health_last_outage(&state_of_it, &outage));
    assert_int_equal(outage.local, 2);
}

static void a_few_failures_are_no_outage(void **state)
{
    rl_outage_t outage;
    (void)state;
    go_wrong(2);
    count_local(2);
    succeed();
    assert_false(rl_health_last_outage(&state_of_it, &outage));
    assert_int_equal(events[RL_SERVER_WORKS], 0);
    go_wrong(3);
    count_local(3);
    succeed();
    assert_true(rl_health_last_outage(&state_of_it, &outage));
    assert_int_equal(outage.local, 3);
}

static void it_is_visited_only_while_it_is_away_and_at_intervals(void **state)
{
    const int64_t now = 100 * SECOND;
    (void)state;
    assert_false(rl_health_may_visit(&state_of_it, SECOND, now));
    go_wrong(3);
    assert_true(rl_health_may_visit(&state_of_it, SECOND, now));
    assert_false(rl_health_may_visit(&state_of_it, SECOND, now));
    assert_false(rl_health_may_visit(&state_of_it, SECOND, now + SECOND - 1));
    assert_true(rl_health_may_visit(&state_of_it, SECOND, now + SECOND));
    succeed();
    assert_false(rl_health_may_visit(&state_of_it, SECOND, now + 5 * SECOND));
}

static void a_refusal_to_write_is_no_failure(void **state)
{
    (void)state;
    go_wrong(3);
    succeed();
    for (int i = 0; i < 100; i++) {
        rl_health_error_answer(&health, RL_SERVER_IS_FULL, "test", true);
    }
    assert_false(rl_health_is_away(&state_of_it));
    assert_int_equal(events[RL_SERVER_IS_FULL], 100);
    for (int i = 0; i < RL_HEALTH_ERROR_ANSWERS; i++) {
        rl_health_error_answer(&health, RL_SERVER_ANSWERS_ERROR, "test", false);
        assert_false(rl_health_is_away(&state_of_it));
    }
    for (int i = 0; i < 3; i++) {
        rl_health_error_answer(&health, RL_SERVER_ANSWERS_ERROR, "test", false);
    }
    assert_true(rl_health_is_away(&state_of_it));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_outage_lasts_from_the_first_failure_to_the_next_answer,
                               set_out),
        cmocka_unit_test_setup(each_outage_counts_for_itself, set_out),
        cmocka_unit_test_setup(a_few_failures_are_no_outage, set_out),
        cmocka_unit_test_setup(it_is_visited_only_while_it_is_away_and_at_intervals, set_out),
        cmocka_unit_test_setup(a_refusal_to_write_is_no_failure, set_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
