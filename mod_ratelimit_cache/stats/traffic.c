/* SPDX-License-Identifier: Apache-2.0 */
#include "traffic.h"

#include <stddef.h>

const uint32_t rl_traffic_bounds[RL_TRAFFIC_BUCKETS - 1] = RL_TRAFFIC_BOUNDS;

static void traffic_add(_Atomic uint64_t *number, uint64_t n)
{
    atomic_fetch_add_explicit(number, n, memory_order_relaxed);
}

static uint64_t traffic_load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static int bucket_of(int64_t us)
{
    int i = 0;
    while (i < RL_TRAFFIC_BUCKETS - 1 && us > (int64_t)rl_traffic_bounds[i]) {
        i++;
    }
    return i;
}

void rl_traffic_answered(rl_traffic_t *traffic, int64_t us)
{
    const unsigned stripe = rl_stripe();
    if (traffic != NULL) {
        traffic_add(&traffic->stripes[stripe].buckets[bucket_of(us)], 1);
        traffic_add(&traffic->stripes[stripe].sum_us, us > 0 ? (uint64_t)us : 0);
    }
}

void rl_traffic_error(rl_traffic_t *traffic)
{
    if (traffic != NULL) {
        traffic_add(&traffic->stripes[rl_stripe()].errors, 1);
    }
}

void rl_traffic_away(rl_traffic_t *traffic, int64_t now)
{
    int64_t none = 0;
    if (traffic != NULL && now > 0 &&
        atomic_compare_exchange_strong(&traffic->away_since, &none, now)) {
        traffic_add(&traffic->outages, 1);
    }
}

void rl_traffic_back(rl_traffic_t *traffic, int64_t now)
{
    int64_t since;
    if (traffic == NULL ||
        atomic_load_explicit(&traffic->away_since, memory_order_relaxed) == 0) {
        return;
    }
    since = atomic_exchange(&traffic->away_since, 0);
    if (since > 0 && now >= since) {
        atomic_store(&traffic->last_outage_us, now - since);
        atomic_fetch_add(&traffic->all_outages_us, now - since);
    }
}

void rl_traffic_sum(const rl_traffic_t *traffic, int64_t now, rl_traffic_sums_t *sums)
{
    *sums = (rl_traffic_sums_t){.round_trips = 0};
    if (traffic == NULL) {
        return;
    }
    for (int i = 0; i < RL_STRIPES; i++) {
        for (int j = 0; j < RL_TRAFFIC_BUCKETS; j++) {
            const uint64_t n = traffic_load(&traffic->stripes[i].buckets[j]);
            sums->buckets[j] += n;
            sums->round_trips += n;
        }
        sums->sum_us += traffic_load(&traffic->stripes[i].sum_us);
        sums->errors += traffic_load(&traffic->stripes[i].errors);
    }
    const int64_t since = atomic_load(&traffic->away_since);
    sums->outage_us = since > 0 && now > since ? now - since : 0;
    sums->last_outage_us = atomic_load(&traffic->last_outage_us);
    sums->all_outages_us = atomic_load(&traffic->all_outages_us);
    sums->outages = traffic_load(&traffic->outages);
}
