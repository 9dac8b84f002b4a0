/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter against a model that keeps everything: 100,000 random sequences of each algorithm.
 *
 * The model is a list of what was granted and given back, and works out from the whole list,
 * with rational numbers in 128 bits, what the algorithm's definition says. Of each charge the
 * decision must be the model's; what was granted must keep the algorithm's promise; and whoever
 * is denied must be granted the same cost at the retry that was told, and at the whole second
 * that Retry-After rounds it up to, but not a microsecond earlier.
 *
 *     fixed window:    no more than the limit in a window
 *     window=first:    the same; a window begins with a unit that comes when none is in use
 *     sliding window:  this window's units + the previous one's × overlap ≤ limit at each grant
 *     token bucket:    in any interval of t no more than burst + rate × t, plus what was given
 *                      back within it; half a bucket more of what is never given back
 *
 * A failing sequence is named by its seed.
 */
#ifndef __SIZEOF_INT128__
#include <stdio.h>

int main(void)
{
    puts("1..0 # SKIP the model takes 128-bit integers");
    return 0;
}

#else
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/first_window.h"
#include "counter.h"

#define SEQUENCES 100000
#define EVENTS    14

typedef __int128 wide_t;

/* What was granted, or given back (negative), and the charge that the latter is of. */
typedef struct event {
    int64_t at;
    int64_t units;
    uint64_t stamp;
    int64_t window; /* windows: of the grant */
    wide_t ticks;   /* bucket: what was given or taken */
    wide_t full;    /* bucket: the tick at which the grant would be made up for */
    wide_t back;    /* bucket: what was given back of it */
    bool refunded;
} event_t;

typedef struct world {
    counter_t counter;
    uint64_t seed, rng;
    int64_t now;
    int64_t edge;  /* windows: one of their ends */
    int64_t since; /* bucket: when it was new, -1: it is */
    event_t events[EVENTS];
    int n;
} world_t;

static void hold(const world_t *world, bool holds, const char *what, int line)
{
    if (!holds) {
        fail_msg("sequence %llu, line %d: %s", (unsigned long long)world->seed, line, what);
    }
}

#define HOLD(e) hold(world, (e), #e, __LINE__)

static uint64_t below(world_t *world, uint64_t bound)
{
    return random_below(&world->rng, bound);
}

/* Small numbers mostly, the largest now and then. */
static uint32_t random_count(world_t *world)
{
    static const uint32_t bounds[] = {4, 8, 20, 100, 5000, UINT32_MAX};
    return (uint32_t)below(world, bounds[below(world, 6)]) + (below(world, 16) > 0);
}

static int64_t random_period(world_t *world)
{
    static const int64_t periods[] = {SECOND, MINUTE, HOUR, 30 * DAY};
    const uint64_t choice = below(world, 8);
    return choice < 4 ? periods[choice] : SECOND * (int64_t)(1 + below(world, 1000));
}

static world_t world_of(uint64_t seed, rl_algorithm_e algorithm)
{
    world_t world = {.seed = seed, .rng = seed, .since = -1};
    rl_meter_t meter = {.algorithm = algorithm, .aligned = seed % 2};
    meter.limit = random_count(&world);
    meter.burst = random_count(&world);
    meter.initial =
        below(&world, 2) ? meter.burst : (uint32_t)below(&world, (uint64_t)meter.burst + 1);
    meter.period_us = random_period(&world);
    world.counter = counter_with(meter);
    world.counter.key = random_digest(&world.rng);
    world.now = NOON + (int64_t)below(&world, (uint64_t)DAY);
    return world;
}

/* ---- windows ---- */

static void find_edge(world_t *world)
{
    counter_t probe = world->counter;
    const bool sliding = probe.meter.algorithm == RL_SLIDING_WINDOW;
    charge(&probe, NOON, 0);
    world->edge = probe.step.expires - (sliding ? probe.meter.period_us : 0);
}

static int64_t window_at(const world_t *world, int64_t time)
{
    const int64_t period = world->counter.meter.period_us, past = time - world->edge;
    return past >= 0 ? past / period : -((-past + period - 1) / period);
}

static wide_t units_in(const world_t *world, int64_t window)
{
    wide_t units = 0;
    for (int i = 0; i < world->n; i++) {
        units += world->events[i].window == window ? world->events[i].units : 0;
    }
    return units;
}

static bool window_grants(const world_t *world, int64_t now, uint32_t cost)
{
    const rl_meter_t *meter = &world->counter.meter;
    const int64_t window = window_at(world, now);
    const wide_t period = meter->period_us;
    const wide_t overlap = world->edge + (window + 1) * period - now;
    wide_t load = (units_in(world, window) + cost) * period;
    if (meter->algorithm == RL_SLIDING_WINDOW) {
        load += units_in(world, window - 1) * overlap;
    }
    return meter->limit > 0 && (cost == 0 || load <= meter->limit * period);
}

/* ---- windows that begin with the first unit ---- */

static bool is_first(const world_t *world)
{
    return world->counter.meter.algorithm == RL_FIRST_WINDOW;
}

/* Returns the units in use at a moment: everything that happened, told once more. Sets *start
 * to the start of their window. */
static wide_t first_units_at(const world_t *world, int64_t now, uint64_t *start)
{
    const rl_meter_t *meter = &world->counter.meter;
    wide_t units = 0;
    *start = 0;
    for (int i = 0; i < world->n; i++) {
        const event_t *event = &world->events[i];
        if (event->units > 0 &&
            (units == 0 || rl_first_window_end(meter, *start) <= event->at)) {
            *start = rl_first_window_start(event->at);
            units = 0;
        }
        units += event->units > 0 || event->window == (int64_t)*start ? event->units : 0;
    }
    return rl_first_window_end(meter, *start) > now ? units : 0;
}

static bool first_grants(const world_t *world, int64_t now, uint32_t cost)
{
    const uint32_t limit = world->counter.meter.limit;
    const uint32_t most = limit < RL_FIRST_WINDOW_LIMIT ? limit : RL_FIRST_WINDOW_LIMIT;
    uint64_t start;
    return limit > 0 && (cost == 0 || first_units_at(world, now, &start) + cost <= most);
}

static void note_first(world_t *world, event_t *event)
{
    uint64_t start;
    HOLD(first_units_at(world, world->now, &start) == world->counter.step.used);
    event->window = (int64_t)start;
    if (event->units > 0) {
        HOLD((uint32_t)start == event->stamp);
        HOLD(world->counter.step.reset == rl_first_window_end(&world->counter.meter, start));
        world->edge = rl_first_window_begin(start);
    }
}

/* ---- token bucket ---- */

/* Ticks from the epoch to a moment, as meter_private.h defines them. */
static wide_t ticks_at(const world_t *world, int64_t time)
{
    const rl_meter_t *meter = &world->counter.meter;
    return ((wide_t)meter->limit << meter->shift) * time / meter->period_us;
}

static wide_t ticks_of(const world_t *world, int64_t tokens)
{
    return (wide_t)tokens << world->counter.meter.shift;
}

/* What is in the bucket at a moment: everything that happened to it, told once more. */
static wide_t level_at(const world_t *world, int64_t now)
{
    const wide_t size = ticks_of(world, world->counter.meter.burst);
    wide_t level = ticks_of(world, world->counter.meter.initial);
    int64_t last = world->since >= 0 ? world->since : now;
    for (int i = 0; i <= world->n; i++) {
        const int64_t at = i < world->n ? world->events[i].at : now;
        level += ticks_at(world, at) - ticks_at(world, last);
        level = level < size ? level : size;
        level -= i < world->n ? world->events[i].ticks : 0;
        level = level < size ? level : size;
        last = at;
    }
    return level;
}

static bool bucket_grants(const world_t *world, int64_t now, uint32_t cost)
{
    return world->counter.meter.limit > 0 &&
           (cost == 0 || ticks_of(world, cost) <= level_at(world, now));
}

/* In every interval from one grant to another: exact in ticks; in real time a tick more, which
 * is what reading the clock can round away. */
static void check_intervals(const world_t *world)
{
    const rl_meter_t *meter = &world->counter.meter;
    const event_t *last = &world->events[world->n - 1];
    wide_t sum = 0;
    for (int i = world->n - 1; i >= 0; i--) {
        const event_t *first = &world->events[i];
        const wide_t room = ticks_of(world, meter->burst);
        const wide_t time = last->at - first->at;
        sum += first->ticks;
        HOLD(sum <= room + ticks_at(world, last->at) - ticks_at(world, first->at));
        HOLD((sum - room - 1) * meter->period_us <=
             time * ((wide_t)meter->limit << meter->shift));
    }
}

/* ---- either ---- */

static bool is_bucket(const world_t *world)
{
    return world->counter.meter.algorithm == RL_TOKEN_BUCKET;
}

static bool model_grants(const world_t *world, int64_t now, uint32_t cost)
{
    return is_bucket(world)  ? bucket_grants(world, now, cost)
           : is_first(world) ? first_grants(world, now, cost)
                             : window_grants(world, now, cost);
}

static void note_grant(world_t *world, uint32_t cost)
{
    event_t *event = &world->events[world->n++];
    *event = (event_t){.at = world->now, .units = cost, .stamp = world->counter.step.stamp};
    if (is_first(world)) {
        note_first(world, event);
        return;
    }
    if (!is_bucket(world)) {
        event->window = window_at(world, world->now);
        HOLD(units_in(world, event->window) <= world->counter.meter.limit);
        return;
    }
    event->ticks = ticks_of(world, cost);
    event->full = ticks_at(world, world->now) + ticks_of(world, world->counter.meter.burst) -
                  level_at(world, world->now);
    HOLD(event->full == (wide_t)event->stamp);
    check_intervals(world);
}

/* Someone who is told to come back, when nothing else comes. */
static void check_retry(const world_t *world, uint32_t cost)
{
    const int64_t retry = world->counter.step.retry;
    const int64_t seconds = (retry - world->now + SECOND - 1) / SECOND;
    HOLD(retry > world->now);
    if (cost > rl_meter_quota(&world->counter.meter) ||
        (is_first(world) && cost > RL_FIRST_WINDOW_LIMIT) ||
        rl_meter_quota(&world->counter.meter) == 0 || retry > NOON + 25000 * DAY) {
        return;
    }
    HOLD(!fits(&world->counter, retry - 1, cost) && !model_grants(world, retry - 1, cost));
    HOLD(fits(&world->counter, retry, cost) && model_grants(world, retry, cost));
    HOLD(fits(&world->counter, world->now + seconds * SECOND, cost));
}

static void try_charge(world_t *world)
{
    const uint32_t quota = rl_meter_quota(&world->counter.meter);
    const uint32_t most = below(world, 2) ? 3 : quota < UINT32_MAX ? quota + 2 : quota;
    const uint32_t cost = (uint32_t)below(world, most);
    const bool wanted = model_grants(world, world->now, cost);
    HOLD(charge(&world->counter, world->now, cost) == wanted);
    world->since = world->since >= 0 ? world->since : world->now;
    if (wanted) {
        HOLD(world->counter.step.retry == world->now);
        note_grant(world, cost);
    }
    else {
        check_retry(world, cost);
    }
}

static void try_refund(world_t *world)
{
    event_t *grant = world->n > 0 ? &world->events[below(world, (uint64_t)world->n)] : NULL;
    event_t *event = &world->events[world->n];
    if (grant == NULL || grant->refunded || grant->units <= 0) {
        return;
    }
    grant->refunded = true;
    refund(&world->counter, grant->stamp, (uint32_t)grant->units, world->now);
    *event = (event_t){.at = world->now, .units = -grant->units, .window = grant->window};
    if (is_bucket(world)) {
        const wide_t left = grant->full - ticks_at(world, world->now);
        event->ticks = -(left < 0 ? 0 : left < grant->ticks ? left : grant->ticks);
    }
    grant->back = -event->ticks;
    world->n++;
}

/* What was granted and never given back: half a bucket more than promised at the most; see
 * refund() in meter_bucket.c. */
static void check_what_is_left(const world_t *world)
{
    const wide_t size = ticks_of(world, world->counter.meter.burst);
    for (int i = 0; i < world->n; i++) {
        wide_t sum = 0;
        for (int j = i; j < world->n; j++) {
            const event_t *first = &world->events[i], *last = &world->events[j];
            sum += last->units > 0 ? last->ticks - last->back : 0;
            HOLD(sum <=
                 size + size / 2 + ticks_at(world, last->at) - ticks_at(world, first->at));
        }
    }
}

static void wipe(world_t *world)
{
    const event_t filled = {.at = world->now,
                            .ticks = -ticks_of(world, world->counter.meter.burst)};
    clear(&world->counter, world->now);
    world->n = 0;
    if (!is_bucket(world)) {
        world->since = -1;
    }
    else if (world->since >= 0) {
        world->events[world->n++] = filled;
    }
}

/* Where edges are: at the ends of windows, at the retry that was told last, and in between. */
static void pass_time(world_t *world)
{
    const uint64_t period = (uint64_t)world->counter.meter.period_us;
    const uint64_t quota = (uint64_t)rl_meter_quota_us(&world->counter.meter);
    const uint64_t span = is_bucket(world) && quota < 100 * (uint64_t)DAY ? quota : period;
    int64_t next = world->now;
    switch (below(world, 8)) {
    case 0:
        next += (int64_t)below(world, 3);
        break;
    case 1:
        next = world->edge +
               (window_at(world, world->now) + 1) * world->counter.meter.period_us - 1 +
               (int64_t)below(world, 3);
        break;
    case 2:
        next = world->counter.step.retry < world->now + 100 * DAY ? world->counter.step.retry
                                                                  : next;
        break;
    case 3:
        next += (int64_t)below(world, span * 5 / 2 + 1);
        break;
    default:
        next += (int64_t)below(world, span / 4 + 1);
        break;
    }
    world->now = next > world->now ? next : world->now;
}

static void run_sequence(uint64_t seed, rl_algorithm_e algorithm)
{
    world_t world = world_of(seed, algorithm);
    find_edge(&world);
    for (int i = 0; i < EVENTS; i++) {
        const uint64_t choice = below(&world, 32);
        if (choice == 0) {
            wipe(&world);
        }
        else if (choice < 8) {
            try_refund(&world);
        }
        else {
            try_charge(&world);
        }
        pass_time(&world);
    }
    if (is_bucket(&world)) {
        check_what_is_left(&world);
    }
}

static void run(rl_algorithm_e algorithm)
{
    for (uint64_t seed = 1; seed <= SEQUENCES; seed++) {
        run_sequence(seed, algorithm);
    }
}

static void fixed_windows_are_what_the_model_says(void **state)
{
    (void)state;
    run(RL_FIXED_WINDOW);
}

static void first_windows_are_what_the_model_says(void **state)
{
    (void)state;
    run(RL_FIRST_WINDOW);
}

static void sliding_windows_are_what_the_model_says(void **state)
{
    (void)state;
    run(RL_SLIDING_WINDOW);
}

static void token_buckets_are_what_the_model_says(void **state)
{
    (void)state;
    run(RL_TOKEN_BUCKET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_windows_are_what_the_model_says),
        cmocka_unit_test(first_windows_are_what_the_model_says),
        cmocka_unit_test(sliding_windows_are_what_the_model_says),
        cmocka_unit_test(token_buckets_are_what_the_model_says),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
