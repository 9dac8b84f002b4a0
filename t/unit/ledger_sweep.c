/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/sweep: what a table keeps that outlived its server, and what it doesn't believe. And
 * the format of the table, which files rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/place.h"
#include "ledger/ledger.h"
#include "ledger/life.h"
#include "ledger/sweep.h"
#include "support.h"

#define SECOND  RL_USEC_PER_SEC
#define HOUR    (3600 * SECOND)
#define DAY     (24 * HOUR)
#define NOON    (INT64_C(1700049600) * SECOND)
#define SIZE    ((size_t)1 << 20)
#define CELLS   (SIZE / RL_LEDGER_CELL_BYTES)
#define TENANTS 12

static rl_ledger_t ledger;
static rl_cell_t *cells;

static int open_table(void **state)
{
    (void)state;
    cells = aligned_alloc(RL_LEDGER_CELL_BYTES, SIZE);
    assert_non_null(cells);
    memset(cells, 0, SIZE);
    rl_ledger_open_divided(&ledger, cells, SIZE, TENANTS);
    return 0;
}

static int close_table(void **state)
{
    (void)state;
    free(cells);
    return 0;
}

static rl_sweep_t sweep(int64_t now)
{
    rl_sweep_t found;
    rl_ledger_sweep(&ledger, now, &found);
    return found;
}

static rl_digest_t server_key(uint64_t n)
{
    const rl_digest_t key = random_digest(&n);
    return rl_ledger_key(&key, (unsigned)n % RL_RULE_NUMBERS);
}

static rl_digest_t tenants_key(uint64_t n)
{
    const rl_digest_t key = random_digest(&n);
    return rl_ledger_key(&key, RL_RULE_TENANT | (unsigned)n % RL_RULE_NUMBERS);
}

static bool charge(rl_digest_t key, rl_meter_t meter, int64_t now, uint32_t cost)
{
    rl_step_t step;
    rl_ledger_charge(&ledger, OP(&key, &meter, now, cost), &step);
    return step.granted;
}

static uint32_t used(rl_digest_t key, rl_meter_t meter, int64_t now)
{
    rl_step_t step;
    rl_ledger_peek(&ledger, OP(&key, &meter, now, 0), &step);
    return step.used;
}

static rl_cell_t *cell_of(rl_digest_t key)
{
    return place_find(&ledger, &key).cell;
}

/* ---- what is kept ---- */

static void what_servers_leave_is_kept(void **state)
{
    const rl_meter_t window = fixed_window(10, 30 * DAY);
    const rl_meter_t bucket = token_bucket(10, 30 * DAY, 10);
    rl_sweep_t found;
    (void)state;
    for (uint64_t n = 0; n < 1000; n++) {
        const uint32_t units = 1 + (uint32_t)n % 10;
        charge(n % 10 == 0 ? tenants_key(n) : server_key(n), n % 2 == 0 ? window : bucket, NOON,
               units);
    }
    found = sweep(NOON + SECOND);
    assert_int_equal(found.kept, 1000);
    assert_int_equal(found.expired + found.damaged, 0);
    for (uint64_t n = 0; n < 1000; n++) {
        const rl_digest_t key = n % 10 == 0 ? tenants_key(n) : server_key(n);
        assert_int_equal(used(key, n % 2 == 0 ? window : bucket, NOON), 1 + n % 10);
    }
}

static void an_empty_table_is_sound(void **state)
{
    const rl_sweep_t found = sweep(NOON);
    (void)state;
    assert_int_equal(found.kept + found.expired + found.damaged, 0);
}

/* A process was killed after it had written the life, before it could move the id's guard. */
static void a_life_that_is_a_guard_ahead_is_sound(void **state)
{
    const rl_meter_t window = fixed_window(10, DAY);
    const rl_digest_t key = server_key(1);
    rl_cell_t *cell;
    (void)state;
    charge(key, window, NOON, 3);
    cell = cell_of(key);
    for (int i = 0; i < 200; i++) { /* the guard has 7 bits: it wraps */
        const uint64_t guard = (cell->id + GUARD_ONE) & GUARD;
        cell->life = (cell->life & ~GUARD) | guard;
        assert_int_equal(sweep(NOON).kept, 1);
        cell->id = (cell->id & ~GUARD) | guard;
        assert_int_equal(sweep(NOON).kept, 1);
    }
    assert_int_equal(used(key, window, NOON), 3);
}

/* ---- what is freed ---- */

static void what_has_expired_is_freed(void **state)
{
    const rl_meter_t brief = fixed_window(10, HOUR), longer = fixed_window(10, 30 * DAY);
    rl_sweep_t found;
    (void)state;
    charge(server_key(1), brief, NOON, 1);
    charge(server_key(2), longer, NOON, 2);
    found = sweep(NOON + 2 * HOUR);
    assert_int_equal(found.kept, 1);
    assert_int_equal(found.expired, 1);
    assert_null(cell_of(server_key(1)));
    assert_int_equal(used(server_key(2), longer, NOON), 2);
}

static void without_a_clock_nothing_expires(void **state)
{
    const rl_meter_t brief = fixed_window(10, HOUR);
    (void)state;
    charge(server_key(1), brief, NOON, 1);
    assert_int_equal(sweep(0).kept, 1);
    assert_int_equal(used(server_key(1), brief, NOON), 1);
}

/* Spoils the cell of a key, and asserts that it is freed, wiped, and good for another. */
static void freed_after(void (*spoil)(rl_cell_t *cell))
{
    const rl_meter_t window = fixed_window(10, DAY);
    const rl_digest_t key = server_key(5);
    rl_sweep_t found;
    rl_cell_t *cell;
    memset(cells, 0, SIZE);
    charge(key, window, NOON, 10);
    cell = cell_of(key);
    spoil(cell);
    found = sweep(NOON);
    assert_int_equal(found.damaged, 1);
    assert_int_equal(found.kept, 0);
    assert_int_equal(cell->id & TAG, 0);
    assert_int_not_equal(cell->id, ID_UNUSED);
    assert_int_equal(cell->word[0] | cell->word[1] | cell->denials | cell->note[0], 0);
    assert_true(charge(key, window, NOON, 10));
    assert_false(charge(key, window, NOON, 1));
    assert_ptr_equal(cell_of(key), cell);
    assert_int_equal(sweep(NOON).kept, 1);
}

static void make_bid(rl_cell_t *cell)
{
    cell->id |= BID;
}

static void change_generation(rl_cell_t *cell)
{
    cell->life ^= GEN_ONE;
}

static void change_guard(rl_cell_t *cell)
{
    cell->life = (cell->life & ~GUARD) | ((cell->life + 2 * GUARD_ONE) & GUARD);
}

static void fall_a_guard_behind(rl_cell_t *cell)
{
    cell->life = (cell->life & ~GUARD) | ((cell->life - GUARD_ONE) & GUARD);
}

static void lose_its_life(rl_cell_t *cell)
{
    cell->life = UINT64_MAX;
}

static void what_is_not_sound_is_freed(void **state)
{
    (void)state;
    freed_after(make_bid);
    freed_after(change_generation);
    freed_after(change_guard);
    freed_after(fall_a_guard_behind);
    freed_after(lose_its_life);
}

static void a_cell_outside_its_share_is_freed(void **state)
{
    const rl_meter_t window = fixed_window(10, DAY);
    (void)state;
    for (uint64_t n = 0; n < 100; n++) {
        charge(server_key(n), window, NOON, 1);
    }
    memcpy(&cells[0], cell_of(server_key(1)), sizeof(cells[0])); /* where tenants alone are */
    memset(&cells[CELLS - GROUP_CELLS * 16], 0, sizeof(cells[0]));
    charge(tenants_key(1), window, NOON, 1);
    memcpy(&cells[CELLS / 2], cell_of(tenants_key(1)), sizeof(cells[0]));
    assert_int_equal(sweep(NOON).damaged, 2);
    assert_int_equal(used(server_key(1), window, NOON), 1);
    assert_int_equal(used(tenants_key(1), window, NOON), 1);
}

/* A freed cell doesn't end searches: what stands after it on its path is found. */
static void keys_after_a_freed_cell_are_found(void **state)
{
    rl_meter_t window = fixed_window(10, DAY), brief = fixed_window(10, HOUR);
    const unsigned many = CELLS / 2;
    (void)state;
    window.aligned = true;
    for (uint64_t n = 0; n < many; n++) {
        charge(server_key(n), n % 2 == 0 ? brief : window, NOON, 5);
    }
    sweep(NOON + 2 * HOUR);
    for (uint64_t n = 1; n < many; n += 2) {
        assert_int_equal(used(server_key(n), window, NOON), 5);
    }
}

static void what_stands_in_an_unused_cell_is_wiped(void **state)
{
    (void)state;
    cells[100].life = 77;
    cells[200].word[1] = 1;
    assert_int_equal(sweep(NOON).damaged, 2);
    assert_int_equal(cells[100].life | cells[200].word[1], 0);
    assert_int_equal(sweep(NOON).damaged, 0);
}

/* Noise passes as a counter once in 100,000 cells or so, and whatever is there, the table
 * works: each key is granted its limit once more at most. */
static void of_noise_nearly_nothing_is_kept(void **state)
{
    const rl_meter_t window = fixed_window(3, DAY), bucket = token_bucket(3, DAY, 3);
    uint64_t seed = 8, kept = 0;
    (void)state;
    for (int round = 0; round < 20; round++) {
        uint64_t *words = (uint64_t *)(void *)cells;
        for (size_t i = 0; i < SIZE / sizeof(uint64_t); i++) {
            words[i] = random_bits(&seed);
        }
        kept += sweep(NOON).kept;
    }
    assert_true(kept < 20);
    for (uint64_t n = 0; n < 2000; n++) {
        const rl_meter_t meter = n % 2 == 0 ? window : bucket;
        const rl_digest_t key = n % 5 == 0 ? tenants_key(n) : server_key(n);
        assert_true(charge(key, meter, NOON, 3));
        assert_false(charge(key, meter, NOON, 1));
    }
}

/* Cells that were copied over others, as if blocks of several times were mixed: no key has more
 * units than it ever had, nor is it ever granted more than its limit. */
static void mixed_times_add_no_units(void **state)
{
    const rl_meter_t window = fixed_window(9, 30 * DAY);
    uint64_t seed = 5;
    (void)state;
    for (uint64_t n = 0; n < 3000; n++) {
        charge(server_key(n), window, NOON, 1 + (uint32_t)n % 9);
    }
    for (int i = 0; i < 20000; i++) {
        memcpy(&cells[random_below(&seed, CELLS / 8) * 8],
               &cells[random_below(&seed, CELLS / 8) * 8], 8 * sizeof(cells[0]));
    }
    sweep(NOON + SECOND);
    for (uint64_t n = 0; n < 3000; n++) {
        uint32_t granted = 0;
        assert_true(used(server_key(n), window, NOON + SECOND) <= 1 + n % 9);
        while (granted < 20 && charge(server_key(n), window, NOON + SECOND, 1)) {
            granted++;
        }
        assert_true(granted <= 9);
    }
}

/* ---- two cells, and gaps ---- */

/* Returns the nth cell of the key's path, from 0. */
static rl_cell_t *on_path(rl_digest_t key, unsigned n)
{
    rl_path_t path;
    path_begin(&path, &ledger, &key);
    while (n-- > 0) {
        path_next(&path);
    }
    return path_next(&path);
}

/* Has another key take the nth cell of the key's path. */
static void give_away(rl_digest_t key, unsigned n)
{
    const rl_digest_t other = server_key(1000 + n);
    charge(other, fixed_window(10, 30 * DAY), NOON, 10);
    memcpy(on_path(key, n), cell_of(other), sizeof(cells[0]));
    memset(cell_of(other), 0, sizeof(cells[0]));
}

/* Has the key use so many units, and then moves its cell to the nth of its path; the first ones
 * read as if they never had been in use. */
static void leave_after_gaps(rl_digest_t key, uint32_t units, unsigned n)
{
    charge(key, fixed_window(10, 30 * DAY), NOON, units);
    memcpy(on_path(key, n), cell_of(key), sizeof(cells[0]));
    for (unsigned i = 0; i < n; i++) {
        memset(on_path(key, i), 0, sizeof(cells[0]));
    }
    assert_int_equal(sweep(NOON).damaged, 0);
}

static uint32_t granted_until_denied(rl_digest_t key, int64_t now)
{
    uint32_t granted = 0;
    while (granted < 100 && charge(key, fixed_window(10, 30 * DAY), now, 1)) {
        granted++;
    }
    return granted;
}

/* The key has the whole limit in each period to come. */
static void is_well_later(rl_digest_t key)
{
    for (int i = 1; i < 5; i++) {
        assert_int_equal(granted_until_denied(key, NOON + i * 30 * DAY), 10);
        assert_int_equal(granted_until_denied(key, NOON + i * 30 * DAY), 0);
    }
}

static void of_two_cells_the_first_counts_and_then_the_other(void **state)
{
    const rl_meter_t window = fixed_window(10, 30 * DAY);
    const rl_digest_t key = server_key(1);
    (void)state;
    charge(key, window, NOON, 4);
    memcpy(on_path(key, 5), cell_of(key), sizeof(cells[0]));
    for (unsigned i = 1; i < 5; i++) {
        give_away(key, i);
    }
    charge(key, window, NOON, 3);
    assert_int_equal(sweep(NOON).kept, 6);
    assert_int_equal(granted_until_denied(key, NOON), 3);
    give_away(key, 0);
    assert_int_equal(used(key, window, NOON), 4);
    assert_int_equal(granted_until_denied(key, NOON), 6);
    assert_ptr_equal(cell_of(key), on_path(key, 5));
    is_well_later(key);
    assert_ptr_equal(cell_of(key), on_path(key, 5));
}

static void a_key_that_takes_the_gap_before_it_goes_on_where_it_was(void **state)
{
    const rl_digest_t key = server_key(1);
    (void)state;
    leave_after_gaps(key, 4, 9);
    for (unsigned i = 0; i < 8; i++) {
        give_away(key, i);
    }
    assert_int_equal(used(key, fixed_window(10, 30 * DAY), NOON), 0);
    assert_int_equal(granted_until_denied(key, NOON), 6);
    assert_ptr_equal(cell_of(key), on_path(key, 9));
    is_well_later(key);
    assert_ptr_equal(cell_of(key), on_path(key, 9));
}

static void a_key_goes_on_when_another_takes_the_gap_before_it(void **state)
{
    const rl_digest_t key = server_key(1);
    (void)state;
    leave_after_gaps(key, 4, 2);
    give_away(key, 0);
    assert_int_equal(used(key, fixed_window(10, 30 * DAY), NOON), 0);
    give_away(key, 1);
    assert_int_equal(used(key, fixed_window(10, 30 * DAY), NOON), 4);
    assert_int_equal(granted_until_denied(key, NOON), 6);
    is_well_later(key);
}

static void a_key_that_takes_a_cell_before_a_gap_starts_anew_once(void **state)
{
    const rl_digest_t key = server_key(1);
    (void)state;
    leave_after_gaps(key, 4, 2);
    assert_int_equal(granted_until_denied(key, NOON), 10);
    assert_ptr_equal(cell_of(key), on_path(key, 0));
    give_away(key, 1);
    assert_int_equal(granted_until_denied(key, NOON), 0);
    is_well_later(key);
    assert_ptr_equal(cell_of(key), on_path(key, 0));
}

/* ---- the format ---- */

static uint64_t mixed_in(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * UINT64_C(0xff51afd7ed558ccd) ^ sum >> 29;
}

static uint64_t sum_of_table(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < CELLS; i++) {
        sum = mixed_in(sum, cells[i].id);
        for (int w = 0; w < RL_METER_WORDS; w++) {
            sum = mixed_in(sum, cells[i].word[w]);
        }
        sum = mixed_in(sum, cells[i].life);
        sum = mixed_in(sum, cells[i].denials);
    }
    return sum;
}

/* One table after some of everything. Where the sum changes, the files of earlier versions mean
 * something else now: raise FORMAT in ledger/sweep.c, and then write the new sum here. */
static void the_format_is_that_of_the_files(void **state)
{
    rl_meter_t sliding = fixed_window(100, HOUR), first = fixed_window(100, HOUR), penalty;
    rl_meter_t window = fixed_window(100, HOUR);
    const rl_meter_t bucket = token_bucket(100, HOUR, 50);
    (void)state;
    sliding.algorithm = RL_SLIDING_WINDOW;
    first.algorithm = RL_FIRST_WINDOW;
    window.penalty_us = 2 * HOUR;
    window.double_us = DAY;
    penalty = rl_meter_penalty(&window, HOUR);
    for (uint64_t n = 0; n < 500; n++) {
        const rl_meter_t *meters[] = {&window, &sliding, &first, &bucket, &penalty};
        const rl_digest_t key = n % 7 == 0 ? tenants_key(n) : server_key(n);
        const rl_meter_t *meter = meters[n % 5];
        const uint32_t cost = meter == &penalty ? 1 : 1 + (uint32_t)n % 40;
        rl_step_t step;
        uint32_t repeats;
        charge(key, *meter, NOON, cost);
        charge(key, *meter, NOON + HOUR, cost);
        rl_ledger_charge(&ledger, OP(&key, meter, NOON + HOUR + SECOND, cost), &step);
        rl_ledger_count_denial(&ledger, OP(&key, meter, NOON + HOUR, 1), &step, &repeats);
    }
    assert_int_equal(sum_of_table(), UINT64_C(0x2574f6503697456c));
    assert_int_equal(rl_ledger_layout(), UINT64_C(0x767ac0b7b42fc007));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_servers_leave_is_kept),
        TEST(an_empty_table_is_sound),
        TEST(a_life_that_is_a_guard_ahead_is_sound),
        TEST(what_has_expired_is_freed),
        TEST(without_a_clock_nothing_expires),
        TEST(what_is_not_sound_is_freed),
        TEST(a_cell_outside_its_share_is_freed),
        TEST(keys_after_a_freed_cell_are_found),
        TEST(what_stands_in_an_unused_cell_is_wiped),
        TEST(of_noise_nearly_nothing_is_kept),
        TEST(mixed_times_add_no_units),
        TEST(of_two_cells_the_first_counts_and_then_the_other),
        TEST(a_key_that_takes_the_gap_before_it_goes_on_where_it_was),
        TEST(a_key_goes_on_when_another_takes_the_gap_before_it),
        TEST(a_key_that_takes_a_cell_before_a_gap_starts_anew_once),
        TEST(the_format_is_that_of_the_files),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
