/* SPDX-License-Identifier: Apache-2.0 */
/* Rates (COUNT/PERIOD) and durations, as directives write them. */
#ifndef RL_CORE_RATE_H
#define RL_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RL_USEC_PER_SEC   INT64_C(1000000)
#define RL_PERIOD_MAX_SEC (30 * 24 * 3600)
#define RL_COUNT_MAX      UINT32_MAX

typedef struct rl_rate {
    bool unlimited;    /* "none": neither counted nor limited */
    bool concurrent;   /* COUNT/concurrent: units at the same time; period_us is a second */
    uint32_t count;    /* units per period; 0 denies everything */
    int64_t period_us; /* microseconds: whole seconds, from 1 s to 30 days */
} rl_rate_t;

/* Reads "none", COUNT/concurrent or COUNT/PERIOD; PERIOD is a number of seconds, or [N]UNIT.
 * Returns NULL and fills *rate, or returns the reason (a constant sentence that says what is
 * allowed) and leaves *rate alone. */
const char *rl_rate_parse(const char *text, rl_rate_t *rate);

/* Returns the seconds from now_us until time_us (both microseconds since the epoch), rounded
 * up; at least 1. */
int64_t rl_seconds_until(int64_t time_us, int64_t now_us);

/* Reads a PERIOD that stands alone into *duration_us, in microseconds. Returns NULL, or the
 * reason (a constant sentence) and leaves *duration_us alone. */
const char *rl_duration_parse(const char *text, int64_t *duration_us);

/* Reads a wait, [N]UNIT as a duration or Nms, from 10 ms to 30 s, into *wait_us. Returns as
 * rl_duration_parse() does. */
const char *rl_wait_parse(const char *text, int64_t *wait_us);

#endif
