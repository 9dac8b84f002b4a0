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
 *     link     window (24 bits) | incarnation (16) | seed (24): the shared counter we know
 *     owed     window (32) | being paid (1) | units (31): granted here without the store
 *     contact  microseconds: when the shared counter was last read
 *
 * A counter that is missing is made anew from the known total; one that somebody else made
 * anew from a lower one is raised (core/tally.h). Units that were granted without the store
 * are added after the next reservation that is answered, so that the fleet learns of them and
 * nobody is let in for them a second time; until they are, they count on top of what it
 * answers. A reservation without an answer counts as spent in the store, and is owed as well
 * if it is granted here: a count may come out too high by it, never too low.
 *
 * memcached forgets what is only added to, so a counter is read once a second while it is used.
 */

enum { NOTE_LINK, NOTE_OWED, NOTE_CONTACT };

#define READ_EVERY  (1 * RL_USEC_PER_SEC)
#define TTL_SLACK   60
#define TTL_MAX_SEC (30 * 86400)
#define SWAP_TRIES  100
#define PAYING      (UINT64_C(1) << 31)
#define LINK_WINDOW (RL_TALLY_BITS + RL_INCARNATION_BITS) /* where it starts */

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
    uint32_t owed;  /* then */
    uint32_t debt;  /* what of it this reservation is to pay */
    uint64_t link;
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

static uint64_t make_owed(const rl_reservation_t *res, uint64_t units)
{
    return (uint64_t)res->counter.window << 32 | units;
}

static uint32_t units_of(const rl_reservation_t *res, uint64_t owed)
{
    return owed >> 32 == res->counter.window ? (uint32_t)(owed & (PAYING - 1)) : 0;
}

static uint32_t units_owed(const rl_reservation_t *res)
{
    return units_of(res, note(res, NOTE_OWED));
}

static bool is_being_paid(const rl_reservation_t *res, uint64_t owed)
{
    return owed >> 32 == res->counter.window && (owed & PAYING) != 0;
}

/* Puts this reservation in charge of paying the debt; see settle_debt(). */
static uint32_t take_debt(const rl_reservation_t *res)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = note(res, NOTE_OWED);
        const uint32_t units = units_of(res, owed);
        if (units == 0 || is_being_paid(res, owed)) {
            return 0;
        }
        if (swap_note(res, NOTE_OWED, owed, make_owed(res, units | PAYING))) {
            return units;
        }
    }
    return 0;
}

/* The debt that was taken has been paid, or not: paid is what it said, or 0. */
static void settle_debt(rl_reservation_t *res, uint32_t paid)
{
    for (int i = 0; res->debt > 0 && i < SWAP_TRIES; i++) {
        const uint64_t owed = note(res, NOTE_OWED);
        const uint32_t units = units_of(res, owed);
        if (!is_being_paid(res, owed) ||
            swap_note(res, NOTE_OWED, owed, make_owed(res, units > paid ? units - paid : 0))) {
            break;
        }
    }
    res->debt = 0;
}

static void owe(const rl_reservation_t *res, uint32_t units)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = note(res, NOTE_OWED);
        if ((int32_t)((uint32_t)(owed >> 32) - res->counter.window) > 0) {
            return; /* a later window has begun, and its debt stands here */
        }
        const uint64_t sum = (uint64_t)units_of(res, owed) + units;
        const uint64_t flag = is_being_paid(res, owed) ? PAYING : 0;
        if (sum >= PAYING || swap_note(res, NOTE_OWED, owed, make_owed(res, sum | flag))) {
            return;
        }
    }
}

/* Takes units off a debt that nobody is paying; false when there are not that many. */
static bool forgive(const rl_reservation_t *res, uint32_t units)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t owed = note(res, NOTE_OWED);
        if (units_of(res, owed) < units || is_being_paid(res, owed)) {
            return false;
        }
        if (swap_note(res, NOTE_OWED, owed, owed - units)) {
            return true;
        }
    }
    return false;
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
    return (uint64_t)(res->counter.window & ((1u << RL_TALLY_BITS) - 1)) << LINK_WINDOW |
           (uint64_t)incarnation << RL_TALLY_BITS | seed;
}

/* What is known of the key at this moment; others may have learned more since we looked. */
static uint32_t known_now(const rl_reservation_t *res)
{
    rl_step_t step;
    rl_ledger_peek(res->source->ledger, &res->cell, res->meter, res->now, 0, &step);
    return step.window == res->counter.window && step.used > res->known ? step.used
                                                                        : res->known;
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

/* Reserves cost. One round trip, three for the first in a window. */
static rl_upstream_status_e reserve(rl_reservation_t *res, rl_tally_t *tally)
{
    rl_upstream_status_e status = add(res, res->cost, tally);
    if (status == RL_UPSTREAM_MISSING) {
        status = create(res, tally);
        if (status == RL_UPSTREAM_OK) {
            settle_debt(res, res->debt); /* is part of what is known */
        }
        if (status == RL_UPSTREAM_EXISTS) {
            status = add(res, res->cost, tally);
        }
    }
    return status;
}

/* Adds what is owed, by itself and only to a store that has just answered: a debt that is sent
 * with every attempt would be counted as often as an attempt times out. */
static void pay(rl_reservation_t *res, rl_tally_t *tally)
{
    const rl_tally_t unpaid = *tally;
    if (res->debt > 0 && add(res, res->debt, tally) == RL_UPSTREAM_OK) {
        settle_debt(res, res->debt);
    }
    else {
        settle_debt(res, 0);
        *tally = unpaid;
    }
}

/* Raises the total known here. */
static void learn(const rl_reservation_t *res, uint32_t total)
{
    const uint32_t limit = res->meter->limit;
    rl_ledger_raise(res->source->ledger, &res->cell, res->meter, res->now, res->counter.window,
                    total < limit ? total : limit);
}

static bool is_linked(const rl_reservation_t *res, const rl_tally_t *tally)
{
    return res->link >> RL_TALLY_BITS == make_link(res, tally->incarnation, 0) >> RL_TALLY_BITS;
}

/* What the counter should have been made from, as far as this server knows; 0 if it has none
 * of this window. A link without an incarnation is left by a raise that failed: it may have
 * been carried out. */
static uint32_t seed_wanted(const rl_reservation_t *res, const rl_tally_t *tally)
{
    const uint64_t unlinked = make_link(res, 0, 0);
    if (res->link >> LINK_WINDOW != unlinked >> LINK_WINDOW) {
        return 0;
    }
    if (is_linked(res, tally) || res->link >> RL_TALLY_BITS == unlinked >> RL_TALLY_BITS) {
        return (uint32_t)(res->link & ((1u << RL_TALLY_BITS) - 1));
    }
    return res->known > res->owed ? res->known - res->owed : 0;
}

/* Learns which counter answered. If it is another than before, made by somebody who knew less
 * than we did, the one thread that notices first adds the difference; when that fails, the next
 * one tries again. Returns what the counter still lacks. */
static uint32_t reconcile(const rl_reservation_t *res, rl_tally_t *tally)
{
    const uint32_t wanted = seed_wanted(res, tally);
    const uint32_t lacking = wanted > tally->seed ? wanted - tally->seed : 0;
    const uint64_t link = make_link(res, tally->incarnation, tally->seed + lacking);
    const bool linked = is_linked(res, tally);
    rl_tally_t raised;
    if (res->link == 0) {
        learn(res, res->known); /* a key without a cell can't keep notes */
    }
    if (res->link == link || !swap_note(res, NOTE_LINK, res->link, link) || linked ||
        lacking == 0) {
        return lacking;
    }
    if (add(res, rl_tally_raise(lacking), &raised) != RL_UPSTREAM_OK) {
        swap_note(res, NOTE_LINK, link, make_link(res, 0, wanted));
        return lacking;
    }
    *tally = raised;
    return 0;
}

static void keep_alive(const rl_reservation_t *res)
{
    uint64_t value;
    if (is_read_due(res)) {
        res->ops->read(res->source->session, &res->counter, &value);
    }
}

/* Within the limit: spend it. Beyond: give it back, and remember that there is nothing left.
 * What the counter lacks, and what was granted without it meanwhile, counts as well. */
static void spend(const rl_reservation_t *res, const rl_tally_t *tally, uint32_t lacking,
                  rl_step_t *step)
{
    const uint32_t limit = res->meter->limit;
    const uint32_t total = tally->total + lacking + units_owed(res);
    step->granted = total <= limit;
    if (step->granted) {
        learn(res, total);
        step->used = total;
        step->retry = res->now;
        return;
    }
    learn(res, total - res->cost);
    res->ops->subtract(res->source->session, &res->counter, res->cost);
    step->used = total - res->cost < limit ? total - res->cost : limit;
    step->retry = step->reset;
}

/* The store didn't answer. */
static bool do_without(rl_reservation_t *res, rl_on_error_e on_error, rl_step_t *step)
{
    settle_debt(res, 0);
    if (on_error == RL_ON_ERROR_LOCAL) {
        rl_ledger_charge(res->source->ledger, &res->cell, res->meter, res->now, res->cost,
                         step);
        if (step->granted) {
            owe(res, res->cost);
        }
        return true;
    }
    step->granted = on_error == RL_ON_ERROR_ALLOW;
    step->retry = step->granted ? res->now : res->now + RL_USEC_PER_SEC;
    return false;
}

/* What is known before asking. */
static void look_up_notes(rl_reservation_t *res)
{
    res->link = note(res, NOTE_LINK);
    res->owed = units_owed(res);
    res->debt = take_debt(res);
}

static bool is_shared(const rl_source_t *source, const rl_meter_t *meter)
{
    return source->session != NULL && rl_meter_is_shareable(meter);
}

/* ---- penalties ---- */

/* A key's penalty has a cell of its own. */
static rl_digest_t penalty_cell(const rl_digest_t *cell)
{
    return (rl_digest_t){.hi = cell->hi ^ UINT64_C(0xa54ff53a5f1d36f1),
                         .lo = cell->lo ^ UINT64_C(0x510e527fade682d1)};
}

/* A key under a penalty is denied; what it has used stays what it is. */
static void look_at_penalty(const rl_source_t *source, const rl_digest_t *cell,
                            const rl_meter_t *meter, int64_t now, rl_step_t *step)
{
    const rl_meter_t penalty = rl_meter_penalty(meter);
    const rl_digest_t place = penalty_cell(cell);
    rl_step_t sentence;
    rl_ledger_peek(source->ledger, &place, &penalty, now, 0, &sentence);
    if (sentence.granted) {
        return;
    }
    if (step->granted) {
        rl_ledger_peek(source->ledger, cell, meter, now, 0, step);
        step->granted = false;
    }
    step->retry = sentence.retry > step->retry ? sentence.retry : step->retry;
}

static void impose_penalty(const rl_source_t *source, const rl_digest_t *cell,
                           const rl_meter_t *meter, int64_t now, rl_step_t *step)
{
    const rl_meter_t penalty = rl_meter_penalty(meter);
    const rl_digest_t place = penalty_cell(cell);
    rl_step_t sentence;
    rl_ledger_charge(source->ledger, &place, &penalty, now, 1, &sentence);
    step->retry = sentence.retry > step->retry ? sentence.retry : step->retry;
}

/* ---- what the limiter calls ---- */

void rl_source_peek(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                    int64_t now, uint32_t cost, rl_step_t *step)
{
    const rl_digest_t cell = cell_of(source, key);
    rl_ledger_peek(source->ledger, &cell, meter, now, cost, step);
    if (meter->penalty_us > 0) {
        look_at_penalty(source, &cell, meter, now, step);
    }
}

bool rl_source_charge(const rl_source_t *source, const rl_digest_t *key,
                      const rl_meter_t *meter, int64_t now, uint32_t cost,
                      rl_on_error_e on_error, rl_step_t *step)
{
    const rl_digest_t cell = cell_of(source, key);
    rl_reservation_t res;
    rl_upstream_status_e status;
    rl_tally_t tally;
    uint32_t lacking;
    if (meter->penalty_us > 0 || is_shared(source, meter)) {
        rl_source_peek(source, key, meter, now, cost, step);
        if (!step->granted) {
            return true; /* known to be denied: no round trip */
        }
    }
    if (!is_shared(source, meter)) {
        rl_ledger_charge(source->ledger, &cell, meter, now, cost, step);
        return true;
    }
    res = reservation(source, key, meter, step->window);
    res.now = now;
    res.cost = cost;
    res.known = step->used - cost;
    look_up_notes(&res);
    status = reserve(&res, &tally);
    if (status != RL_UPSTREAM_OK) {
        return do_without(&res, on_error, step);
    }
    lacking = reconcile(&res, &tally);
    pay(&res, &tally);
    spend(&res, &tally, lacking, step);
    keep_alive(&res);
    return true;
}

void rl_source_overrun(const rl_source_t *source, const rl_digest_t *key,
                       const rl_meter_t *meter, int64_t now, uint32_t cost, rl_step_t *step)
{
    const rl_digest_t cell = cell_of(source, key);
    rl_step_t denied;
    if (step->word >= 0) {
        rl_ledger_deny(source->ledger, &cell, meter, now, cost, &denied);
    }
    if (meter->penalty_us > 0) {
        impose_penalty(source, &cell, meter, now, step);
    }
}

void rl_source_clear(const rl_source_t *source, const rl_digest_t *key, const rl_meter_t *meter,
                     int64_t now)
{
    const rl_digest_t cell = cell_of(source, key);
    rl_ledger_clear(source->ledger, &cell, meter, now);
    if (meter->penalty_us > 0) {
        const rl_meter_t penalty = rl_meter_penalty(meter);
        const rl_digest_t place = penalty_cell(&cell);
        rl_ledger_clear(source->ledger, &place, &penalty, now);
    }
}

void rl_source_refund(const rl_source_t *source, const rl_digest_t *key,
                      const rl_meter_t *meter, uint64_t stamp, uint32_t units, int64_t now)
{
    const rl_digest_t cell = cell_of(source, key);
    rl_ledger_refund(source->ledger, &cell, meter, stamp, units, now);
    if (is_shared(source, meter)) {
        const rl_reservation_t res = reservation(source, key, meter, (uint32_t)stamp);
        if (!forgive(&res, units)) {
            res.ops->subtract(source->session, &res.counter, units);
        }
    }
}

/* What others gave back since is there to be asked for again. */
static void unlearn(const rl_reservation_t *res, const rl_tally_t *tally)
{
    const uint32_t owed = units_owed(res);
    const uint32_t total = tally->total + (owed > res->owed ? owed : res->owed);
    if (total < res->known) {
        rl_ledger_refund(res->source->ledger, &res->cell, res->meter, res->counter.window,
                         res->known - total, res->now);
    }
}

static void compare(rl_reservation_t *res)
{
    uint64_t value;
    rl_tally_t tally;
    switch (res->ops->read(res->source->session, &res->counter, &value)) {
    case RL_UPSTREAM_MISSING:
        if (create(res, &tally) == RL_UPSTREAM_OK) {
            settle_debt(res, res->debt);
        }
        break;
    case RL_UPSTREAM_OK:
        if (rl_tally_unpack(value, &tally) && reconcile(res, &tally) == 0) {
            pay(res, &tally);
            unlearn(res, &tally);
        }
        break;
    default:
        break;
    }
    settle_debt(res, 0);
}

void rl_source_refresh(const rl_source_t *source, const rl_digest_t *key,
                       const rl_meter_t *meter, int64_t now)
{
    rl_reservation_t res;
    rl_step_t step;
    if (!is_shared(source, meter)) {
        return;
    }
    rl_source_peek(source, key, meter, now, 0, &step);
    res = reservation(source, key, meter, step.window);
    res.now = now;
    res.known = step.used;
    if (!is_read_due(&res)) {
        return;
    }
    look_up_notes(&res);
    compare(&res);
}

uint32_t rl_source_note_denial(const rl_source_t *source, const rl_digest_t *key,
                               const rl_step_t *step, int64_t now, uint32_t *repeats)
{
    const rl_digest_t cell = cell_of(source, key);
    return rl_ledger_note_denial(source->ledger, &cell, step, now, repeats);
}
