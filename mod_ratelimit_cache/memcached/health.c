/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include "../system/clock.h"

void rl_health_init(rl_health_t *health, rl_health_state_t *state, rl_traffic_t *traffic,
                    const rl_breaker_settings_t *settings, rl_server_notify_fn *notify,
                    void *context, unsigned server)
{
    health->own = (rl_health_state_t){.forgiven = 0};
    health->state = state != NULL ? state : &health->own;
    health->traffic = traffic;
    health->settings = settings;
    health->notify = notify;
    health->context = context;
    health->server = server;
}

bool rl_health_is_away(const rl_health_state_t *state)
{
    return atomic_load_explicit(&state->breaker.probe_due, memory_order_relaxed) != 0;
}

static bool health_has_failed(const rl_health_state_t *state)
{
    return atomic_load_explicit(&state->breaker.failures, memory_order_relaxed) > 0;
}

void rl_health_count_local(rl_health_state_t *state)
{
    if (health_has_failed(state)) {
        atomic_fetch_add_explicit(&state->local, 1, memory_order_relaxed);
    }
}

uint64_t rl_health_local(const rl_health_state_t *state)
{
    return rl_health_is_away(state) ? atomic_load(&state->local) : 0;
}

bool rl_health_last_outage(const rl_health_state_t *state, rl_outage_t *outage)
{
    outage->lasted_us = atomic_load(&state->last_outage_us);
    outage->local = atomic_load(&state->last_local);
    return outage->lasted_us > 0;
}

bool rl_health_may_visit(rl_health_state_t *state, int64_t interval_us, int64_t now)
{
    int64_t last = atomic_load_explicit(&state->visited, memory_order_relaxed);
    return rl_health_is_away(state) && now - last >= interval_us &&
           atomic_compare_exchange_strong(&state->visited, &last, now);
}

/* Notes the first of several failures in a row; of several that come at once, one does. */
static void note_begin(rl_health_state_t *state, int64_t now)
{
    int64_t before = atomic_load_explicit(&state->failing_since, memory_order_relaxed);
    if (!health_has_failed(state) &&
        atomic_compare_exchange_strong(&state->failing_since, &before, now)) {
        atomic_store(&state->local, 0);
    }
}

/* Before the breaker is closed: whoever then learns that the server works finds it. */
static void note_end(rl_health_state_t *state, int64_t now)
{
    const int64_t lasted = now - atomic_load(&state->failing_since);
    atomic_store(&state->last_local, atomic_load(&state->local));
    atomic_store(&state->last_outage_us, lasted > 0 ? lasted : 1);
}

static rl_breaker_change_e note_answer(rl_health_t *health, int64_t now, bool success)
{
    return rl_breaker_note(&health->state->breaker, health->settings, now, success);
}

void rl_health_good(rl_health_t *health, bool first, int64_t asked)
{
    const int64_t now = rl_clock_now();
    _Atomic unsigned *forgiven = &health->state->forgiven;
    if (atomic_load_explicit(forgiven, memory_order_relaxed) != RL_HEALTH_ERROR_ANSWERS) {
        atomic_store_explicit(forgiven, RL_HEALTH_ERROR_ANSWERS, memory_order_relaxed);
    }
    rl_traffic_answered(health->traffic, now - asked);
    rl_traffic_back(health->traffic, now);
    if (rl_health_is_away(health->state)) {
        note_end(health->state, now);
    }
    if (note_answer(health, now, true) == RL_BREAKER_CLOSED || first) {
        health->notify(health->context, RL_SERVER_WORKS, health->server, "");
    }
}

static void note_failure(rl_health_t *health, const char *reason)
{
    const int64_t now = rl_clock_now();
    rl_breaker_change_e change;
    note_begin(health->state, now);
    change = note_answer(health, now, false);
    if (change == RL_BREAKER_OPENED) {
        rl_traffic_away(health->traffic, atomic_load(&health->state->failing_since));
    }
    if (change == RL_BREAKER_OPENED || change == RL_BREAKER_STAYS_OPEN) {
        health->notify(health->context,
                       change == RL_BREAKER_OPENED ? RL_SERVER_FAILS : RL_SERVER_STILL_FAILS,
                       health->server, reason);
    }
}

/* The server that comes back may be another one: it starts as one that has given no good
 * answer. */
void rl_health_failed(rl_health_t *health, const char *reason)
{
    atomic_store_explicit(&health->state->forgiven, 0, memory_order_relaxed);
    rl_traffic_error(health->traffic);
    note_failure(health, reason);
}

void rl_health_tell(const rl_health_t *health, rl_server_event_e event, const char *reason)
{
    health->notify(health->context, event, health->server, reason);
}

void rl_health_error_answer(rl_health_t *health, rl_server_event_e event, const char *reason,
                            bool to_a_write)
{
    _Atomic unsigned *forgiven = &health->state->forgiven;
    unsigned left = atomic_load_explicit(forgiven, memory_order_relaxed);
    rl_traffic_error(health->traffic);
    rl_health_tell(health, event, reason);
    if (to_a_write) {
        return;
    }
    if (left == 0) {
        note_failure(health, reason);
    }
    else { /* of several at once it is enough if one counts */
        atomic_compare_exchange_strong(forgiven, &left, left - 1);
    }
}
