/* SPDX-License-Identifier: Apache-2.0 */
/* What meter.c needs of each algorithm; each has a file of its own. For the files of
 * core/meter/ only. */
#ifndef RL_CORE_METER_ALGORITHM_H
#define RL_CORE_METER_ALGORITHM_H

#include "operation.h"

/* How times ahead of the clock are read. A time later than is possible now has two causes: this
 * process read the clock a moment before it looks at the words, or the clock was set back. Up
 * to CLOCK_SLACK ahead, the first is assumed and the time stays. Beyond it, the second is
 * assumed and the time is moved to now, so that nobody waits for a clock to catch up. A time
 * beyond CLOCK_HORIZON never was one: it is noise that another key left (see ledger/cell.h),
 * and counts as nothing. */
#define CLOCK_SLACK   (10 * RL_USEC_PER_SEC)
#define CLOCK_HORIZON (400 * 86400 * RL_USEC_PER_SEC)

/* The longest life to ask of a cell, in microseconds. With an expiry beyond the horizon a cell
 * would be taken for one from before the clock was set back, and given to any key. */
#define METER_LIFE_MAX (CLOCK_HORIZON - 2 * 86400 * RL_USEC_PER_SEC)

/* The last second of 32 bits, in 2106: a bucket of many tokens that come once a month takes
 * longer to fill than any clock runs. */
#define TIME_MAX (INT64_C(4294967295) * RL_USEC_PER_SEC)

/* One algorithm's versions of the functions of meter.h. */
typedef struct rl_meter_ops {
    void (*charge)(const rl_operation_t *, const uint64_t *words, rl_step_t *);
    void (*refund)(const rl_operation_t *, const uint64_t *words, uint64_t stamp, rl_step_t *);
    uint64_t (*held)(const rl_meter_t *, const uint64_t *words, uint64_t stamp);
    void (*raise)(const rl_operation_t *, const uint64_t *words, uint64_t stamp, uint64_t value,
                  rl_step_t *);
    void (*lower)(const uint64_t *words, const rl_correction_t *, rl_step_t *);
    void (*clear)(const rl_operation_t *, const uint64_t *words, rl_step_t *);
    int64_t (*more_at)(const rl_operation_t *, const rl_step_t *);
} rl_meter_ops_t;

/* held and lower for the algorithms whose word 0 is a time. */
static inline uint64_t rl_meter_held_time(const rl_meter_t *meter, const uint64_t *words,
                                          uint64_t stamp)
{
    (void)meter;
    (void)stamp;
    return words[0];
}

static inline void rl_meter_lower_time(const uint64_t *words, const rl_correction_t *correction,
                                       rl_step_t *step)
{
    step->word = words[0] == correction->from ? 0 : -1;
    step->value = correction->to;
}

extern const rl_meter_ops_t rl_window_ops, rl_bucket_ops, rl_penalty_ops, rl_first_window_ops;

#endif
