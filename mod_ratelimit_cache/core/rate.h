/* Rates (COUNT/PERIOD) and durations as an administrator writes them. */
#ifndef RL_CORE_RATE_H
#define RL_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RL_USEC_PER_SEC   INT64_C(1000000)
#define RL_PERIOD_MAX_SEC (30 * 24 * 3600)
#define RL_COUNT_MAX      UINT32_MAX

typedef struct rl_rate {
    bool unlimited;    /* "none": neither counted nor limited */
    uint32_t count;    /* units per period, 0 denies everything */
    int64_t period_us; /* microseconds, whole seconds from 1 s to 30 days */
} rl_rate_t;

/* Reads "none" or COUNT/PERIOD, PERIOD being seconds or [N]UNIT. Returns NULL and fills *rate,
 * or returns the reason (a constant sentence that says what is allowed) and leaves it alone. */
const char *rl_rate_parse(const char *text, rl_rate_t *rate);

/* Returns the seconds from now until a time, both in microseconds: rounded up, at least 1. */
int64_t rl_seconds_until(int64_t time_us, int64_t now_us);

/* Reads a PERIOD by itself, in microseconds; returns NULL or the reason. */
const char *rl_duration_parse(const char *text, int64_t *duration_us);

#endif
