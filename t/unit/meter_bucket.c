/* SPDX-License-Identifier: Apache-2.0 */
/* core/meter: the token bucket at its edges, with injected time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/meter/tally.h"
#include "counter.h"

static counter_t bucket_of(uint32_t limit, int64_t period_us, uint32_t burst, uint32_t initial)
{
    return counter_with((rl_meter_t){.algorithm = RL_TOKEN_BUCKET,
                                     .limit = limit,
                                     .burst = burst,
                                     .initial = initial,
                                     .period_us = period_us});
}

static counter_t full_bucket(uint32_t limit, int64_t period_us, uint32_t burst)
{
    return bucket_of(limit, period_us, burst, burst);
}

/* How long a tick is, rounded up. */
static int64_t tick_us(const rl_meter_t *meter)
{
    return (meter->period_us / meter->limit >> meter->shift) + 1;
}

/* A meter that an administrator can write: any count, period and size. */
static rl_meter_t random_bucket(uint64_t *rng)
{
    const uint32_t limit = 1 + (uint32_t)(random_bits(rng) >> (32 + random_below(rng, 32)));
    const uint32_t burst = 1 + (uint32_t)(random_bits(rng) >> (32 + random_below(rng, 32)));
    const int64_t longest = RL_PERIOD_MAX_SEC >> random_below(rng, 21);
    return (rl_meter_t){.algorithm = RL_TOKEN_BUCKET,
                        .limit = limit > 0 ? limit : UINT32_MAX,
                        .burst = burst > 0 ? burst : UINT32_MAX,
                        .initial = burst > 0 ? burst : UINT32_MAX,
                        .period_us =
                            (1 + (int64_t)random_below(rng, (uint64_t)longest)) * SECOND};
}

/* ---- counting ---- */

static void a_burst_fits_and_the_next_unit_does_not(void **state)
{
    counter_t counter = full_bucket(10, MINUTE, 5);
    (void)state;
    for (uint32_t i = 1; i <= 5; i++) {
        assert_true(charge(&counter, NOON, 1));
        assert_int_equal(counter.step.used, i);
        assert_true(counter.step.retry == NOON);
    }
    assert_false(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.used, 5);
    assert_int_equal(counter.step.word, -1);
}

static void a_cost_fits_exactly_or_not_at_all(void **state)
{
    counter_t counter = full_bucket(10, MINUTE, 10);
    (void)state;
    assert_true(charge(&counter, NOON, 7));
    assert_false(charge(&counter, NOON, 4));
    assert_int_equal(counter.step.used, 7);
    assert_true(charge(&counter, NOON, 3));
    assert_int_equal(counter.step.used, 10);
}

/* It can't ever fit, whatever the wait. */
static void a_cost_above_the_burst_is_denied_for_a_period_at_a_time(void **state)
{
    counter_t counter = full_bucket(10, MINUTE, 5);
    (void)state;
    assert_false(charge(&counter, NOON, 6));
    assert_true(counter.step.retry == NOON + MINUTE);
    assert_int_equal(counter.step.word, -1);
    assert_false(charge(&counter, NOON, UINT32_MAX));
    assert_true(counter.step.retry == NOON + MINUTE);
    assert_false(charge(&counter, NOON + 40 * DAY, 6));
    assert_true(charge(&counter, NOON, 5));
}

static void a_cost_of_zero_is_free_but_a_limit_of_zero_denies_it(void **state)
{
    counter_t counter = full_bucket(3, SECOND, 2), closed = full_bucket(0, SECOND, 2);
    (void)state;
    drain(&counter, NOON);
    assert_true(charge(&counter, NOON, 0));
    assert_int_equal(counter.step.used, 2);
    assert_int_equal(counter.step.word, -1);
    for (uint32_t cost = 0; cost < 3; cost++) {
        assert_false(charge(&closed, NOON, cost));
        assert_true(closed.step.retry == NOON + SECOND);
        assert_int_equal(closed.step.word, -1);
    }
    assert_int_equal(rl_meter_quota(&closed.meter), 0);
    assert_true(rl_meter_quota_us(&closed.meter) == SECOND);
}

static void a_limit_of_zero_survives_every_transition(void **state)
{
    counter_t closed = full_bucket(0, SECOND, 2);
    (void)state;
    refund(&closed, UINT64_MAX, 1, NOON);
    raise_to(&closed, 0, 1);
    refund(&closed, UINT64_MAX, 1, NOON);
    clear(&closed, NOON);
    assert_false(charge(&closed, NOON, 1));
    assert_true(rl_meter_is_shareable(&closed.meter));
}

static void a_bucket_without_a_size_grants_only_what_is_free(void **state)
{
    counter_t counter = full_bucket(10, MINUTE, 0);
    (void)state;
    assert_true(charge(&counter, NOON, 0));
    assert_false(charge(&counter, NOON, 1));
    assert_true(counter.step.retry == NOON + MINUTE);
    assert_false(charge(&counter, NOON + HOUR, 1));
    assert_int_equal(rl_meter_quota(&counter.meter), 0);
    assert_true(rl_meter_quota_us(&counter.meter) == 0);
}

static void denials_neither_use_tokens_nor_delay_them(void **state)
{
    counter_t counter = full_bucket(2, MINUTE, 2);
    (void)state;
    drain(&counter, NOON);
    for (int64_t t = NOON; t < NOON + 30 * SECOND; t += SECOND / 7) {
        assert_false(charge(&counter, t, 1));
        assert_true(counter.step.retry == NOON + 30 * SECOND);
    }
    assert_true(charge(&counter, NOON + 30 * SECOND, 1));
}

/* ---- tokens in time ---- */

static void a_token_comes_at_its_microsecond(void **state)
{
    counter_t counter = full_bucket(1, MINUTE, 3);
    (void)state;
    drain(&counter, NOON);
    for (int i = 1; i <= 3; i++) {
        assert_false(fits(&counter, NOON + i * MINUTE - 1, (uint32_t)i));
        assert_true(fits(&counter, NOON + i * MINUTE, (uint32_t)i));
    }
    assert_false(fits(&counter, NOON + 100 * MINUTE, 4));
    assert_true(charge(&counter, NOON + MINUTE, 1));
    assert_false(charge(&counter, NOON + MINUTE, 1));
}

static void retry_is_exactly_the_earliest_time_at_any_rate(void **state)
{
    uint64_t rng = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        counter_t counter = counter_with(random_bucket(&rng));
        const int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        const uint32_t size = counter.meter.burst;
        const uint32_t cost = 1 + (uint32_t)random_below(&rng, size);
        assert_true(charge(&counter, now, size));
        assert_false(charge(&counter, now, cost));
        if (counter.step.retry < NOON + 25000 * DAY) {
            assert_retry_is_exact(&counter, now, cost);
        }
    }
}

/* A token's time after the bucket was drained, as long division has it: never more than a tick
 * early, and not late. */
static void a_token_is_at_most_a_tick_early_and_never_late(void **state)
{
    uint64_t rng = 2;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        counter_t counter = counter_with(random_bucket(&rng));
        const rl_meter_t *meter = &counter.meter;
        const int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        const int64_t token = (meter->period_us + meter->limit - 1) / meter->limit;
        drain(&counter, now);
        charge(&counter, now, 1);
        assert_true(counter.step.retry <= now + token);
        assert_true(counter.step.retry >= now + token - tick_us(meter) - 1);
    }
}

static void reset_is_when_the_bucket_is_full(void **state)
{
    counter_t counter = full_bucket(7, MINUTE, 5);
    int64_t reset;
    (void)state;
    assert_true(charge(&counter, NOON, 3));
    reset = counter.step.reset;
    assert_true(reset >= NOON + 3 * MINUTE / 7 && reset <= NOON + 3 * MINUTE / 7 + 1);
    assert_int_equal(used_at(&counter, reset - 1), 1);
    assert_int_equal(used_at(&counter, reset), 0);
    assert_true(counter.step.expires == reset);
}

/* Not a moment ago, for which nobody waits: what is asked without a charge is asked now. */
static void the_next_token_comes_when_it_says(void **state)
{
    uint64_t rng = 12;
    counter_t closed = full_bucket(0, MINUTE, 5);
    (void)state;
    for (int i = 0; i < 2000; i++) {
        const uint32_t limit = 1 + (uint32_t)random_below(&rng, 40);
        counter_t counter = full_bucket(limit, MINUTE, 1 + (uint32_t)random_below(&rng, 40));
        int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        for (int n = 0; n < 6; n++) {
            charge(&counter, now, (uint32_t)random_below(&rng, 12));
            assert_more_is_exact(&counter, now);
            now += (int64_t)random_below(&rng, (uint64_t)(MINUTE / limit));
        }
    }
    charge(&closed, NOON, 1);
    assert_int_equal(rl_meter_more_at(OP(&closed.key, &closed.meter, NOON, 1), &closed.step),
                     NOON + MINUTE);
}

/* A denied cost of one waits for the next token: both times are the same microsecond, unless
 * the bucket fills only after the last second of 32 bits. */
static void an_empty_bucket_says_one_time(void **state)
{
    uint64_t rng = 13;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        counter_t counter = counter_with(random_bucket(&rng));
        int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        charge(&counter, now, counter.meter.burst);
        now += (int64_t)random_below(&rng, 3);
        if (!charge(&counter, now, 1)) {
            const int64_t more =
                rl_meter_more_at(OP(&counter.key, &counter.meter, now, 1), &counter.step);
            assert_true(more == counter.step.retry || tick_us(&counter.meter) <= 1 ||
                        counter.step.reset == INT64_C(4294967295) * SECOND);
        }
    }
}

static void a_full_bucket_is_reset_now(void **state)
{
    uint64_t rng = 3;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        counter_t counter = counter_with(random_bucket(&rng));
        const int64_t now = NOON + (int64_t)random_below(&rng, (uint64_t)DAY);
        assert_true(charge(&counter, now, 0));
        assert_int_equal(counter.step.used, 0);
        assert_true(counter.step.reset == now);
        assert_true(counter.step.expires >= now);
    }
}

/* ---- new buckets ---- */

static void a_new_bucket_holds_its_initial_tokens(void **state)
{
    counter_t counter = bucket_of(1, MINUTE, 5, 2);
    (void)state;
    assert_false(fits(&counter, NOON, 3));
    assert_true(charge(&counter, NOON, 2));
    assert_int_equal(counter.step.used, 5);
    assert_false(charge(&counter, NOON, 1));
    assert_true(counter.step.retry == NOON + MINUTE);
}

/* Being asked is what makes it old: the denial itself is written down. */
static void an_empty_new_bucket_fills_from_its_first_denial(void **state)
{
    counter_t counter = bucket_of(1, MINUTE, 3, 0);
    (void)state;
    assert_false(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.word, 0);
    assert_true(counter.step.retry == NOON + MINUTE);
    assert_true(counter.step.expires >= counter.step.reset);
    assert_false(charge(&counter, NOON + MINUTE - 1, 1));
    assert_int_equal(counter.step.word, -1);
    assert_true(fits(&counter, NOON + MINUTE, 1));
    assert_false(fits(&counter, NOON + 3 * MINUTE - 1, 3));
    assert_true(fits(&counter, NOON + 3 * MINUTE, 3));
}

static void a_bucket_outlives_the_wait_for_its_first_token(void **state)
{
    counter_t counter = bucket_of(1, 30 * DAY, 1, 0);
    (void)state;
    assert_false(charge(&counter, NOON, 1));
    assert_true(counter.step.retry > NOON + 30 * DAY - tick_us(&counter.meter));
    assert_true(counter.step.retry <= NOON + 30 * DAY);
    assert_true(counter.step.expires > counter.step.retry);
}

/* ---- the largest numbers ---- */

static void the_largest_rates_and_sizes_do_not_wrap(void **state)
{
    static const int64_t periods[] = {SECOND, 30 * DAY};
    (void)state;
    for (int i = 0; i < 2; i++) {
        counter_t counter = full_bucket(UINT32_MAX, periods[i], UINT32_MAX);
        assert_true(charge(&counter, NOON, UINT32_MAX - 1));
        assert_false(charge(&counter, NOON, 2));
        assert_false(charge(&counter, NOON, UINT32_MAX));
        assert_true(counter.step.retry <= NOON + periods[i]);
        assert_retry_is_exact(&counter, NOON, UINT32_MAX);
        assert_true(charge(&counter, NOON, 1));
        assert_int_equal(counter.step.used, UINT32_MAX);
        assert_false(charge(&counter, NOON, 1));
        assert_true(charge(&counter, NOON, 0));
        assert_true(counter.step.reset == NOON + periods[i]);
    }
}

/* Microseconds in 63 bits last for 290,000 years; 2^32 months are longer. */
static void a_bucket_that_takes_ages_to_fill_has_a_far_reset(void **state)
{
    counter_t counter = full_bucket(1, 30 * DAY, UINT32_MAX);
    (void)state;
    assert_true(rl_meter_quota_us(&counter.meter) >= 25000 * DAY);
    drain(&counter, NOON);
    assert_false(charge(&counter, NOON, 1));
    assert_true(counter.step.retry <= NOON + 30 * DAY);
    assert_true(counter.step.retry >= NOON + 30 * DAY - tick_us(&counter.meter));
    assert_true(counter.step.reset > NOON + 25000 * DAY);
    assert_true(counter.step.reset <= INT64_C(4294967295) * SECOND);
    charge(&counter, NOON, UINT32_MAX);
    assert_true(counter.step.retry > NOON + 25000 * DAY);
}

/* The ledger takes an expiry over 400 days ahead for that of a clock which was set back since,
 * and gives the cell away: a bucket with years to fill would be full again at once. */
static void no_bucket_expires_later_than_a_cell_can_live(void **state)
{
    counter_t slow = full_bucket(1, DAY, 1000), empty = bucket_of(1, 30 * DAY, 1000, 0);
    (void)state;
    drain(&slow, NOON);
    charge(&empty, NOON, 1);
    assert_true(slow.step.expires > NOON + 390 * DAY && slow.step.expires < NOON + 400 * DAY);
    assert_true(empty.step.expires > NOON + 390 * DAY && empty.step.expires < NOON + 400 * DAY);
}

static void ticks_of_a_shareable_bucket_fit_47_bits_until_2100(void **state)
{
    const int64_t last = RL_TALLY_TIME_MAX - 1;
    unsigned shared = 0;
    uint64_t rng = 4;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        counter_t counter = counter_with(random_bucket(&rng));
        const bool shareable = rl_meter_is_shareable(&counter.meter);
        assert_true(charge(&counter, last, 0));
        assert_true(!shareable || counter.step.stamp < RL_TALLY_TICKS_MAX);
        drain(&counter, last);
        charge(&counter, last, 1);
        assert_true(!shareable || counter.words[0] < 2 * RL_TALLY_TICKS_MAX);
        assert_false(fits(&counter, last, 1));
        assert_true(fits(&counter, counter.step.retry, 1));
        shared += shareable;
    }
    assert_true(shared > 15000);
}

/* 34,305 a second is the most that a fleet can share: its tokens are ticks. */
static void too_fast_a_bucket_is_not_shareable_but_counts(void **state)
{
    const uint32_t most = (uint32_t)(RL_TALLY_TICKS_MAX / 4102444800u);
    counter_t shared = full_bucket(most, SECOND, 10);
    counter_t local = full_bucket(most + 1, SECOND, 10);
    (void)state;
    assert_int_equal(most, 34305);
    assert_true(rl_meter_is_shareable(&shared.meter));
    assert_int_equal(shared.meter.shift, 0);
    assert_false(rl_meter_is_shareable(&local.meter));
    drain(&local, NOON);
    charge(&local, NOON, 1);
    assert_retry_is_exact(&local, NOON, 1);
}

/* ---- clocks ---- */

static void a_clock_set_back_neither_drains_nor_refills(void **state)
{
    static const int64_t back[] = {1,    SECOND,   9 * SECOND, 61 * SECOND,
                                   HOUR, 10 * DAY, 300 * DAY};
    static const int64_t periods[] = {SECOND, 60 * SECOND, HOUR, 30 * DAY};
    (void)state;
    for (size_t p = 0; p < 4; p++) {
        for (size_t i = 0; i < sizeof(back) / sizeof(back[0]); i++) {
            counter_t counter = full_bucket(5, periods[p], 5);
            const int64_t then = NOON - back[i];
            drain(&counter, NOON);
            assert_false(charge(&counter, then, 1));
            assert_int_equal(counter.step.used, 5);
            assert_true(counter.step.retry <= then + periods[p] + 10 * SECOND);
            assert_true(fits(&counter, counter.step.retry, 1));
            assert_false(fits(&counter, counter.step.retry - 1, 1));
            assert_false(fits(&counter, counter.step.retry, 2));
        }
    }
}

static void nobody_waits_for_a_clock_to_catch_up(void **state)
{
    counter_t counter = full_bucket(5, SECOND, 5);
    (void)state;
    drain(&counter, NOON);
    assert_false(charge(&counter, NOON - HOUR, 1));
    assert_true(counter.step.retry == NOON - HOUR + SECOND / 5);
    assert_true(charge(&counter, NOON - HOUR + SECOND, 5));
    assert_false(charge(&counter, NOON - HOUR + SECOND, 1));
}

static void a_clock_that_was_years_ahead_is_forgotten(void **state)
{
    counter_t counter = full_bucket(2, HOUR, 2);
    (void)state;
    drain(&counter, NOON + 3000 * DAY);
    assert_true(charge(&counter, NOON, 1));
    assert_int_equal(counter.step.used, 1);
}

static void a_clock_that_jumps_ahead_finds_a_full_bucket(void **state)
{
    counter_t counter = full_bucket(2, HOUR, 2);
    (void)state;
    drain(&counter, NOON);
    drain(&counter, NOON + 3000 * DAY);
}

static void noise_is_hardly_ever_taken_for_a_count(void **state)
{
    unsigned misled = 0;
    uint64_t rng = 6;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        counter_t counter = counter_with(random_bucket(&rng));
        counter.words[0] = random_bits(&rng);
        counter.words[1] = random_bits(&rng);
        misled += !charge(&counter, NOON, 1);
        assert_true(counter.step.reset >= NOON);
        assert_true(counter.step.expires < NOON + 400 * DAY);
        assert_true(counter.step.used <= counter.meter.burst);
    }
    assert_true(misled <= 20);
}

/* ---- refunds, raise, clear ---- */

static void a_refund_gives_back_what_has_not_come_back_by_itself(void **state)
{
    counter_t counter = full_bucket(1, MINUTE, 4);
    uint64_t stamp;
    (void)state;
    assert_true(charge(&counter, NOON, 2));
    stamp = counter.step.stamp;
    refund(&counter, stamp, 2, NOON);
    assert_true(fits(&counter, NOON, 4));
    drain(&counter, NOON);
    stamp = counter.step.stamp;
    refund(&counter, stamp, 4, NOON + 3 * MINUTE);
    assert_true(fits(&counter, NOON + 3 * MINUTE, 4));
    assert_false(fits(&counter, NOON + 3 * MINUTE, 5));
}

static void a_refund_of_a_token_that_came_back_gives_nothing(void **state)
{
    counter_t counter = full_bucket(1, MINUTE, 4);
    uint64_t stamp;
    (void)state;
    assert_true(charge(&counter, NOON, 1));
    stamp = counter.step.stamp;
    assert_true(charge(&counter, NOON + 30 * SECOND, 3));
    refund(&counter, stamp, 1, NOON + MINUTE);
    assert_false(fits(&counter, NOON + MINUTE, 2));
    assert_true(charge(&counter, NOON + MINUTE, 1));
    refund(&counter, stamp, 1, NOON + 10 * MINUTE);
    assert_true(fits(&counter, NOON + 10 * MINUTE, 4));
}

static void a_refund_never_makes_a_bucket_hold_more_than_its_size(void **state)
{
    counter_t counter = full_bucket(1, MINUTE, 4), fresh = counter;
    (void)state;
    assert_true(charge(&counter, NOON, 2));
    refund(&counter, counter.step.stamp, 4, NOON);
    refund(&counter, UINT64_MAX, UINT32_MAX, NOON);
    assert_false(fits(&counter, NOON, 5));
    drain(&counter, NOON);
    refund(&fresh, UINT64_MAX, 4, NOON);
    assert_true(fresh.words[0] == 0);
    drain(&fresh, NOON);
}

/* Of twenty charges all but a few are given back at once, and those when they have drained. */
static void late_refunds_let_through_at_most_half_a_bucket_more(void **state)
{
    uint32_t most = 0;
    (void)state;
    for (uint32_t late = 0; late <= 20; late++) {
        counter_t counter = full_bucket(1, SECOND, 20);
        const int64_t then = NOON + late * SECOND;
        uint64_t stamps[20];
        uint32_t kept = 0;
        for (uint32_t i = 0; i < 20; i++) {
            assert_true(charge(&counter, NOON, 1));
            stamps[i] = counter.step.stamp;
        }
        for (uint32_t i = 0; i < 20; i++) {
            if (i == 20 - late) {
                for (; charge(&counter, then, 1); kept++) {
                }
            }
            refund(&counter, stamps[i], 1, i < 20 - late ? NOON : then);
        }
        for (; charge(&counter, then, 1); kept++) {
        }
        most = kept > most ? kept : most;
    }
    assert_int_equal(most, 30);
}

static void a_raise_moves_the_time_forward_only(void **state)
{
    counter_t counter = full_bucket(1, MINUTE, 4), other = counter;
    (void)state;
    drain(&other, NOON);
    assert_true(charge(&counter, NOON, 1));
    raise_to(&counter, 0, other.words[0]);
    assert_false(charge(&counter, NOON, 1));
    assert_true(counter.step.retry == NOON + MINUTE);
    raise_to(&counter, 0, other.words[0] - 1);
    assert_true(counter.words[0] == other.words[0]);
}

static void clearing_fills_a_bucket(void **state)
{
    counter_t counter = full_bucket(1, MINUTE, 4), slow = bucket_of(1, MINUTE, 4, 1);
    uint64_t stamp;
    (void)state;
    drain(&counter, NOON);
    stamp = counter.step.stamp;
    clear(&counter, NOON);
    refund(&counter, stamp, 4, NOON);
    assert_int_equal(used_at(&counter, NOON), 0);
    drain(&counter, NOON);
    assert_true(charge(&slow, NOON, 1));
    clear(&slow, NOON);
    assert_true(fits(&slow, NOON, 4));
    assert_false(fits(&slow, NOON, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_fits_and_the_next_unit_does_not),
        cmocka_unit_test(a_cost_fits_exactly_or_not_at_all),
        cmocka_unit_test(a_cost_above_the_burst_is_denied_for_a_period_at_a_time),
        cmocka_unit_test(a_cost_of_zero_is_free_but_a_limit_of_zero_denies_it),
        cmocka_unit_test(a_limit_of_zero_survives_every_transition),
        cmocka_unit_test(a_bucket_without_a_size_grants_only_what_is_free),
        cmocka_unit_test(denials_neither_use_tokens_nor_delay_them),
        cmocka_unit_test(a_token_comes_at_its_microsecond),
        cmocka_unit_test(retry_is_exactly_the_earliest_time_at_any_rate),
        cmocka_unit_test(a_token_is_at_most_a_tick_early_and_never_late),
        cmocka_unit_test(reset_is_when_the_bucket_is_full),
        cmocka_unit_test(the_next_token_comes_when_it_says),
        cmocka_unit_test(an_empty_bucket_says_one_time),
        cmocka_unit_test(a_full_bucket_is_reset_now),
        cmocka_unit_test(a_new_bucket_holds_its_initial_tokens),
        cmocka_unit_test(an_empty_new_bucket_fills_from_its_first_denial),
        cmocka_unit_test(a_bucket_outlives_the_wait_for_its_first_token),
        cmocka_unit_test(the_largest_rates_and_sizes_do_not_wrap),
        cmocka_unit_test(a_bucket_that_takes_ages_to_fill_has_a_far_reset),
        cmocka_unit_test(no_bucket_expires_later_than_a_cell_can_live),
        cmocka_unit_test(ticks_of_a_shareable_bucket_fit_47_bits_until_2100),
        cmocka_unit_test(too_fast_a_bucket_is_not_shareable_but_counts),
        cmocka_unit_test(a_clock_set_back_neither_drains_nor_refills),
        cmocka_unit_test(nobody_waits_for_a_clock_to_catch_up),
        cmocka_unit_test(a_clock_that_was_years_ahead_is_forgotten),
        cmocka_unit_test(a_clock_that_jumps_ahead_finds_a_full_bucket),
        cmocka_unit_test(noise_is_hardly_ever_taken_for_a_count),
        cmocka_unit_test(a_refund_gives_back_what_has_not_come_back_by_itself),
        cmocka_unit_test(a_refund_of_a_token_that_came_back_gives_nothing),
        cmocka_unit_test(a_refund_never_makes_a_bucket_hold_more_than_its_size),
        cmocka_unit_test(late_refunds_let_through_at_most_half_a_bucket_more),
        cmocka_unit_test(a_raise_moves_the_time_forward_only),
        cmocka_unit_test(clearing_fills_a_bucket),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
