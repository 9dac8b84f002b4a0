/* SPDX-License-Identifier: Apache-2.0 */
#include "breaker.h"

bool rl_breaker_allows(rl_breaker_t *breaker, const rl_breaker_settings_t *settings,
                       int64_t now)
{
    int64_t due = atomic_load(&breaker->probe_due);
    if (due == 0) {
        return true;
    }
    /* Whoever moves the time of the next probe makes this one. */
    return now >= due &&
           atomic_compare_exchange_strong(&breaker->probe_due, &due,
                                          now + settings->cooldown_us + settings->probe_us);
}

static rl_breaker_change_e note_success(rl_breaker_t *breaker)
{
    if (atomic_load_explicit(&breaker->failures, memory_order_relaxed) == 0 &&
        atomic_load_explicit(&breaker->probe_due, memory_order_relaxed) == 0) {
        return RL_BREAKER_SAME;
    }
    atomic_store(&breaker->failures, 0);
    return atomic_exchange(&breaker->probe_due, 0) != 0 ? RL_BREAKER_CLOSED : RL_BREAKER_SAME;
}

rl_breaker_change_e rl_breaker_note(rl_breaker_t *breaker,
                                    const rl_breaker_settings_t *settings, int64_t now,
                                    bool success)
{
    int64_t closed = 0;
    unsigned failures;
    if (success) {
        return note_success(breaker);
    }
    failures = atomic_fetch_add(&breaker->failures, 1) + 1;
    if (failures < settings->failures) {
        return RL_BREAKER_SAME;
    }
    if (atomic_compare_exchange_strong(&breaker->probe_due, &closed,
                                       now + settings->cooldown_us)) {
        return RL_BREAKER_OPENED;
    }
    /* A failed probe: the cooldown starts anew. */
    atomic_store(&breaker->probe_due, now + settings->cooldown_us);
    return RL_BREAKER_STAYS_OPEN;
}

bool rl_breaker_is_waiting(const rl_breaker_t *breaker, int64_t now)
{
    return atomic_load_explicit(&breaker->probe_due, memory_order_relaxed) > now;
}
