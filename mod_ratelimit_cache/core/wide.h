/* SPDX-License-Identifier: Apache-2.0 */
/* Products of 64-bit numbers that need up to 128 bits, divided exactly. Where the compiler has
 * 128-bit integers (64-bit processors) it does the work; elsewhere wide.c does. */
#ifndef RL_CORE_WIDE_H
#define RL_CORE_WIDE_H

#include <stdbool.h>
#include <stdint.h>

/* Returns a * b / by, rounded down, with *rest the remainder; UINT64_MAX if the quotient
 * doesn't fit into 64 bits. by must be above 0. Needs no 128-bit integers. */
uint64_t rl_wide_mul_div(uint64_t a, uint64_t b, uint64_t by, uint64_t *rest);

/* Returns a * b / by, rounded down; UINT64_MAX if that doesn't fit into 64 bits. by must be
 * above 0. */
static inline uint64_t rl_mul_div(uint64_t a, uint64_t b, uint64_t by)
{
#ifdef __SIZEOF_INT128__
    const unsigned __int128 quotient = (unsigned __int128)a * b / by;
    return quotient >> 64 != 0 ? UINT64_MAX : (uint64_t)quotient;
#else
    uint64_t rest;
    return rl_wide_mul_div(a, b, by, &rest);
#endif
}

/* Does the same, rounded up. */
static inline uint64_t rl_mul_div_up(uint64_t a, uint64_t b, uint64_t by)
{
#ifdef __SIZEOF_INT128__
    const unsigned __int128 quotient = ((unsigned __int128)a * b + by - 1) / by;
    return quotient >> 64 != 0 ? UINT64_MAX : (uint64_t)quotient;
#else
    uint64_t rest;
    const uint64_t quotient = rl_wide_mul_div(a, b, by, &rest);
    return rest != 0 && quotient != UINT64_MAX ? quotient + 1 : quotient;
#endif
}

#endif
