/* SPDX-License-Identifier: Apache-2.0 */
/* Servers at rest that share a store, and one meter: requests one after the other, as the
 * limiter makes them. */
#ifndef T_UNIT_FLEET_CALM_H
#define T_UNIT_FLEET_CALM_H

#include "fleet_world.h"

#include "core/meter/meter.h"

#define MINUTE (60 * SECOND)

static rl_meter_t meter;

static inline rl_meter_t window(rl_algorithm_e algorithm, uint32_t limit, int64_t period_us)
{
    return (rl_meter_t){
        .algorithm = algorithm, .aligned = true, .limit = limit, .period_us = period_us};
}

static inline void set_out_as(const rl_meter_t *what, bool leases)
{
    static story_t calm;
    calm = (story_t){.servers = 3, .actors = 0, .cost_max = 1, .leases = leases};
    start(&calm, 1);
    meter = *what;
}

static inline void set_out(const rl_meter_t *what)
{
    set_out_as(what, false);
}

/* As the limiter does it. */
static inline rl_step_t ask_for(unsigned server, uint32_t cost)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_step_t step;
    rl_counter_charge(&source, OP(&key, &meter, now, cost), RL_ON_ERROR_LOCAL, &step);
    if (!step.granted) {
        rl_counter_overrun(&source, OP(&key, &meter, now, cost), &step);
    }
    return step;
}

static inline bool ask(unsigned server)
{
    return ask_for(server, 1).granted;
}

static inline unsigned admitted(unsigned server, unsigned n)
{
    unsigned in = 0;
    for (unsigned i = 0; i < n; i++) {
        in += ask(server);
    }
    return in;
}

static inline void refund(unsigned server, const rl_step_t *step, uint32_t units)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_counter_refund(&source, OP(&key, &meter, now, units), step->stamp);
}

static inline bool clear(unsigned server)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    return rl_counter_clear(&source, OP(&key, &meter, now, 1));
}

static inline void refresh(unsigned server)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_counter_refresh(&source, OP(&key, &meter, now, 1));
}

/* What a server would tell of the key after it has asked; -1: there was no answer. */
static inline int learned(unsigned server)
{
    rl_store_session_t session;
    const rl_source_t source = source_of(&servers[server], &session);
    rl_step_t step;
    const bool answered = rl_counter_learn(&source, OP(&key, &meter, now, 1));
    rl_counter_peek(&source, OP(&key, &meter, now, 0), &step);
    return answered ? (int)step.used : -1;
}

static bool cut_off;

static inline fault_e all_or_none(void *context, rl_store_session_t *session)
{
    (void)context;
    (void)session;
    return cut_off ? FAULT_REFUSED : FAULT_NONE;
}

#endif
