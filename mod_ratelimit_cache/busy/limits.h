/* SPDX-License-Identifier: Apache-2.0 */
/* From when on a server counts as busy: what RateLimitBusy says. */
#ifndef RL_BUSY_LIMITS_H
#define RL_BUSY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* What is measured. Values are in hundredths: of a percent, or of one of the load average. */
typedef enum {
    RL_BUSY_WORKERS,  /* the share of MaxRequestWorkers that is busy */
    RL_BUSY_LOAD,     /* the load average of the last minute */
    RL_BUSY_PRESSURE, /* the share of ten seconds in which something waited for a processor */
    RL_BUSY_MEASURES
} rl_busy_measure_e;

/* HIGH and LOW of each measure, hundredths; high is 0 where the measure isn't used. */
typedef struct rl_busy_limits {
    uint32_t high[RL_BUSY_MEASURES], low[RL_BUSY_MEASURES];
    int64_t hold_us; /* microseconds for which all measures must be below LOW; 0: not given */
} rl_busy_limits_t;

/* Returns the measure's name, as it stands in RateLimitBusy: a constant string. */
const char *rl_busy_measure_name(rl_busy_measure_e measure);

/* Returns true if the measure is a percentage. */
bool rl_busy_measure_is_percent(rl_busy_measure_e measure);

/* Reads one argument, such as workers=90%:70% or hold=1m, into limits that are zero before the
 * first. Returns NULL, or the reason why it is refused: a constant sentence. */
const char *rl_busy_limits_add(rl_busy_limits_t *limits, const char *argument);

/* Supplies what wasn't given. Returns NULL, or the reason why the limits can't be used. */
const char *rl_busy_limits_complete(rl_busy_limits_t *limits);

#endif
