/* SPDX-License-Identifier: Apache-2.0 */
#include "reservation.h"

#define TTL_MAX_SEC (30 * 86400)

uint32_t rl_shared_counter_ttl(int64_t seconds)
{
    return (uint32_t)(seconds < TTL_MAX_SEC ? seconds : TTL_MAX_SEC);
}

/* Twice the time in which the units count, because clocks differ and memcached ends a time to
 * live early. A bucket in use lives on, and is made anew whenever its time to live is over; the
 * hour keeps that rare. */
static uint32_t ttl_of(const rl_meter_t *meter)
{
    const int64_t more = rl_meter_is_window(meter) ? RL_TTL_SLACK : 3600;
    return rl_shared_counter_ttl(2 * (rl_meter_quota_us(meter) / RL_USEC_PER_SEC) + more);
}

bool rl_reservation_is_superseded(const rl_reservation_t *res, uint32_t *window)
{
    const rl_operation_t nothing = rl_operation_at_cost(&res->op, 0);
    rl_step_t step;
    rl_ledger_peek(res->source->ledger, &nothing, &step);
    *window = step.window;
    return step.used > 0 && step.window != res->here;
}

uint32_t rl_shared_counter_window(const rl_meter_t *meter, uint64_t window)
{
    return rl_meter_is_window(meter) ? (uint32_t)window : 0;
}

rl_reservation_t rl_reservation(const rl_source_t *source, const rl_operation_t *op,
                                uint64_t window)
{
    const uint32_t number = rl_shared_counter_window(&op->meter, window);
    return (rl_reservation_t){
        .source = source,
        .ops = source->session->store->ops,
        .op = *op,
        .counter = {.key = op->key, .window = number, .ttl = ttl_of(&op->meter)},
        .here = number,
    };
}
