/* SPDX-License-Identifier: Apache-2.0 */
/* Stripes: a number that all processes add to is kept as many, a cache line each, so that
 * processors don't wait for each other's line. What counts is their sum. */
#ifndef RL_SYSTEM_STRIPE_H
#define RL_SYSTEM_STRIPE_H

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

#define RL_STRIPES 32

/* A striped number. Zero at first; lies in shared memory. */
typedef struct rl_striped {
    struct {
        _Alignas(64) _Atomic uint64_t n;
    } stripes[RL_STRIPES];
} rl_striped_t;

/* Returns the stripe to add to, 0 to RL_STRIPES - 1: that of the processor which runs this. It
 * may run on another one a moment later, so additions are atomic all the same. */
static inline unsigned rl_stripe(void)
{
#ifdef __linux__
    return (unsigned)sched_getcpu() % RL_STRIPES;
#else
    const char on_stack = 0;
    return (unsigned)((uintptr_t)&on_stack >> 16) % RL_STRIPES; /* threads' stacks differ */
#endif
}

static inline void rl_striped_add(rl_striped_t *striped, uint64_t n)
{
    atomic_fetch_add_explicit(&striped->stripes[rl_stripe()].n, n, memory_order_relaxed);
}

static inline uint64_t rl_striped_sum(const rl_striped_t *striped)
{
    uint64_t sum = 0;
    for (int i = 0; i < RL_STRIPES; i++) {
        sum += atomic_load_explicit(&striped->stripes[i].n, memory_order_relaxed);
    }
    return sum;
}

#endif
