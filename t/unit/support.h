/* SPDX-License-Identifier: Apache-2.0 */
/* What several unit tests need: a seeded generator, and short ways to write meters. */
#ifndef T_UNIT_SUPPORT_H
#define T_UNIT_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "core/digest.h"
#include "core/meter/meter.h"

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t bound)
{
    return random_bits(state) % bound;
}

static inline rl_digest_t random_digest(uint64_t *state)
{
    const uint64_t hi = random_bits(state);
    return (rl_digest_t){.hi = hi, .lo = random_bits(state)};
}

/* An operation in place, on a key and a meter (pointers); the ledger files the key under
 * itself. */
#define OP(whose, how, when, much)                                                             \
    (&(const rl_operation_t){.key = *(whose),                                                  \
                             .ledger_key = *(whose),                                           \
                             .meter = *(how),                                                  \
                             .now = (when),                                                    \
                             .cost = (uint32_t)(much)})

/* For operations to which key or meter don't matter. */
static const rl_digest_t no_key __attribute__((unused));
static const rl_meter_t no_meter __attribute__((unused));

static inline rl_meter_t fixed_window(uint32_t limit, int64_t period_us)
{
    return (rl_meter_t){.algorithm = RL_FIXED_WINDOW, .limit = limit, .period_us = period_us};
}

static inline rl_meter_t token_bucket(uint32_t limit, int64_t period_us, uint32_t burst)
{
    rl_meter_t meter = {.algorithm = RL_TOKEN_BUCKET,
                        .limit = limit,
                        .period_us = period_us,
                        .burst = burst,
                        .initial = burst};
    rl_meter_prepare(&meter);
    return meter;
}

/* Before a coroutine starts on a stack where another was abandoned: AddressSanitizer, if it is
 * there, forgets the frames that were left. */
static inline void *fresh_stack(char *stack, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(stack, size);
    return stack;
}

#endif
