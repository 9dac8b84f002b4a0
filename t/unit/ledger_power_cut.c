/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/sweep: what a power cut leaves of a table in a file. Threads count while the table is
 * copied, again and again; then each page of what is on the disk is taken from one of the
 * copies, is all zeros, or is noise, and some pages are of two copies. The system writes pages
 * back in any order, and each when it likes. The table is two thirds full, so that many keys
 * stand in another page than that in which their searches begin.
 *
 * Of whatever is left: nobody has more units than he used; cells of the last moment are kept
 * as they are; noise is found out; and from there on everybody is granted exactly his limit
 * less what is left in the cell he goes on in, and in the next period exactly his limit.
 * RL_SEEDS: how many cuts (20); SEED: of the first (1). */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "ledger/place.h"
#include "ledger/sweep.h"
#include "support.h"

#define SECOND  RL_USEC_PER_SEC
#define DAY     (INT64_C(24) * 3600 * SECOND)
#define NOON    (INT64_C(1700049600) * SECOND)
#define SIZE    ((size_t)192 << 10)
#define PAGE    ((size_t)4096)
#define SECTOR  ((size_t)512)
#define PAGES   (SIZE / PAGE)
#define CELLS   (SIZE / RL_LEDGER_CELL_BYTES)
#define TENANTS 12
#define KEYS    2000u
#define LIMIT   40u
#define THREADS 3
#define COPIES  4

#define PAUSE_MAX (KEYS * 12) /* charges between two copies */

static rl_ledger_t ledger;
static unsigned char *table, *disk, *swept, *copies[COPIES];
static _Atomic uint32_t begun[KEYS], granted[KEYS];
static _Atomic uint64_t charges;
static _Atomic bool over;
static uint64_t seed;

/* What a page of the disk is: one of the copies, the last of which is of the last moment. */
typedef enum { LATEST = COPIES - 1, ZEROS = COPIES, NOISE, TORN, PAGE_KINDS } page_e;

static page_e page_is[PAGES];

static unsigned char *get_memory(void)
{
    unsigned char *memory = aligned_alloc(PAGE, SIZE);
    assert_non_null(memory);
    memset(memory, 0, SIZE);
    return memory;
}

static rl_digest_t key_of(uint32_t n)
{
    uint64_t state = n;
    const rl_digest_t key = random_digest(&state);
    return rl_ledger_key(&key, n % RL_RULE_NUMBERS);
}

static rl_meter_t meter_of(uint32_t n)
{
    rl_meter_t meter = fixed_window(LIMIT, 30 * DAY);
    if (n % 4 == 1) {
        return token_bucket(LIMIT, 30 * DAY, LIMIT);
    }
    if (n % 4 == 2) {
        meter.algorithm = RL_SLIDING_WINDOW;
    }
    return meter;
}

static bool charge_at(uint32_t n, int64_t now)
{
    const rl_digest_t key = key_of(n);
    const rl_meter_t meter = meter_of(n);
    rl_step_t step;
    rl_ledger_charge(&ledger, OP(&key, &meter, now, 1), &step);
    return step.granted;
}

static bool charge(uint32_t n)
{
    return charge_at(n, NOON);
}

static uint32_t used(uint32_t n)
{
    const rl_digest_t key = key_of(n);
    const rl_meter_t meter = meter_of(n);
    rl_step_t step;
    rl_ledger_peek(&ledger, OP(&key, &meter, NOON, 0), &step);
    return step.used;
}

/* ---- the cut ---- */

static void *count_on(void *data)
{
    uint64_t random = (uint64_t)(uintptr_t)data;
    while (!atomic_load(&over)) {
        const uint32_t n = (uint32_t)random_below(&random, KEYS);
        atomic_fetch_add(&begun[n], 1);
        if (charge(n)) {
            atomic_fetch_add(&granted[n], 1);
        }
        atomic_fetch_add(&charges, 1);
    }
    return NULL;
}

static void wait_for_charges(uint64_t more)
{
    const uint64_t until = atomic_load(&charges) + more;
    while (atomic_load(&charges) < until) {
        sched_yield();
    }
}

/* As a disk does: a line of the processor's cache is whole, and no two are of one moment. */
static void copy_table(unsigned char *to)
{
    for (size_t at = 0; at < SIZE; at += RL_LEDGER_CELL_BYTES) {
        memcpy(to + at, table + at, RL_LEDGER_CELL_BYTES);
    }
}

static void count_and_copy(void)
{
    pthread_t threads[THREADS];
    uint64_t random = seed;
    memset(table, 0, SIZE);
    memset((void *)begun, 0, sizeof(begun));
    memset((void *)granted, 0, sizeof(granted));
    atomic_store(&over, false);
    rl_ledger_open_divided(&ledger, table, SIZE, TENANTS);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, count_on, (void *)(uintptr_t)random_bits(&random));
    }
    for (int i = 0; i < COPIES - 1; i++) {
        wait_for_charges(random_below(&random, PAUSE_MAX));
        copy_table(copies[i]);
    }
    wait_for_charges(KEYS);
    atomic_store(&over, true);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    copy_table(copies[LATEST]);
}

/* ---- what is on the disk ---- */

static void fill_page(uint64_t *random, unsigned char *page, size_t at, page_e kind)
{
    for (size_t i = 0; i < PAGE; i += SECTOR) {
        const unsigned char *from = copies[kind == TORN ? random_below(random, COPIES) : 0];
        if (kind < COPIES) {
            from = copies[kind];
        }
        memcpy(page + i, from + at + i, SECTOR);
    }
    for (size_t i = 0; i < PAGE && (kind == NOISE || kind == ZEROS); i += sizeof(uint64_t)) {
        const uint64_t word = kind == NOISE ? random_bits(random) : 0;
        memcpy(page + i, &word, sizeof(word));
    }
}

/* `worst`: pages of any kind; else only copies, as of a disk that writes what it is given. */
static void leave_on_disk(bool worst)
{
    uint64_t random = seed * 31 + worst;
    for (size_t p = 0; p < PAGES; p++) {
        const bool latest = random_below(&random, 2) == 0;
        const page_e any = (page_e)random_below(&random, worst ? PAGE_KINDS : COPIES);
        page_is[p] = latest ? LATEST : any;
        fill_page(&random, disk + p * PAGE, p * PAGE, page_is[p]);
    }
    memcpy(swept, disk, SIZE);
    rl_ledger_open_divided(&ledger, swept, SIZE, TENANTS);
}

/* ---- what is left ---- */

static rl_sweep_t sweep(void)
{
    rl_sweep_t found;
    rl_ledger_sweep(&ledger, NOON, &found);
    return found;
}

static const rl_cell_t *cell_on(const unsigned char *memory, size_t i)
{
    return (const rl_cell_t *)(const void *)(memory + i * RL_LEDGER_CELL_BYTES);
}

/* Returns true if the cell holds a key's counter. */
static bool holds_key(const rl_cell_t *cell)
{
    return (cell->id & TAG) != 0 && (cell->id & BID) == 0;
}

static void cells_of_the_last_moment_are_as_they_were(void)
{
    for (size_t i = 0; i < CELLS; i++) {
        const rl_cell_t *before = cell_on(disk, i);
        if (page_is[i * RL_LEDGER_CELL_BYTES / PAGE] == LATEST && holds_key(before)) {
            assert_memory_equal(before, cell_on(swept, i), sizeof(*before));
        }
    }
}

/* One cell in 100,000 passes for sound. */
static void noise_is_found_out(const rl_sweep_t *found)
{
    uint64_t noise = 0;
    for (size_t p = 0; p < PAGES; p++) {
        noise += page_is[p] == NOISE ? PAGE / RL_LEDGER_CELL_BYTES : 0;
    }
    assert_in_range(found->damaged, noise > 3 ? noise - 3 : 0, CELLS);
}

/* Returns how many keys have all units that they used. */
static uint32_t nobody_has_more_than_he_used(void)
{
    uint32_t whole = 0;
    for (uint32_t n = 0; n < KEYS; n++) {
        const uint32_t units = used(n);
        assert_in_range(units, 0, granted[n]);
        assert_in_range(units, 0, begun[n]);
        whole += units == granted[n];
    }
    return whole;
}

/* Returns the key's cell, also if its searches end before it; or nowhere. */
static rl_place_t place_that_is_left(uint32_t n)
{
    const rl_digest_t key = key_of(n);
    rl_path_t path;
    rl_place_t place;
    path_begin(&path, &ledger, &key);
    do {
        place.cell = path_next(&path);
        place.id = place.cell != NULL ? cell_load_id(place.cell) : 0;
    } while (place.cell != NULL && !id_is_of(place.id, &key));
    return place;
}

/* Returns the units that stand in a place of the key's. */
static uint32_t units_in(rl_place_t place, uint32_t n)
{
    const rl_digest_t key = key_of(n);
    const rl_meter_t meter = meter_of(n);
    rl_sight_t sight;
    rl_step_t step;
    if (place.cell == NULL) {
        return 0;
    }
    sight_set(&sight, place, &key);
    cell_load_words(&sight);
    rl_meter_charge(OP(&key, &meter, NOON, 0), sight.words, &step);
    return step.used;
}

static rl_cell_t *cell_that_is_found(uint32_t n)
{
    const rl_digest_t key = key_of(n);
    return place_find(&ledger, &key).cell;
}

static uint32_t granted_until_denied(uint32_t n, int64_t now)
{
    uint32_t units = 0;
    for (uint32_t i = 0; i < LIMIT + 5; i++) {
        units += charge_at(n, now);
    }
    return units;
}

/* Keys that weren't found: those that went on in the cell that was left, and those that began
 * anew (sweep.c tells why). */
static unsigned went_on, began_anew;

static void key_has_its_limit(uint32_t n)
{
    const rl_place_t left = place_that_is_left(n);
    const uint32_t had = units_in(left, n);
    const bool was_found = cell_that_is_found(n) != NULL;
    const uint32_t more = granted_until_denied(n, NOON);
    const bool goes_on = cell_that_is_found(n) == left.cell;
    assert_in_range(had, 0, granted[n]);
    assert_int_equal(more, goes_on ? LIMIT - had : LIMIT);
    assert_true(goes_on || !was_found);
    went_on += goes_on && !was_found;
    began_anew += !goes_on && left.cell != NULL;
}

static void from_now_on_the_limit_holds(void)
{
    for (uint32_t n = 0; n < KEYS; n++) {
        key_has_its_limit(n);
    }
    for (uint32_t n = 0; n < KEYS; n++) {
        assert_int_equal(granted_until_denied(n, NOON), 0);
    }
}

/* Whatever the table is like, one period is enough to forget it. */
static void the_next_periods_are_whole(void)
{
    for (int64_t later = 60 * DAY; later <= 180 * DAY; later += 60 * DAY) {
        for (uint32_t n = 0; n < KEYS; n++) {
            assert_int_equal(granted_until_denied(n, NOON + later), LIMIT);
        }
    }
}

static void cut(bool worst)
{
    rl_sweep_t found, again;
    uint32_t whole;
    leave_on_disk(worst);
    found = sweep();
    cells_of_the_last_moment_are_as_they_were();
    noise_is_found_out(&found);
    whole = nobody_has_more_than_he_used();
    assert_in_range(whole, KEYS / 3, KEYS);
    from_now_on_the_limit_holds();
    again = sweep();
    assert_int_equal(again.damaged, 0);
    assert_in_range(again.kept, KEYS, CELLS);
    the_next_periods_are_whole();
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void what_a_power_cut_leaves_is_believed_cell_by_cell(void **state)
{
    const uint64_t first = number("SEED", 1), cuts = number("RL_SEEDS", 20);
    (void)state;
    table = get_memory();
    disk = get_memory();
    swept = get_memory();
    for (int i = 0; i < COPIES; i++) {
        copies[i] = get_memory();
    }
    for (seed = first; seed < first + cuts; seed++) {
        count_and_copy();
        cut(false);
        cut(true);
    }
    print_message("# of keys after a gap %u went on, %u began anew\n", went_on, began_anew);
    assert_true(cuts < 20 || (went_on > 0 && began_anew > 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_power_cut_leaves_is_believed_cell_by_cell),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
