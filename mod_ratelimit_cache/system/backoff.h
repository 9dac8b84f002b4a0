/* SPDX-License-Identifier: Apache-2.0 */
/* What a request does that has lost a compare-and-swap to another one, before it tries again.
 *
 * A swap is lost only if another request won one, so all together always get on. But a request
 * that tries again at once can lose for ever: the winner has the line of memory, and has it
 * again before the loser has computed its next step. So the loser stands back. It pauses, each
 * time twice as long as the last, which leaves the line to one request at a time; this is also
 * what is fastest for all together. Having lost many times, it sleeps: its next try comes at a
 * moment that has nothing to do with the tries before it, and finds its chance anew. */
#ifndef RL_SYSTEM_BACKOFF_H
#define RL_SYSTEM_BACKOFF_H

#include <time.h>

/* The most times that a request tries. Contention can't use them up: almost all are
 * independent of each other, and come to half a second of sleep in all; were each lost
 * with a chance of 99 in 100, one request in 10^17 would lose them all. What does use them up
 * is memory that no request can have left so. */
#define RL_TRIES 4096

#define RL_PAUSES_LOG 7  /* the longest pause is 2^7 of the processor's */
#define RL_PAUSED     32 /* tries after which a request sleeps */
#define RL_SLEEP_NSEC 50000L

static inline void rl_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb"); /* yield takes no time on most */
#endif
}

/* Has the processor fetch a line of memory for writing, so that nobody else has to be asked for
 * it between a load and a swap. */
static inline void rl_prefetch_to_swap(const void *line)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* Pauses after a swap was lost; `lost` counts those before it, from 0. */
static inline void rl_pause_after(unsigned lost)
{
    const unsigned pauses = 1u << (lost < RL_PAUSES_LOG ? lost : RL_PAUSES_LOG);
    for (unsigned i = 0; i < pauses; i++) {
        rl_pause();
    }
}

/* The same; sleeps once that many were lost. */
static inline void rl_back_off(unsigned lost)
{
    const struct timespec a_moment = {.tv_nsec = RL_SLEEP_NSEC};
    if (lost < RL_PAUSED) {
        rl_pause_after(lost);
    }
    else {
        nanosleep(&a_moment, NULL);
    }
}

#endif
