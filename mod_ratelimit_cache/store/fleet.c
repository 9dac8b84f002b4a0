#include "fleet.h"

#define TTL_SLACK   60
#define TTL_MAX_SEC (30 * 86400)

rl_digest_t rl_cell_of(const rl_source_t *source, const rl_digest_t *key)
{
    return (rl_digest_t){.hi = key->hi ^ source->salt.hi, .lo = key->lo ^ source->salt.lo};
}

/* Twice what counts, because clocks differ and TTLs end early, but never so much that memcached
 * takes it for a date. A bucket in use lives on and on, and is made anew when its TTL is over:
 * not too often. */
static uint32_t ttl_of(const rl_meter_t *meter)
{
    const int64_t more = meter->algorithm == RL_TOKEN_BUCKET ? 3600 : TTL_SLACK;
    const int64_t counts = rl_meter_quota_us(meter) / RL_USEC_PER_SEC;
    return (uint32_t)(counts < (TTL_MAX_SEC - more) / 2 ? 2 * counts + more : TTL_MAX_SEC);
}

rl_reservation_t rl_reservation(const rl_source_t *source, const rl_digest_t *key,
                                const rl_meter_t *meter, uint64_t window, int64_t now)
{
    rl_reservation_t res = {
        .source = source,
        .ops = source->session->upstream->ops,
        .meter = meter,
        .cell = rl_cell_of(source, key),
        .counter = {.key = *key, .ttl = ttl_of(meter)},
        .now = now,
    };
    res.counter.window = meter->algorithm == RL_TOKEN_BUCKET ? 0 : (uint32_t)window;
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
