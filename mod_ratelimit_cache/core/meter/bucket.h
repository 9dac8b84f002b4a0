/* SPDX-License-Identifier: Apache-2.0 */
/* The time of a token bucket, which is counted in ticks: see bucket.c. */
#ifndef RL_CORE_METER_BUCKET_H
#define RL_CORE_METER_BUCKET_H

#include "operation.h"

/* Sets meter->shift of a token bucket; for meter.c. */
void rl_bucket_prepare(rl_meter_t *meter);

/* Returns the moment time_us (microseconds since the epoch) in ticks since the epoch, rounded
 * down. Only for token buckets with a limit above 0. */
uint64_t rl_bucket_ticks(const rl_meter_t *meter, int64_t time_us);

/* Returns the ticks of this many tokens, which are at most meter->burst. */
uint64_t rl_bucket_cost(const rl_meter_t *meter, uint32_t tokens);

#endif
