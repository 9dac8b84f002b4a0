/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include "../system/clock.h"

void rl_health_init(rl_health_t *health, rl_health_state_t *state,
                    const rl_breaker_settings_t *settings, rl_server_notify_fn *notify,
                    void *context, unsigned server)
{
    health->own = (rl_health_state_t){.forgiven = 0};
    health->state = state != NULL ? state : &health->own;
    health->settings = settings;
    health->notify = notify;
    health->context = context;
    health->server = server;
}

static rl_breaker_change_e note_answer(rl_health_t *health, bool success)
{
    return rl_breaker_note(&health->state->breaker, health->settings, rl_clock_now(), success);
}

void rl_health_good(rl_health_t *health, bool first)
{
    _Atomic unsigned *forgiven = &health->state->forgiven;
    if (atomic_load_explicit(forgiven, memory_order_relaxed) != RL_HEALTH_ERROR_ANSWERS) {
        atomic_store_explicit(forgiven, RL_HEALTH_ERROR_ANSWERS, memory_order_relaxed);
    }
    if (note_answer(health, true) == RL_BREAKER_CLOSED || first) {
        health->notify(health->context, RL_SERVER_WORKS, health->server, "");
    }
}

static void note_failure(rl_health_t *health, const char *reason)
{
    const rl_breaker_change_e change = note_answer(health, false);
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
    note_failure(health, reason);
}

void rl_health_tell(const rl_health_t *health, rl_server_event_e event, const char *reason)
{
    health->notify(health->context, event, health->server, reason);
}

void rl_health_error_answer(rl_health_t *health, rl_server_event_e event, const char *reason)
{
    _Atomic unsigned *forgiven = &health->state->forgiven;
    unsigned left = atomic_load_explicit(forgiven, memory_order_relaxed);
    rl_health_tell(health, event, reason);
    if (left == 0) {
        note_failure(health, reason);
    }
    else { /* of several at once it is enough if one counts */
        atomic_compare_exchange_strong(forgiven, &left, left - 1);
    }
}
