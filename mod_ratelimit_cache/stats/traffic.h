/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic with one server of a shared store: round trips and how long they took, errors, and
 * outages. In shared memory that was zeroed once; lock-free, for any process and thread. */
#ifndef RL_STATS_TRAFFIC_H
#define RL_STATS_TRAFFIC_H

#include <stdatomic.h>
#include <stdint.h>

#include "../system/stripe.h"

/* Round trips are counted by how long they took: up to so many microseconds, or longer than
 * the last. */
#define RL_TRAFFIC_BOUNDS                                                                      \
    {                                                                                          \
        50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000                       \
    }
#define RL_TRAFFIC_BUCKETS 12

extern const uint32_t rl_traffic_bounds[RL_TRAFFIC_BUCKETS - 1];

typedef struct rl_traffic {
    _Alignas(64) _Atomic uint64_t server; /* hash of its name, 0: free */
    _Atomic int64_t away_since; /* microseconds of the monotonic clock; 0: it isn't away */
    _Atomic int64_t last_outage_us, all_outages_us; /* outages that are over */
    _Atomic uint64_t outages;                       /* that have begun */
    struct {
        _Alignas(64) _Atomic uint64_t buckets[RL_TRAFFIC_BUCKETS];
        _Atomic uint64_t sum_us, errors;
    } stripes[RL_STRIPES];
} rl_traffic_t;

/* Each function takes NULL for traffic that isn't counted. */

/* Counts a round trip of us microseconds. */
void rl_traffic_answered(rl_traffic_t *traffic, int64_t us);

/* Counts a command that was not carried out, or not for sure. */
void rl_traffic_error(rl_traffic_t *traffic);

/* Notes that an outage begins, or ends, at now, microseconds of the monotonic clock. Of many
 * callers one is heeded. */
void rl_traffic_away(rl_traffic_t *traffic, int64_t now);
void rl_traffic_back(rl_traffic_t *traffic, int64_t now);

typedef struct rl_traffic_sums {
    uint64_t buckets[RL_TRAFFIC_BUCKETS]; /* each by itself, not cumulated */
    uint64_t round_trips, sum_us, errors;
    uint64_t outages;                                  /* so far; the present one included */
    int64_t outage_us, last_outage_us, all_outages_us; /* outage_us: the present one, or 0 */
} rl_traffic_sums_t;

/* Adds up, at now. */
void rl_traffic_sum(const rl_traffic_t *traffic, int64_t now, rl_traffic_sums_t *sums);

#endif
