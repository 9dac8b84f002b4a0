/* SPDX-License-Identifier: Apache-2.0 */
/* The clock for deadlines: it is never set, and has nothing to do with the time of day. */
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

#endif
