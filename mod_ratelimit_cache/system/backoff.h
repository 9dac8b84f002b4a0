/* SPDX-License-Identifier: Apache-2.0 */
/* What a request does that has lost a compare-and-swap to another one, before it tries again.
 *
 * A swap is lost only if another request has won one, so all together always get on. But a
 * request that tries again at once can lose for ever: the winner has the line of memory, and
 * has it again before the loser has computed its next step. So:
 *
 *   - Having lost once, it tries again at once: the swap that failed has brought the line.
 *     Unless a counter is hot, this is all that ever happens.
 *   - Having lost again, it stands back for some microseconds, each time for longer. The line
 *     stays where it is meanwhile, and whoever has it counts many requests in that time: so all
 *     together are fastest, too.
 *   - Having lost many times, it sleeps. Its next try comes at a moment that has nothing to do
 *     with the tries before it, and has a chance of its own. */
#ifndef RL_SYSTEM_BACKOFF_H
#define RL_SYSTEM_BACKOFF_H

#include <time.h>

/* The most times that a request tries. Contention can't use them up: almost all of them follow
 * a sleep, half a second in all, and if each were lost with a chance of 99 in 100, one request
 * in 10^17 would lose them all. What does use them up, without a sleep, is a damaged cell,
 * whose life belongs to no id (ledger/cell.h). Whoever finds that counts nothing, and so is
 * granted nothing: else whoever can damage a cell has no limit. */
#define RL_TRIES 4096

/* The pauses of the processor after the second swap that was lost, some 12 us on an Intel, and
 * how often they are doubled. By t/bench/contended.c: with 64 sixteen processes did half as
 * much as with 256, and with 8 after the first lost swap, three fifths of it. */
#define RL_PAUSES    256
#define RL_DOUBLINGS 2

/* Swaps lost after which a request sleeps, and for how long. */
#define RL_PAUSED     16
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
    const unsigned doublings = lost < RL_DOUBLINGS + 1 ? lost - 1 : RL_DOUBLINGS;
    const unsigned pauses = lost > 0 ? RL_PAUSES << doublings : 0;
    for (unsigned i = 0; i < pauses; i++) {
        rl_pause();
    }
}

/* The same; sleeps once many were lost. */
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
