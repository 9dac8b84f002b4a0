/* SPDX-License-Identifier: Apache-2.0 */
/* core/wide: products of 64-bit numbers, divided exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/wide.h"
#include "support.h"

static const uint64_t edges[] = {
    0,
    1,
    2,
    3,
    10,
    4096,
    UINT32_MAX - 1,
    UINT32_MAX,
    UINT64_C(1) << 32,
    (UINT64_C(1) << 32) + 1,
    UINT64_C(2592000000000),
    UINT64_C(4102444800000000),
    (UINT64_C(1) << 63) - 1,
    UINT64_C(1) << 63,
    (UINT64_C(1) << 63) + 1,
    UINT64_MAX - 1,
    UINT64_MAX,
};

#define EDGES (sizeof(edges) / sizeof(edges[0]))

/* quotient * by + rest = a * b, by sums that fit: holds without 128-bit integers, modulo 2^64.
 */
static void check(uint64_t a, uint64_t b, uint64_t by)
{
    uint64_t rest = by;
    const uint64_t quotient = rl_wide_mul_div(a, b, by, &rest);
    assert_true(rest < by);
    assert_true(quotient == UINT64_MAX || quotient * by + rest == a * b);
#ifdef __SIZEOF_INT128__
    const unsigned __int128 product = (unsigned __int128)a * b, exact = product / by;
    const bool fits = exact <= UINT64_MAX;
    assert_true(quotient == (fits ? (uint64_t)exact : UINT64_MAX));
    assert_true(!fits || rest == (uint64_t)(product % by));
#endif
    assert_true(rl_mul_div(a, b, by) == quotient);
    assert_true(rl_mul_div_up(a, b, by) ==
                (rest > 0 && quotient < UINT64_MAX ? quotient + 1 : quotient));
}

static void at_the_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < EDGES; i++) {
        for (size_t j = 0; j < EDGES; j++) {
            for (size_t k = 1; k < EDGES; k++) {
                check(edges[i], edges[j], edges[k]);
            }
        }
    }
}

/* Of all sizes: a number of n random bits, for each n. */
static void of_random_numbers(void **state)
{
    uint64_t rng = 1;
    (void)state;
    for (int i = 0; i < 300000; i++) {
        const uint64_t a = random_bits(&rng) >> random_below(&rng, 64);
        const uint64_t b = random_bits(&rng) >> random_below(&rng, 64);
        const uint64_t by = random_bits(&rng) >> random_below(&rng, 64);
        check(a, b, by > 0 ? by : 1);
    }
}

static void known_values(void **state)
{
    uint64_t rest;
    (void)state;
    assert_true(rl_wide_mul_div(UINT64_MAX, UINT64_MAX, UINT64_MAX, &rest) == UINT64_MAX);
    assert_true(rl_wide_mul_div(UINT64_C(1) << 40, UINT64_C(1) << 40, UINT64_C(1) << 30,
                                &rest) == UINT64_C(1) << 50);
    assert_true(rl_wide_mul_div(UINT64_C(10000000000), UINT64_C(10000000001), 7, &rest) ==
                    UINT64_C(14285714287142857142) &&
                rest == 6);
    assert_true(rl_wide_mul_div(UINT64_C(1) << 32, UINT64_C(1) << 32, 1, &rest) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_the_edges),
        cmocka_unit_test(of_random_numbers),
        cmocka_unit_test(known_values),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
