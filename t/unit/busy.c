/* SPDX-License-Identifier: Apache-2.0 */
/* busy/: what RateLimitBusy may say; when a server becomes busy and when it stops, with samples
 * and a clock of the test's own; what the system tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "busy/machine.h"
#include "busy/state.h"
#include "core/rate.h"

#define SECOND RL_USEC_PER_SEC
#define START  (1000 * SECOND)

/* ---- what is written ---- */

static const char *add(rl_busy_limits_t *limits, const char *argument)
{
    *limits = (rl_busy_limits_t){.hold_us = 0};
    return rl_busy_limits_add(limits, argument);
}

static void assert_limits(const char *argument, int measure, uint32_t high, uint32_t low)
{
    rl_busy_limits_t limits;
    const char *reason = add(&limits, argument);
    if (reason != NULL) {
        fail_msg("\"%s\": %s", argument, reason);
    }
    if (limits.high[measure] != high || limits.low[measure] != low) {
        fail_msg("\"%s\" gave %u:%u", argument, limits.high[measure], limits.low[measure]);
    }
}

static void assert_refused(const char *argument, const char *says)
{
    rl_busy_limits_t limits;
    const char *reason = add(&limits, argument);
    if (reason == NULL) {
        fail_msg("\"%s\" was taken", argument);
    }
    else if (strstr(reason, says) == NULL) {
        fail_msg("\"%s\": \"%s\" doesn't say \"%s\"", argument, reason, says);
    }
}

static void levels_are_read(void **state)
{
    (void)state;
    assert_limits("workers=90%:70%", RL_BUSY_WORKERS, 9000, 7000);
    assert_limits("workers=100%", RL_BUSY_WORKERS, 10000, 7500);
    assert_limits("workers=12.5%:12.5%", RL_BUSY_WORKERS, 1250, 1250);
    assert_limits("load=8", RL_BUSY_LOAD, 800, 600);
    assert_limits("load=7.5:0.25", RL_BUSY_LOAD, 750, 25);
    assert_limits("load=0.01", RL_BUSY_LOAD, 1, 1);
    assert_limits("load=100000", RL_BUSY_LOAD, 10000000, 7500000);
    assert_limits("cpu-pressure=40%:20%", RL_BUSY_PRESSURE, 4000, 2000);
}

static void what_is_no_level_is_refused(void **state)
{
    static const char *const percents[] = {"",       "%",
                                           "0%",     "90",
                                           "90%:",   "90%:70",
                                           "101%",   "100.01%",
                                           "-1%",    "90%%",
                                           "9 0%",   ".5%",
                                           "1.%",    "1.234%",
                                           "90:70",  "9e1%",
                                           ":70%",   "0%:0%",
                                           "90%:0%", "90%:70%:50%",
                                           "1,5%",   "99999999999999999999%"};
    static const char *const loads[] = {"",   "0",   "8%",        "8:", ":8",
                                        "-8", "8:0", "100000.01", "1.", "x"};
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        snprintf(text, sizeof(text), "workers=%s", percents[i]);
        assert_refused(text, "HIGH%");
        snprintf(text, sizeof(text), "cpu-pressure=%s", percents[i]);
        assert_refused(text, "HIGH%");
    }
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        snprintf(text, sizeof(text), "load=%s", loads[i]);
        assert_refused(text, "write HIGH or HIGH:LOW");
    }
    assert_refused("workers=50%:51%", "LOW must not be above HIGH");
    assert_refused("workers", "one of workers, load, cpu-pressure, hold");
    assert_refused("memory=90%", "one of workers, load, cpu-pressure, hold");
    assert_refused("hold=0", "at least 1 second");
    assert_refused("hold=x", "UNIT");
}

static void a_directive_needs_a_measure_and_says_each_once(void **state)
{
    rl_busy_limits_t limits = {.hold_us = 0};
    (void)state;
    assert_null(rl_busy_limits_add(&limits, "hold=1m"));
    assert_string_equal(rl_busy_limits_add(&limits, "hold=2m"), "given twice");
    assert_non_null(strstr(rl_busy_limits_complete(&limits), "at least one of workers="));
    assert_null(rl_busy_limits_add(&limits, "load=4"));
    assert_string_equal(rl_busy_limits_add(&limits, "load=5"), "given twice");
    assert_null(rl_busy_limits_complete(&limits));
    assert_int_equal(limits.hold_us, 60 * SECOND);
    limits = (rl_busy_limits_t){.high = {9000}, .low = {7000}};
    assert_null(rl_busy_limits_complete(&limits));
    assert_int_equal(limits.hold_us, 30 * SECOND);
}

/* ---- when a server is busy ---- */

static const rl_busy_limits_t workers_only = {.high = {[RL_BUSY_WORKERS] = 9000},
                                              .low = {[RL_BUSY_WORKERS] = 7000},
                                              .hold_us = 10 * SECOND};

static rl_busy_sample_t sample_of(uint32_t workers, uint32_t load)
{
    return (rl_busy_sample_t){.value = {[RL_BUSY_WORKERS] = workers,
                                        [RL_BUSY_LOAD] = load,
                                        [RL_BUSY_PRESSURE] = RL_BUSY_UNKNOWN}};
}

/* Puts the next second's sample. */
static rl_busy_event_t put(rl_busy_t *busy, const rl_busy_limits_t *limits, int64_t *now,
                           uint32_t workers, uint32_t load)
{
    const rl_busy_sample_t sample = sample_of(workers, load);
    *now += SECOND;
    assert_true(rl_busy_claim(busy, *now));
    return rl_busy_put(busy, limits, &sample, *now);
}

static rl_busy_change_e put_workers(rl_busy_t *busy, int64_t *now, uint32_t workers)
{
    return put(busy, &workers_only, now, workers, RL_BUSY_UNKNOWN).change;
}

static void a_measure_at_high_makes_busy_at_once(void **state)
{
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    rl_busy_event_t event;
    (void)state;
    assert_int_equal(put_workers(&busy, &now, 8999), RL_BUSY_UNCHANGED);
    assert_false(rl_busy_is(&busy));
    event = put(&busy, &workers_only, &now, 9000, RL_BUSY_UNKNOWN);
    assert_int_equal(event.change, RL_BUSY_BEGINS);
    assert_int_equal(event.measure, RL_BUSY_WORKERS);
    assert_int_equal(event.value, 9000);
    assert_true(rl_busy_is(&busy));
    assert_int_equal(put_workers(&busy, &now, 10000), RL_BUSY_UNCHANGED);
}

static void it_ends_when_all_were_below_low_for_hold(void **state)
{
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    rl_busy_event_t event;
    (void)state;
    put_workers(&busy, &now, 10000);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(put_workers(&busy, &now, 6999), RL_BUSY_UNCHANGED);
        assert_true(rl_busy_is(&busy));
    }
    event = put(&busy, &workers_only, &now, 6999, RL_BUSY_UNKNOWN);
    assert_int_equal(event.change, RL_BUSY_ENDS);
    assert_int_equal(event.lasted_us, 11 * SECOND);
    assert_false(rl_busy_is(&busy));
}

static void one_sample_at_low_begins_the_hold_anew(void **state)
{
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    (void)state;
    put_workers(&busy, &now, 10000);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) {
            assert_int_equal(put_workers(&busy, &now, 0), RL_BUSY_UNCHANGED);
        }
        assert_int_equal(put_workers(&busy, &now, 7000), RL_BUSY_UNCHANGED);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(put_workers(&busy, &now, 0), RL_BUSY_UNCHANGED);
    }
    assert_int_equal(put_workers(&busy, &now, 0), RL_BUSY_ENDS);
}

static void between_low_and_high_nothing_changes(void **state)
{
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    (void)state;
    for (int i = 0; i < 100; i++) {
        put_workers(&busy, &now, 8000);
    }
    assert_false(rl_busy_is(&busy));
    put_workers(&busy, &now, 9500);
    for (int i = 0; i < 100; i++) {
        put_workers(&busy, &now, 8000);
    }
    assert_true(rl_busy_is(&busy));
}

static void any_measure_makes_busy_and_all_must_be_low(void **state)
{
    const rl_busy_limits_t limits = {
        .high = {9000, 800, 0}, .low = {7000, 600, 0}, .hold_us = 2 * SECOND};
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    rl_busy_event_t event = put(&busy, &limits, &now, 0, 800);
    (void)state;
    assert_int_equal(event.change, RL_BUSY_BEGINS);
    assert_int_equal(event.measure, RL_BUSY_LOAD);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(put(&busy, &limits, &now, 0, 600).change, RL_BUSY_UNCHANGED);
        assert_int_equal(put(&busy, &limits, &now, 7000, 0).change, RL_BUSY_UNCHANGED);
    }
    put(&busy, &limits, &now, 0, 599);
    put(&busy, &limits, &now, 0, 599);
    assert_int_equal(put(&busy, &limits, &now, 0, 599).change, RL_BUSY_ENDS);
}

static void what_is_not_known_or_not_asked_for_does_nothing(void **state)
{
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    (void)state;
    assert_int_equal(put(&busy, &workers_only, &now, RL_BUSY_UNKNOWN, 10000000).change,
                     RL_BUSY_UNCHANGED);
    put_workers(&busy, &now, 9000);
    for (int i = 0; i < 10; i++) {
        put(&busy, &workers_only, &now, RL_BUSY_UNKNOWN, 10000000);
    }
    assert_int_equal(put(&busy, &workers_only, &now, RL_BUSY_UNKNOWN, 10000000).change,
                     RL_BUSY_ENDS);
}

static void samples_may_fail_to_come(void **state)
{
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    (void)state;
    put_workers(&busy, &now, 9000);
    now += 3600 * SECOND;
    assert_int_equal(put_workers(&busy, &now, 0), RL_BUSY_UNCHANGED);
    now += 3600 * SECOND;
    assert_int_equal(put_workers(&busy, &now, 0), RL_BUSY_ENDS);
}

/* ---- many processes ---- */

static void one_sample_a_second_for_all(void **state)
{
    rl_busy_t busy = {.state = 0};
    (void)state;
    assert_true(rl_busy_claim(&busy, START));
    assert_false(rl_busy_claim(&busy, START));
    assert_false(rl_busy_claim(&busy, START + SECOND - 1));
    assert_true(rl_busy_claim(&busy, START + SECOND));
    assert_false(rl_busy_claim(&busy, START + SECOND + 1));
}

/* A process that was stopped while it sampled has nothing to say about later seconds. */
static void a_sample_that_was_overtaken_is_dropped(void **state)
{
    const rl_busy_sample_t full = sample_of(10000, RL_BUSY_UNKNOWN);
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    (void)state;
    assert_true(rl_busy_claim(&busy, START));
    put_workers(&busy, &now, 0);
    assert_int_equal(rl_busy_put(&busy, &workers_only, &full, START).change, RL_BUSY_UNCHANGED);
    assert_false(rl_busy_is(&busy));
    assert_int_equal(busy.value[RL_BUSY_WORKERS], 0);
}

static void a_reload_keeps_the_state_unless_the_directive_is_gone(void **state)
{
    rl_busy_t busy = {.state = 0};
    int64_t now = START;
    (void)state;
    assert_int_equal(rl_busy_begin(&busy, true), 1);
    put_workers(&busy, &now, 9000);
    assert_int_equal(rl_busy_begin(&busy, true), 2);
    assert_true(rl_busy_is(&busy));
    assert_int_equal(rl_busy_begin(&busy, false), 3);
    assert_false(rl_busy_is(&busy));
}

/* ---- what the system tells ---- */

static void assert_pressure(const char *text, uint32_t expected)
{
    const uint32_t pressure = rl_busy_pressure_parse(text, strlen(text));
    if (pressure != expected) {
        fail_msg("\"%s\" gave %u", text, pressure);
    }
}

static void pressure_is_read(void **state)
{
    (void)state;
    assert_pressure("some avg10=9.29 avg60=6.09 avg300=9.75 total=13267019662\n", 929);
    assert_pressure("some avg10=0.00", 0);
    assert_pressure("some avg10=100.00 avg60", 10000);
    assert_pressure("some avg10=0.07\nfull avg10=5.00", 7);
    assert_pressure("", RL_BUSY_UNKNOWN);
    assert_pressure("some avg10=", RL_BUSY_UNKNOWN);
    assert_pressure("some avg10=1", RL_BUSY_UNKNOWN);
    assert_pressure("some avg10=1.", RL_BUSY_UNKNOWN);
    assert_pressure("some avg10=1.2", RL_BUSY_UNKNOWN);
    assert_pressure("some avg10=1.x2", RL_BUSY_UNKNOWN);
    assert_pressure("some avg10=.25", RL_BUSY_UNKNOWN);
    assert_pressure("full avg10=1.23", RL_BUSY_UNKNOWN);
    assert_pressure("some avg10=999999999999.00", RL_BUSY_UNKNOWN);
    assert_int_equal(rl_busy_pressure("/nonesuch"), RL_BUSY_UNKNOWN);
    assert_int_equal(rl_busy_pressure("/proc/self/stat"), RL_BUSY_UNKNOWN);
    assert_int_not_equal(rl_busy_load(), RL_BUSY_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_read),
        cmocka_unit_test(what_is_no_level_is_refused),
        cmocka_unit_test(a_directive_needs_a_measure_and_says_each_once),
        cmocka_unit_test(a_measure_at_high_makes_busy_at_once),
        cmocka_unit_test(it_ends_when_all_were_below_low_for_hold),
        cmocka_unit_test(one_sample_at_low_begins_the_hold_anew),
        cmocka_unit_test(between_low_and_high_nothing_changes),
        cmocka_unit_test(any_measure_makes_busy_and_all_must_be_low),
        cmocka_unit_test(what_is_not_known_or_not_asked_for_does_nothing),
        cmocka_unit_test(samples_may_fail_to_come),
        cmocka_unit_test(one_sample_a_second_for_all),
        cmocka_unit_test(a_sample_that_was_overtaken_is_dropped),
        cmocka_unit_test(a_reload_keeps_the_state_unless_the_directive_is_gone),
        cmocka_unit_test(pressure_is_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
