/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/evict: what a full table keeps while a flood of new keys comes in. The clock is
 * injected, so that a minute of a flood takes a second or two. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "support.h"

#define MILLISECOND (RL_USEC_PER_SEC / 1000)
#define SECOND      RL_USEC_PER_SEC
#define MINUTE      (60 * SECOND)
#define DAY         (1440 * MINUTE)
#define NOON        (INT64_C(1700049600) * SECOND)

#define TENANTS 12 /* percent of the table: RateLimitStore's default */

static rl_ledger_t ledger;
static void *memory;
static size_t memory_size;

static void open_ledger(size_t size)
{
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memory_size = size;
    rl_ledger_open_divided(&ledger, memory, size, TENANTS);
}

static void close_ledger(void)
{
    munmap(memory, memory_size);
}

/* ---- keys ---- */

/* A rule as the ledger sees it. */
typedef struct rule {
    unsigned number;
    rl_meter_t meter;
} rule_t;

static rl_operation_t operation(const rule_t *rule, uint64_t key, int64_t now, uint32_t cost)
{
    uint64_t rng = key * 1000003 + rule->number;
    const rl_digest_t digest = random_digest(&rng);
    return (rl_operation_t){.key = digest,
                            .ledger_key = rl_ledger_key(&digest, rule->number),
                            .meter = rule->meter,
                            .now = now,
                            .cost = cost,
                            .rule = (uint8_t)rule->number};
}

static bool ask(const rule_t *rule, uint64_t key, int64_t now)
{
    const rl_operation_t op = operation(rule, key, now, 1);
    rl_step_t step;
    rl_ledger_charge(&ledger, &op, &step);
    return step.granted;
}

static uint32_t used(const rule_t *rule, uint64_t key, int64_t now)
{
    const rl_operation_t op = operation(rule, key, now, 0);
    rl_step_t step;
    rl_ledger_peek(&ledger, &op, &step);
    return step.used;
}

/* Of the keys from `from` on, how many of n are known. */
static uint64_t known(const rule_t *rule, uint64_t from, uint64_t n, int64_t now)
{
    uint64_t sum = 0;
    for (uint64_t key = from; key < from + n; key++) {
        sum += used(rule, key, now) > 0;
    }
    return sum;
}

/* ---- limits that hold ---- */

/* A flood of new keys, and somebody who tries one key again and again meanwhile. */
typedef struct flood {
    rule_t rule, tried;
    unsigned asks;  /* of each key of the flood */
    int64_t every;  /* microseconds between two tries */
    int64_t lasts;  /* microseconds */
    uint64_t rate;  /* requests of the flood in a second */
    uint64_t asked; /* requests of the flood so far */
} flood_t;

#define TRIED 1
#define NEW   1000 /* the first key of a flood */

static void flood_for(flood_t *flood, uint64_t requests, int64_t now)
{
    for (uint64_t end = flood->asked + requests; flood->asked < end; flood->asked++) {
        ask(&flood->rule, NEW + flood->asked / flood->asks, now);
    }
}

/* Returns how many tries were admitted. The flood has filled the table before. */
static unsigned admitted(flood_t *flood)
{
    unsigned admitted = 0;
    int64_t next = NOON;
    flood_for(flood, 2 * flood->asks * rl_ledger_capacity(&ledger), NOON);
    for (int64_t now = NOON; now < NOON + flood->lasts; now += MILLISECOND) {
        flood_for(flood, flood->rate / 1000, now);
        if (now >= next) {
            admitted += ask(&flood->tried, TRIED, now);
            next += flood->every;
        }
    }
    return admitted;
}

static rule_t minute_rule(unsigned number)
{
    return (rule_t){number, fixed_window(10, MINUTE)};
}

static rule_t day_rule(unsigned number)
{
    return (rule_t){number, fixed_window(100, DAY)};
}

static unsigned admitted_in_a_minute(size_t size, rule_t rule, unsigned asks)
{
    flood_t flood = {.rule = rule,
                     .tried = minute_rule(1),
                     .asks = asks,
                     .every = 205 * MILLISECOND,
                     .lasts = MINUTE,
                     .rate = 17000};
    unsigned n;
    open_ledger(size);
    n = admitted(&flood);
    close_ledger();
    return n;
}

/* By soonest expiry, 133 tries of 133 were admitted in a minute. */
static void keys_that_come_once_switch_no_limit_off(void **state)
{
    (void)state;
    for (size_t size = RL_LEDGER_SIZE_MIN; size <= 1 << 20; size *= 16) {
        assert_in_range(admitted_in_a_minute(size, day_rule(2), 1), 10, 20);
    }
}

static void keys_that_are_asked_for_twice_switch_no_limit_off(void **state)
{
    (void)state;
    for (size_t size = RL_LEDGER_SIZE_MIN; size <= 1 << 20; size *= 16) {
        assert_in_range(admitted_in_a_minute(size, day_rule(2), 2), 10, 20);
    }
}

static void keys_that_are_driven_to_their_limit_switch_no_limit_off(void **state)
{
    const rule_t once = {2, fixed_window(1, 30 * DAY)};
    (void)state;
    for (size_t size = RL_LEDGER_SIZE_MIN; size <= 1 << 20; size *= 16) {
        assert_in_range(admitted_in_a_minute(size, once, 1), 10, 20);
    }
}

/* Keys of the same rule: the key that is tried stands out by nothing but by being tried. */
static void keys_of_the_same_rule_switch_it_off_only_by_more_than_the_table_holds(void **state)
{
    const rule_t login = {1, fixed_window(5, 15 * MINUTE)};
    flood_t flood = {
        .rule = login, .tried = login, .every = 2 * SECOND, .lasts = 5 * MINUTE, .rate = 4000};
    (void)state;
    for (flood.asks = 1; flood.asks <= 5; flood.asks += 2, flood.asked = 0) {
        open_ledger(1 << 20);
        assert_int_equal(admitted(&flood), 5);
        close_ledger();
    }
}

/* ---- what is kept ---- */

static void as_many_keys_as_cells_are_kept_but_for_two_in_a_hundred(void **state)
{
    const rule_t rule = day_rule(1);
    (void)state;
    for (size_t size = RL_LEDGER_SIZE_MIN; size <= 4 << 20; size *= 8) {
        const uint64_t cells = size / 64;
        open_ledger(size);
        for (uint64_t key = 0; key < cells; key++) {
            ask(&rule, key, NOON);
        }
        assert_true(known(&rule, 0, cells, NOON) * 100 >= cells * 98);
        close_ledger();
    }
}

static void a_flood_of_any_kind_leaves_the_other_kinds_an_eighth_each(void **state)
{
    const rule_t rule = day_rule(1), flood = {1, fixed_window(1, 30 * DAY)};
    uint64_t cells, share;
    (void)state;
    open_ledger(1 << 20);
    cells = rl_ledger_capacity(&ledger);
    share = cells / 20;
    for (uint64_t key = 0; key < share; key++) {
        ask(&rule, key, NOON);
        ask(&rule, key, NOON);
        ask(&rule, share + key, NOON);
    }
    for (uint64_t key = 0; key < 10 * cells; key++) {
        ask(&flood, NEW + share * 2 + key, NOON + MINUTE);
    }
    /* a path in some hundred has more of a kind than an eighth, by chance */
    assert_true(known(&rule, 0, share, NOON + MINUTE) * 100 >= share * 75);
    assert_true(known(&rule, share, share, NOON + MINUTE) * 100 >= share * 75);
    close_ledger();
}

static void a_flood_under_one_rule_takes_its_share_and_then_its_own_cells(void **state)
{
    const rule_t rule = day_rule(1), flood = day_rule(2);
    uint64_t some;
    (void)state;
    open_ledger(1 << 20);
    some = rl_ledger_capacity(&ledger) / 3;
    for (uint64_t key = 0; key < some; key++) {
        ask(&rule, key, NOON);
    }
    for (uint64_t key = 0; key < 30 * some; key++) {
        ask(&flood, key, NOON + MINUTE);
    }
    assert_true(known(&rule, 0, some, NOON + MINUTE) * 100 >= some * 90);
    close_ledger();
}

/* ---- against exact least recently used, of as many cells ---- */

typedef struct lru {
    uint32_t room, n;
    uint32_t first, last;    /* the latest used, and the one longest ago; 0: none */
    uint32_t *newer, *older; /* by key; a key that is in has itself as a mark in `in` */
    bool *in;
} lru_t;

static void lru_open(lru_t *lru, uint32_t room, size_t keys)
{
    *lru = (lru_t){.room = room,
                   .newer = calloc(keys, sizeof(uint32_t)),
                   .older = calloc(keys, sizeof(uint32_t)),
                   .in = calloc(keys, sizeof(bool))};
}

static void lru_close(lru_t *lru)
{
    free(lru->newer);
    free(lru->older);
    free(lru->in);
}

static void lru_remove(lru_t *lru, uint32_t key)
{
    *(lru->newer[key] != 0 ? &lru->older[lru->newer[key]] : &lru->first) = lru->older[key];
    *(lru->older[key] != 0 ? &lru->newer[lru->older[key]] : &lru->last) = lru->newer[key];
    lru->in[key] = false;
    lru->n--;
}

static void lru_ask(lru_t *lru, uint32_t key)
{
    if (lru->in[key]) {
        lru_remove(lru, key);
    }
    else if (lru->n == lru->room) {
        lru_remove(lru, lru->last);
    }
    lru->newer[key] = 0;
    lru->older[key] = lru->first;
    *(lru->first != 0 ? &lru->newer[lru->first] : &lru->last) = key;
    lru->first = key;
    lru->in[key] = true;
    lru->n++;
}

#define POPULAR  20000u /* keys that are asked for again, the n-th as often as 1/n^0.9 */
#define REQUESTS 400000u
#define TOP      1000u

static double weights[POPULAR + 1]; /* of the keys up to each */

static void weigh_keys(void)
{
    for (uint32_t key = 1; key <= POPULAR; key++) {
        weights[key] = weights[key - 1] + 1 / pow(key, 0.9);
    }
}

static uint32_t draw_key(uint64_t *rng)
{
    const double at = (double)(random_bits(rng) >> 11) * 0x1p-53 * weights[POPULAR];
    uint32_t low = 1, high = POPULAR;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        *(weights[middle] < at ? &low : &high) = weights[middle] < at ? middle + 1 : middle;
    }
    return low;
}

/* Of each hundred requests `flood` are for keys that come once, all under one rule. Tells how
 * many of the TOP keys are kept at the end. */
static void compare_with_lru(unsigned flood, uint32_t *kept, uint32_t *by_lru)
{
    const rule_t rule = {1, fixed_window(1000000, DAY)};
    uint64_t rng = 7;
    uint32_t once = POPULAR;
    lru_t lru;
    open_ledger(256 << 10);
    lru_open(&lru, (uint32_t)rl_ledger_capacity(&ledger), POPULAR + REQUESTS + 1);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        const uint32_t key = random_below(&rng, 100) < flood ? ++once : draw_key(&rng);
        ask(&rule, key, NOON + i * MILLISECOND);
        lru_ask(&lru, key);
    }
    *kept = *by_lru = 0;
    for (uint32_t key = 1; key <= TOP; key++) {
        *kept += used(&rule, key, NOON + REQUESTS * MILLISECOND) > 0;
        *by_lru += lru.in[key];
    }
    print_message("# flood of %u %%: of the %u keys asked for most, %u are kept, by exact LRU "
                  "%u\n",
                  flood, TOP, *kept, *by_lru);
    lru_close(&lru);
    close_ledger();
}

static void what_is_asked_for_most_is_kept_better_than_by_exact_lru(void **state)
{
    uint32_t kept, by_lru, without;
    (void)state;
    weigh_keys();
    compare_with_lru(0, &without, &by_lru);
    assert_true(without >= by_lru);
    compare_with_lru(60, &kept, &by_lru);
    assert_true(kept >= by_lru && kept * 100 >= without * 90);
    compare_with_lru(90, &kept, &by_lru);
    assert_true(kept >= by_lru * 3 / 2);
}

/* ---- tenants ---- */

static const unsigned tenants_number = RL_RULE_TENANT + 3;

static rule_t tenants_rule(uint32_t limit)
{
    return (rule_t){tenants_number, fixed_window(limit, 30 * DAY)};
}

static void tenants_take_no_cell_from_the_server(void **state)
{
    const rule_t server = day_rule(1), tenant = tenants_rule(1);
    uint64_t cells, before;
    (void)state;
    open_ledger(1 << 20);
    cells = rl_ledger_capacity(&ledger);
    for (uint64_t key = 0; key < cells; key++) {
        ask(&server, key, NOON);
    }
    before = known(&server, 0, cells, NOON);
    for (uint64_t key = 0; key < 3 * cells; key++) {
        ask(&tenant, key, NOON);
    }
    assert_int_equal(known(&server, 0, cells, NOON), before);
    close_ledger();
}

static void tenants_take_their_share_of_an_empty_table_and_no_more(void **state)
{
    const rule_t tenant = tenants_rule(1);
    uint64_t cells, kept;
    (void)state;
    open_ledger(1 << 20);
    cells = rl_ledger_capacity(&ledger);
    for (uint64_t key = 0; key < 3 * cells; key++) {
        ask(&tenant, key, NOON);
    }
    kept = known(&tenant, 0, 3 * cells, NOON);
    assert_true(kept <= rl_ledger_tenants_capacity(&ledger));
    assert_true(kept * 100 >= rl_ledger_tenants_capacity(&ledger) * 99);
    assert_in_range(kept * 100 / cells, TENANTS - 1, TENANTS);
    close_ledger();
}

static void tenants_have_their_limits_when_the_server_has_all_other_cells(void **state)
{
    const rule_t server = {1, fixed_window(1, 30 * DAY)}, tenant = tenants_rule(2);
    (void)state;
    for (size_t size = RL_LEDGER_SIZE_MIN; size <= 1 << 20; size *= 4) {
        open_ledger(size);
        for (uint64_t key = 0; key < size / 16; key++) {
            ask(&server, key, NOON);
        }
        for (uint64_t key = 0; key < 100; key++) {
            assert_true(ask(&tenant, key, NOON));
            assert_true(ask(&tenant, key, NOON));
            assert_false(ask(&tenant, key, NOON));
        }
        close_ledger();
    }
}

static void a_share_of_any_size_keeps_the_server_and_tenants_limited(void **state)
{
    const rule_t server = day_rule(1), tenant = tenants_rule(1);
    (void)state;
    for (unsigned percent = 1; percent <= 100; percent++) {
        memory_size = RL_LEDGER_SIZE_MIN + percent * 512;
        memory = aligned_alloc(64, memory_size);
        memset(memory, 0, memory_size);
        rl_ledger_open_divided(&ledger, memory, memory_size, percent);
        assert_in_range(rl_ledger_tenants_capacity(&ledger), 16, memory_size / 64);
        for (uint64_t key = 0; key < 3000; key++) {
            assert_true(ask(&tenant, key, NOON));
            assert_false(ask(&tenant, key, NOON));
            assert_true(ask(&server, key, NOON));
            assert_int_equal(used(&server, key, NOON), 1);
        }
        free(memory);
    }
}

static void what_is_kept_beside_a_tenants_key_stays_in_the_share(void **state)
{
    const rule_t tenant = tenants_rule(1);
    (void)state;
    for (uint64_t key = 0; key < 1000; key++) {
        const rl_operation_t op = operation(&tenant, key, NOON, 1);
        const rl_digest_t mark = {.hi = key * 77, .lo = ~key * 99};
        const rl_digest_t beside = rl_ledger_key_beside(&op.ledger_key, &mark);
        assert_int_equal(beside.lo & 31, tenants_number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_come_once_switch_no_limit_off),
        cmocka_unit_test(keys_that_are_asked_for_twice_switch_no_limit_off),
        cmocka_unit_test(keys_that_are_driven_to_their_limit_switch_no_limit_off),
        cmocka_unit_test(keys_of_the_same_rule_switch_it_off_only_by_more_than_the_table_holds),
        cmocka_unit_test(as_many_keys_as_cells_are_kept_but_for_two_in_a_hundred),
        cmocka_unit_test(a_flood_of_any_kind_leaves_the_other_kinds_an_eighth_each),
        cmocka_unit_test(a_flood_under_one_rule_takes_its_share_and_then_its_own_cells),
        cmocka_unit_test(what_is_asked_for_most_is_kept_better_than_by_exact_lru),
        cmocka_unit_test(tenants_take_no_cell_from_the_server),
        cmocka_unit_test(tenants_take_their_share_of_an_empty_table_and_no_more),
        cmocka_unit_test(tenants_have_their_limits_when_the_server_has_all_other_cells),
        cmocka_unit_test(a_share_of_any_size_keeps_the_server_and_tenants_limited),
        cmocka_unit_test(what_is_kept_beside_a_tenants_key_stays_in_the_share),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
