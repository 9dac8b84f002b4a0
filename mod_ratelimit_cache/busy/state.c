/* SPDX-License-Identifier: Apache-2.0 */
/* The state is one word, so that it changes by one compare-and-swap:
 *
 *     0                    not busy
 *     1                    busy, and some measure was not below LOW in the last sample
 *     time << 1 | 1        busy, and all measures have been below LOW since that time
 *
 * What couldn't be measured neither makes the server busy nor keeps it so. */
#include "state.h"

#define BUSY 1u

/* Returns the first measure that reaches its level in this sample, -1 if none does. */
static int find_measure(const uint32_t level[RL_BUSY_MEASURES], const rl_busy_sample_t *sample)
{
    for (int i = 0; i < RL_BUSY_MEASURES; i++) {
        if (level[i] > 0 && sample->value[i] != RL_BUSY_UNKNOWN &&
            sample->value[i] >= level[i]) {
            return i;
        }
    }
    return -1;
}

uint64_t rl_busy_next(const rl_busy_limits_t *limits, const rl_busy_sample_t *sample,
                      uint64_t state, int64_t now_us)
{
    const int64_t calm_since = (int64_t)(state >> 1);
    if (state == 0) {
        return find_measure(limits->high, sample) >= 0 ? BUSY : 0;
    }
    if (find_measure(limits->low, sample) >= 0) {
        return BUSY;
    }
    if (calm_since == 0) {
        return (uint64_t)now_us << 1 | BUSY;
    }
    return now_us - calm_since >= limits->hold_us ? 0 : state;
}

uint64_t rl_busy_begin(rl_busy_t *busy, bool configured)
{
    if (!configured) {
        atomic_store(&busy->state, 0);
    }
    return atomic_fetch_add(&busy->generation, 1) + 1;
}

bool rl_busy_claim(rl_busy_t *busy, int64_t now_us)
{
    int64_t last = atomic_load(&busy->sampled_us);
    return now_us - last >= RL_BUSY_INTERVAL_US &&
           atomic_compare_exchange_strong(&busy->sampled_us, &last, now_us);
}

/* Returns what the change from one state to another says. */
static rl_busy_event_t event_of(const rl_busy_t *busy, const rl_busy_limits_t *limits,
                                const rl_busy_sample_t *sample, uint64_t from, uint64_t to,
                                int64_t now_us)
{
    rl_busy_event_t event = {.change = RL_BUSY_UNCHANGED};
    if (from == 0) {
        const int measure = find_measure(limits->high, sample);
        event.change = RL_BUSY_BEGINS;
        event.measure = (rl_busy_measure_e)measure;
        event.value = sample->value[measure];
    }
    else if (to == 0) {
        event.change = RL_BUSY_ENDS;
        event.lasted_us = now_us - atomic_load(&busy->since_us);
    }
    return event;
}

/* The time is stored before the state changes, so that whoever sees it end finds it. */
rl_busy_event_t rl_busy_put(rl_busy_t *busy, const rl_busy_limits_t *limits,
                            const rl_busy_sample_t *sample, int64_t now_us)
{
    const rl_busy_event_t nothing = {.change = RL_BUSY_UNCHANGED};
    uint64_t state = atomic_load(&busy->state);
    const uint64_t next = rl_busy_next(limits, sample, state, now_us);
    if (atomic_load(&busy->sampled_us) != now_us) {
        return nothing;
    }
    for (int i = 0; i < RL_BUSY_MEASURES; i++) {
        atomic_store_explicit(&busy->value[i], sample->value[i], memory_order_relaxed);
    }
    if (state == 0 && next != 0) {
        atomic_store(&busy->since_us, now_us);
    }
    if (next == state || !atomic_compare_exchange_strong(&busy->state, &state, next)) {
        return nothing;
    }
    return event_of(busy, limits, sample, state, next, now_us);
}
