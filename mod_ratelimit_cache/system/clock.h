/* SPDX-License-Identifier: Apache-2.0 */
/* The clock for deadlines, which is never set and has nothing to do with the time of day; and a
 * cheap one for statistics, which has. */
#ifndef RL_SYSTEM_CLOCK_H
#define RL_SYSTEM_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Returns the microseconds since some moment in the past. */
static inline int64_t rl_clock_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Returns the seconds since 1970, as of the kernel's last tick, some milliseconds ago at most:
 * a fifth of what the exact time costs. */
static inline uint32_t rl_clock_seconds(void)
{
    struct timespec ts;
#ifdef CLOCK_REALTIME_COARSE
    clock_gettime(CLOCK_REALTIME_COARSE, &ts);
#else
    clock_gettime(CLOCK_REALTIME, &ts);
#endif
    return (uint32_t)ts.tv_sec;
}

#endif
