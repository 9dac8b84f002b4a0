#include "source.h"

#include "../core/tally.h"

/* One limit for a fleet
 *
 * Each unit is reserved in the shared store by an atomic addition whose sum is within the
 * limit, before it is spent. The key's cell in the ledger holds the highest total that this
 * server knows of: once that is the limit nothing is asked any more until the window ends.
 *
 * Next to it the cell keeps three notes:
 *
 *     link     window (28 bits) | incarnation (8) | seed (28): the shared counter we know
 *     owed     window (32) | units (32): granted here while the store did not answer
 *     contact  microseconds: when the shared counter was last read
 *
 * A counter that is missing is made anew from the known total; one that somebody else made
 * anew from a lower one is raised (core/tally.h). Units that were granted without the store
 * are added with the next reservation, so that the fleet learns of them and nobody is let in
 * for them a second time. A reservation without an answer counts as spent in the store, and
 * is owed as well if it is granted here: a count may come out too high by it, never too low.
 *
 * memcached forgets what is only added to, so a counter is read once a second while it is used.
 */

enum { NOTE_LINK, NOTE_OWED, NOTE_CONTACT };

#define READ_EVERY  (1 * RL_USEC_PER_SEC)
#define TTL_SLACK   60
#define TTL_MAX_SEC (30 * 86400)
#define SWAP_TRIES  100

/* One reservation under way. */
typedef struct rl_reservation {
    const rl_source_t *source;
    const rl_upstream_ops_t *ops;
    const rl_meter_t *meter;
    rl_digest_t cell; /* what the ledger files the key under */
    rl_counter_t counter;
    int64_t now;
    uint32_t cost;
    uint32_t known; /* the highest total known here, what is owed included */
    uint32_t owed;
} rl_reservation_t;

static rl_digest_t cell_of(const rl_source_t *source, const rl_digest_t *key)
{
    return (rl_digest_t){.hi = key->hi ^ source->salt.hi, .lo = key->lo ^ source->salt.lo};
}

/* Twice the period, because clocks differ and TTLs end early, but never so much that memcached
 * takes it for a date. */
static uint32_t ttl_of(const rl_meter_t *meter)
{
    const int64_t ttl = 2 * meter->period_us / RL_USEC_PER_SEC + TTL_SLACK;
    return (uint32_t)(ttl < TTL_MAX_SEC ? ttl : TTL_MAX_SEC);
}

static rl_reservation_t reservation(const rl_source_t *source, const rl_digest_t *key,
                                    const rl_meter_t *meter, uint32_t window)
{
    return (rl_reservation_t){
        .source = source,
        .ops = source->session->upstream->ops,
        .meter = meter,
        .cell = cell_of(source, key),
        .counter = {.key = *key, .window = window, .ttl = ttl_of(meter)},
    };
}

/* ---- notes ---- */

static uint64_t note(const rl_reservation_t *res, unsigned n)
{
    return rl_ledger_note(res->source->ledger, &res->cell, n);
}

static bool swap_note(const rl_reservation_t *res, unsigned n, uint64_t from, uint64_t to)
{
    return rl_ledger_swap_note(res->source->ledger, &res->cell, n, from, to);
}

static uint32_t units_owed(const rl_reservation_t *res, uint64_t owed)
{
    return owed >> 32 == res->counter.window ? (uint32_t)owed : 0;
}

/* Takes the debt over from the cell: this reservation will pay it, or put it back. */
static uint32_t take_owed(const rl_reservation_t *res)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = note(res, NOTE_OWED);
        const uint32_t units = units_owed(res, owed);
        if (units == 0 ||
            swap_note(res, NOTE_OWED, owed, (uint64_t)res->counter.window << 32)) {
            return units;
        }
    }
    return 0;
}

static void put_owed(const rl_reservation_t *res, uint32_t units)
{
    for (int i = 0; units > 0 && i < SWAP_TRIES; i++) {
        const uint64_t owed = note(res, NOTE_OWED);
        const uint64_t sum = (uint64_t)units_owed(res, owed) + units;
        if (swap_note(res, NOTE_OWED, owed, (uint64_t)res->counter.window << 32 | sum)) {
            return;
        }
    }
}

/* Whether a read is due, to one caller a second. */
static bool is_read_due(const rl_reservation_t *res)
{
    const uint64_t last = note(res, NOTE_CONTACT);
    const uint64_t now = (uint64_t)res->now;
    if (last > 0 && now >= last && now - last < (uint64_t)READ_EVERY) {
        return false;
    }
    return swap_note(res, NOTE_CONTACT, last, now) && last > 0;
}

/* ---- the shared counter ---- */

static uint64_t make_link(const rl_reservation_t *res, unsigned incarnation, uint32_t seed)
{
    return (uint64_t)(res->counter.window & ((1u << RL_TALLY_BITS) - 1)) << 36 |
           (uint64_t)incarnation << RL_TALLY_BITS | seed;
}

/* What is known of the key at this moment; others may have learned more since we looked. */
static uint32_t known_now(const rl_reservation_t *res)
{
    rl_step_t step;
    rl_ledger_peek(res->source->ledger, &res->cell, res->meter, res->now, 0, &step);
    return step.stamp == res->counter.window && step.used > res->known ? step.used : res->known;
}

/* Makes the counter from what is known here plus what is being reserved. */
static rl_upstream_status_e create(rl_reservation_t *res, rl_tally_t *tally)
{
    res->known = known_now(res);
    *tally = (rl_tally_t){.incarnation = res->source->incarnation,
                          .seed = res->known,
                          .total = res->known + res->cost};
    return res->ops->create(res->source->session, &res->counter, rl_tally_pack(tally));
}

static rl_upstream_status_e add(const rl_reservation_t *res, uint64_t units, rl_tally_t *tally)
{
    uint64_t value;
    const rl_upstream_status_e status =
        res->ops->add(res->source->session, &res->counter, units, &value);
    if (status == RL_UPSTREAM_OK && !rl_tally_unpack(value, tally)) {
        return RL_UPSTREAM_ERROR;
    }
    return status;
}

/* Reserves cost and pays what is owed. One round trip, three for the first in a window. */
static rl_upstream_status_e reserve(rl_reservation_t *res, rl_tally_t *tally)
{
    const uint64_t units = (uint64_t)res->cost + res->owed;
    rl_upstream_status_e status = add(res, units, tally);
    if (status == RL_UPSTREAM_MISSING) {
        status = create(res, tally);
        if (status == RL_UPSTREAM_EXISTS) {
            status = add(res, units, tally);
        }
    }
    return status;
}

/* Raises the total known here. */
static void learn(const rl_reservation_t *res, uint32_t total)
{
    const uint32_t limit = res->meter->limit;
    rl_ledger_raise(res->source->ledger, &res->cell, res->meter, res->now, res->counter.window,
                    total < limit ? total : limit);
}

/* Learns which counter answered. If it is another than before, made by somebody who knew less
 * than we did, the one thread that notices first adds the difference. */
static void reconcile(const rl_reservation_t *res, rl_tally_t *tally)
{
    const uint64_t link = note(res, NOTE_LINK);
    const uint64_t found = make_link(res, tally->incarnation, tally->seed);
    const uint32_t before = res->known > res->owed ? res->known - res->owed : 0;
    uint32_t lacking = 0;
    if (link == 0) {
        learn(res, res->known); /* a key without a cell can't keep notes */
    }
    if (link >> 36 == found >> 36 && link >> RL_TALLY_BITS != found >> RL_TALLY_BITS &&
        before > tally->seed) {
        lacking = before - tally->seed;
    }
    if (link == found ||
        !swap_note(res, NOTE_LINK, link,
                   make_link(res, tally->incarnation, tally->seed + lacking)) ||
        lacking == 0) {
        return;
    }
    add(res, rl_tally_raise(lacking), tally);
}

static void keep_alive(const rl_reservation_t *res)
{
    uint64_t value;
    if (is_read_due(res)) {
        res->ops->read(res->source->session, &res->counter, &value);
    }
}

/* Within the limit: spend it. Beyond: give it back, and remember that there is nothing left. */
static void spend(const rl_reservation_t *res, const rl_tally_t *tally, rl_step_t *step)
{
    step->granted = tally->total <= res->meter->limit;
    if (step->granted) {
        learn(res, tally->total);
        step->used = tally->total;
        step->retry = res->now;
        return;
    }
    learn(res, tally->total - res->cost);
    res->ops->subtract(res->source->session, &res->counter, res->cost);
    step->used = tally->total - res->cost < res->meter->limit ? tally->total - res->cost
                                                              : res->meter->limit;
    step->retry = step->reset;
}

/* The store didn't answer. */
static bool do_without(const rl_reservation_t *res, rl_on_error_e on_error, rl_step_t *step)
{
    put_owed(res, res->owed);
    if (on_error == RL_ON_ERROR_LOCAL) {
        rl_ledger_charge(res->source->ledger, &res->cell, res->meter, res->now, res->cost,
                         step);
        if (step->granted) {
            put_owed(res, res->cost);
        }
        return true;
    }
    step->granted = on_error == RL_ON_ERROR_ALLOW;
    step->retry = step->granted ? res->now : res->now + RL_USEC_PER_SEC;
    return false;
}

static bool is_shared(const rl_source_t *source, const rl_meter_t *meter)
{
    return source->session != NULL && meter->limit <= RL_TALLY_LIMIT;
}

/* ---- what the limiter calls ---- */

void rl_source_peek(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step)
{
    const rl_digest_t cell = cell_of(source, key);
    rl_ledger_peek(source->ledger, &cell, meter, now, cost, step);
}

bool rl_source_charge(const rl_source_t *source, const rl_digest_t *key,
                      const rl_meter_t *meter, int64_t now, uint32_t cost,
                      rl_on_error_e on_error, rl_step_t *step)
{
    const rl_digest_t cell = cell_of(source, key);
    rl_reservation_t res;
    rl_upstream_status_e status;
    rl_tally_t tally;
    if (!is_shared(source, meter)) {
        rl_ledger_charge(source->ledger, &cell, meter, now, cost, step);
        return true;
    }
    rl_ledger_peek(source->ledger, &cell, meter, now, cost, step);
    if (!step->granted) {
        return true; /* known to be full: no round trip */
    }
    res = reservation(source, key, meter, step->stamp);
    res.now = now;
    res.cost = cost;
    res.known = step->used - cost;
    res.owed = take_owed(&res);
    status = reserve(&res, &tally);
    if (status != RL_UPSTREAM_OK) {
        return do_without(&res, on_error, step);
    }
    reconcile(&res, &tally);
    spend(&res, &tally, step);
    keep_alive(&res);
    return true;
}

void rl_source_refund(const rl_source_t *source, const rl_digest_t *key,
                      const rl_meter_t *meter, uint32_t stamp, uint32_t units)
{
    const rl_digest_t cell = cell_of(source, key);
    rl_ledger_refund(source->ledger, &cell, meter, stamp, units);
    if (is_shared(source, meter)) {
        const rl_reservation_t res = reservation(source, key, meter, stamp);
        res.ops->subtract(source->session, &res.counter, units);
    }
}

void rl_source_refresh(const rl_source_t *source, const rl_digest_t *key,
                       const rl_meter_t *meter, int64_t now)
{
    rl_reservation_t res;
    rl_tally_t tally;
    rl_step_t step;
    uint64_t value;
    if (!is_shared(source, meter)) {
        return;
    }
    rl_source_peek(source, key, meter, now, 0, &step);
    res = reservation(source, key, meter, step.stamp);
    res.now = now;
    res.known = step.used;
    if (!is_read_due(&res)) {
        return;
    }
    switch (res.ops->read(source->session, &res.counter, &value)) {
    case RL_UPSTREAM_MISSING:
        create(&res, &tally);
        break;
    case RL_UPSTREAM_OK:
        if (rl_tally_unpack(value, &tally)) {
            reconcile(&res, &tally);
        }
        break;
    default:
        break;
    }
}

uint32_t rl_source_note_denial(const rl_source_t *source, const rl_digest_t *key,
                               const rl_meter_t *meter, const rl_step_t *step, int64_t now,
                               uint32_t *repeats)
{
    const rl_digest_t cell = cell_of(source, key);
    return rl_ledger_note_denial(source->ledger, &cell, meter, step, now, repeats);
}
