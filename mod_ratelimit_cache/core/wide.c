/* SPDX-License-Identifier: Apache-2.0 */
#include "wide.h"

#define HALF      32
#define HALF_MASK ((UINT64_C(1) << HALF) - 1)

typedef struct rl_wide {
    uint64_t high, low;
} rl_wide_t;

/* Multiplies by halves, as on paper. */
static rl_wide_t wide_product(uint64_t a, uint64_t b)
{
    const uint64_t a1 = a >> HALF, a0 = a & HALF_MASK, b1 = b >> HALF, b0 = b & HALF_MASK;
    const uint64_t low = a0 * b0, first = a1 * b0 + (low >> HALF);
    const uint64_t second = a0 * b1 + (first & HALF_MASK);
    return (rl_wide_t){.high = a1 * b1 + (first >> HALF) + (second >> HALF),
                       .low = second << HALF | (low & HALF_MASK)};
}

/* Divides bit by bit; high is less than by. */
static uint64_t wide_quotient(rl_wide_t number, uint64_t by, uint64_t *rest)
{
    uint64_t left = number.high, quotient = 0;
    for (int bit = 63; bit >= 0; bit--) {
        const bool carry = left >> 63 != 0;
        left = left << 1 | (number.low >> bit & 1);
        quotient <<= 1;
        if (carry || left >= by) {
            left -= by;
            quotient |= 1;
        }
    }
    *rest = left;
    return quotient;
}

uint64_t rl_wide_mul_div(uint64_t a, uint64_t b, uint64_t by, uint64_t *rest)
{
    const rl_wide_t product = wide_product(a, b);
    if (product.high == 0) {
        *rest = product.low % by;
        return product.low / by;
    }
    if (product.high >= by) {
        *rest = 0;
        return UINT64_MAX;
    }
    return wide_quotient(product, by, rest);
}
