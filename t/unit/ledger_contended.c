/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/ledger, lease/lease: a request that loses a thousand swaps in a row to others comes to
 * its turn all the same. What fits is granted, what is given back is given back.
 *
 * The ledger's source is compiled into the program, with a rival before each of its swaps who
 * is faster, as often as a test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void let_rival_go_first(void);

#undef atomic_compare_exchange_strong
#define atomic_compare_exchange_strong(place, expected, value)                                 \
    (let_rival_go_first(),                                                                     \
     atomic_compare_exchange_strong_explicit(place, expected, value, memory_order_seq_cst,     \
                                             memory_order_seq_cst))

#include "ledger/ledger.c"
#include "ledger/evict.c"
#include "ledger/place.c"

#include "core/meter/lease_word.h"
#include "lease/lease.h"
#include "support.h"

#define SECOND RL_USEC_PER_SEC
#define HOUR   (3600 * SECOND)
#define NOON   (INT64_C(1700049600) * SECOND)
#define LIMIT  1000000
#define OFTEN  1500 /* swaps that a request loses in a row */

static const rl_digest_t key = {.hi = 77, .lo = UINT64_C(78) << 32};
static _Alignas(64) unsigned char memory[RL_LEDGER_SIZE_MIN];
static rl_ledger_t ledger;
static rl_meter_t meter;
static rl_source_t source;
static rl_lease_t lease;
static rl_operation_t one;

static struct {
    void (*act)(void);
    unsigned left; /* how many more times the rival is faster */
} rival;

static void let_rival_go_first(void)
{
    void (*const act)(void) = rival.act;
    if (rival.left > 0 && act != NULL) {
        rival.left--;
        rival.act = NULL; /* nobody is faster than the rival */
        act();
        rival.act = act;
    }
}

static void charge_one(void)
{
    rl_step_t step;
    rl_ledger_charge(&ledger, &one, &step);
    assert_true(step.granted);
}

static void deny_one(void)
{
    const rl_step_t step = {.window = 5, .expires = NOON + HOUR};
    uint32_t repeats;
    assert_int_not_equal(rl_ledger_count_denial(&ledger, &one, &step, &repeats), 0);
}

static void spend_one(void)
{
    rl_lease_t other = lease;
    uint64_t stamp;
    assert_true(rl_lease_spend(&other, &stamp));
}

static int open_ledger(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    memset(&rival, 0, sizeof(rival));
    rl_ledger_open(&ledger, memory, sizeof(memory));
    meter = fixed_window(LIMIT, HOUR);
    one = *OP(&key, &meter, NOON, 1);
    source = (rl_source_t){.ledger = &ledger};
    charge_one();
    return 0;
}

static void rivals_come(void (*act)(void))
{
    rival.act = act;
    rival.left = OFTEN;
}

static uint32_t used(void)
{
    rl_step_t step;
    rl_ledger_peek(&ledger, OP(&key, &meter, NOON, 0), &step);
    return step.used;
}

static void what_fits_is_granted_however_often_others_are_faster(void **state)
{
    (void)state;
    rivals_come(charge_one);
    charge_one();
    assert_int_equal(used(), OFTEN + 2);
    assert_int_equal(rival.left, 0);
}

static void what_is_given_back_is_free_again_however_often_others_are_faster(void **state)
{
    rl_step_t step;
    (void)state;
    rl_ledger_charge(&ledger, &one, &step);
    rivals_come(charge_one);
    rl_ledger_refund(&ledger, &one, step.stamp);
    assert_int_equal(used(), OFTEN + 1);
    assert_int_equal(rival.left, 0);
}

static void what_is_raised_stays_raised_however_often_others_are_faster(void **state)
{
    rl_step_t step;
    (void)state;
    rl_ledger_charge(&ledger, &one, &step);
    rivals_come(charge_one);
    rl_ledger_raise(&ledger, &one, step.stamp, LIMIT);
    assert_int_equal(used(), LIMIT);
}

static void a_denial_is_counted_however_often_others_are_faster(void **state)
{
    const rl_step_t step = {.window = 5, .expires = NOON + HOUR};
    uint32_t repeats;
    (void)state;
    deny_one();
    rivals_come(deny_one);
    assert_int_equal(rl_ledger_count_denial(&ledger, &one, &step, &repeats), OFTEN + 2);
}

static void units_of_a_lease_are_spent_however_often_others_are_faster(void **state)
{
    uint64_t stamp;
    (void)state;
    lease = rl_lease_at(&source, &one, 7, 2);
    rl_ledger_raise(&ledger, OP(&lease.ledger_key, &meter, NOON, 1), 0,
                    1); /* takes a cell for it */
    assert_true(
        rl_ledger_swap_note(&ledger, &lease.ledger_key, 0, 0,
                            rl_lease_word_extended(&one, 0, lease.window, 0, OFTEN + 10)));
    rivals_come(spend_one);
    assert_true(rl_lease_spend(&lease, &stamp));
    assert_int_equal(rl_lease_left(&lease), 9);
}

/* What no request can have left: a life that belongs to no id. */
static void in_a_damaged_cell_nothing_is_granted(void **state)
{
    const rl_place_t place = place_find(&ledger, &key);
    rl_step_t step;
    (void)state;
    atomic_fetch_xor(&place.cell->life, GEN_ONE * 5);
    rl_ledger_charge(&ledger, &one, &step);
    assert_false(step.granted);
    assert_int_equal(step.word, -1);
    assert_int_equal(step.retry, step.reset);
    assert_int_equal(used(), 1);
}

#define LEDGER_TEST(f) cmocka_unit_test_setup(f, open_ledger)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(what_fits_is_granted_however_often_others_are_faster),
        LEDGER_TEST(what_is_given_back_is_free_again_however_often_others_are_faster),
        LEDGER_TEST(what_is_raised_stays_raised_however_often_others_are_faster),
        LEDGER_TEST(a_denial_is_counted_however_often_others_are_faster),
        LEDGER_TEST(units_of_a_lease_are_spent_however_often_others_are_faster),
        LEDGER_TEST(in_a_damaged_cell_nothing_is_granted),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
