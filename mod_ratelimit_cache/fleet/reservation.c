#include "reservation.h"

#define TTL_MAX_SEC (30 * 86400)

static bool is_bucket(const rl_meter_t *meter)
{
    return meter->algorithm == RL_TOKEN_BUCKET;
}

rl_digest_t rl_cell_of(const rl_source_t *source, const rl_digest_t *key)
{
    return (rl_digest_t){.hi = key->hi ^ source->salt.hi, .lo = key->lo ^ source->salt.lo};
}

uint32_t rl_counter_ttl(int64_t seconds)
{
    return (uint32_t)(seconds < TTL_MAX_SEC ? seconds : TTL_MAX_SEC);
}

/* Twice what counts, because clocks differ and TTLs end early. A bucket in use lives on and on,
 * and is made anew when its TTL is over: not too often. */
static uint32_t ttl_of(const rl_meter_t *meter)
{
    const int64_t more = is_bucket(meter) ? 3600 : RL_TTL_SLACK;
    return rl_counter_ttl(2 * (rl_meter_quota_us(meter) / RL_USEC_PER_SEC) + more);
}

uint32_t rl_counter_window(const rl_meter_t *meter, uint64_t window)
{
    return is_bucket(meter) ? 0 : (uint32_t)window;
}

rl_reservation_t rl_reservation(const rl_source_t *source, const rl_digest_t *key,
                                const rl_meter_t *meter, uint64_t window, int64_t now)
{
    rl_reservation_t res = {
        .source = source,
        .ops = source->session->upstream->ops,
        .meter = meter,
        .cell = rl_cell_of(source, key),
        .counter = {.key = *key,
                    .window = rl_counter_window(meter, window),
                    .ttl = ttl_of(meter)},
        .now = now,
    };
    return res;
}

void rl_reservation_look_up(rl_reservation_t *res)
{
    res->link = rl_note(res, RL_NOTE_LINK);
    res->owed = rl_debt_units(res);
    res->known =
        rl_ledger_held(res->source->ledger, &res->cell, res->meter, res->counter.window);
    rl_debt_take(res);
}
