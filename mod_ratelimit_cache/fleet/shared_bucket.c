/* SPDX-License-Identifier: Apache-2.0 */
#include "debts.h"
#include "notes.h"
#include "shared_algorithm.h"

#include "../core/meter/bucket.h"
#include "../core/meter/lease_word.h"

/* Token buckets. A key has one shared counter, its theoretical arrival time
 * (core/meter/bucket.c), to which tokens are added. As long as the bucket isn't full, that
 * takes one round trip. The time of a full bucket lags the clock; it is moved up to the clock
 * together with the charge, by a replacement that succeeds for one server only. A server whose
 * replacement fails doesn't repeat it: the winner has moved the time up, so the loser just adds
 * its cost.
 *
 * Debts drain like everything else in a bucket. So what is paid of a debt is the lesser of what
 * hasn't drained here yet and what the bucket has room for.
 */

#define REPLACE_TRIES  3
#define CHARGE_TRIES   3
#define IDENTITY_TRIES 32

#define SEED_MASK ((UINT32_C(1) << RL_TALLY_BITS) - 1)

static uint64_t ticks_now(const rl_reservation_t *res)
{
    return rl_bucket_ticks(&res->op.meter, res->op.now);
}

static uint64_t whole_bucket(const rl_reservation_t *res)
{
    return rl_bucket_cost(&res->op.meter, res->op.meter.burst);
}

static uint64_t shared_bucket_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Computes the step of a bucket whose arrival time is this. */
static void shared_bucket_describe(const rl_reservation_t *res, uint64_t time, uint32_t cost,
                                   rl_step_t *step)
{
    const uint64_t words[RL_METER_WORDS] = {time};
    const rl_operation_t op = rl_operation_at_cost(&res->op, cost);
    rl_meter_charge(&op, words, step);
}

static void shared_bucket_lower_to(const rl_reservation_t *res, uint64_t from, uint64_t to)
{
    const rl_correction_t correction = {.from = from, .to = to};
    rl_ledger_lower(res->source->ledger, &res->op, &correction);
}

/* Returns the arrival time known here, between now and a whole bucket ahead; for a key that is
 * new here, that of a new bucket. */
static uint64_t time_here(const rl_reservation_t *res)
{
    rl_step_t step;
    shared_bucket_describe(res, res->known, 0, &step);
    return step.stamp;
}

static uint64_t shared_bucket_known_now(const rl_reservation_t *res)
{
    return rl_ledger_held(res->source->ledger, &res->op, 0);
}

/* Returns the ticks that are owed and haven't drained; they count until they are paid. */
static uint64_t pending(const rl_reservation_t *res)
{
    const uint32_t owed = rl_debt_units(res), burst = res->op.meter.burst;
    return shared_bucket_least(rl_bucket_cost(&res->op.meter, owed < burst ? owed : burst),
                               above(shared_bucket_known_now(res), ticks_now(res)));
}

/* ---- operations ---- */

static rl_store_status_e shared_bucket_add(const rl_reservation_t *res, uint64_t ticks,
                                           rl_tally_time_t *tally)
{
    uint64_t value = 0;
    const rl_store_status_e status =
        res->ops->add(res->source->session, &res->counter, ticks, &value);
    if (status == RL_STORE_OK && !rl_tally_unpack_time(value, tally)) {
        res->ops->subtract(res->source->session, &res->counter, ticks, &value);
        return RL_STORE_ERROR;
    }
    return status;
}

static rl_store_status_e read_time(const rl_reservation_t *res, rl_tally_time_t *tally)
{
    uint64_t value = 0;
    const rl_store_status_e status =
        res->ops->read(res->source->session, &res->counter, &value);
    if (status == RL_STORE_OK && !rl_tally_unpack_time(value, tally)) {
        return RL_STORE_ERROR;
    }
    return status;
}

static rl_store_status_e shared_bucket_replace(const rl_reservation_t *res,
                                               rl_tally_time_t *tally, uint64_t ticks)
{
    const rl_tally_time_t moved = {.incarnation = tally->incarnation, .ticks = ticks};
    const rl_store_status_e status =
        res->ops->replace(res->source->session, &res->counter, rl_tally_pack_time(&moved));
    if (status == RL_STORE_OK) {
        *tally = moved;
    }
    return status;
}

static rl_store_status_e shared_bucket_create(rl_reservation_t *res, uint64_t need,
                                              rl_tally_time_t *tally)
{
    res->known = rl_ledger_held(res->source->ledger, &res->op, 0);
    *tally = (rl_tally_time_t){.incarnation = res->source->incarnation,
                               .ticks = time_here(res) + need};
    return res->ops->create(res->source->session, &res->counter, rl_tally_pack_time(tally));
}

/* ---- charging ---- */

/* Charges a bucket that may be full, so that its time may lag the clock. */
static rl_store_status_e charge_idle(const rl_reservation_t *res, uint64_t need,
                                     rl_tally_time_t *tally)
{
    const uint64_t now = ticks_now(res);
    rl_store_status_e status = read_time(res, tally);
    if (status == RL_STORE_OK && tally->ticks < now) {
        status = shared_bucket_replace(res, tally, now + need);
        if (status != RL_STORE_EXISTS) {
            return status;
        }
    }
    return status == RL_STORE_OK || status == RL_STORE_EXISTS
               ? shared_bucket_add(res, need, tally)
               : status;
}

/* Charges by read and replace, so that the tokens are taken only if they fit. Else sets *tally
 * to what it would have been. Returns EXISTS if other servers keep changing the counter. */
static rl_store_status_e charge_fitting(rl_reservation_t *res, uint64_t need,
                                        rl_tally_time_t *tally)
{
    const uint64_t now = ticks_now(res);
    rl_store_status_e status = RL_STORE_EXISTS;
    for (int i = 0; i < REPLACE_TRIES && status == RL_STORE_EXISTS; i++) {
        uint64_t ticks;
        status = read_time(res, tally);
        if (status != RL_STORE_OK) {
            return status;
        }
        ticks = (tally->ticks > now ? tally->ticks : now) + need;
        res->not_added = ticks + pending(res) > now + whole_bucket(res);
        if (res->not_added) {
            tally->ticks = ticks;
        }
        else {
            status = shared_bucket_replace(res, tally, ticks);
        }
    }
    return status;
}

static rl_store_status_e charge_existing(rl_reservation_t *res, uint64_t need,
                                         rl_tally_time_t *tally)
{
    const bool busy = time_here(res) > ticks_now(res);
    res->not_added = false;
    if (res->careful) {
        const rl_store_status_e status = charge_fitting(res, need, tally);
        if (status != RL_STORE_EXISTS) {
            return status;
        }
    }
    return busy ? shared_bucket_add(res, need, tally) : charge_idle(res, need, tally);
}

static rl_store_status_e shared_bucket_reserve(rl_reservation_t *res, uint64_t need,
                                               rl_tally_time_t *tally)
{
    rl_store_status_e status = charge_existing(res, need, tally);
    if (status == RL_STORE_MISSING) {
        status = shared_bucket_create(res, need, tally);
        if (status == RL_STORE_EXISTS) {
            status = shared_bucket_add(res, need, tally);
        }
    }
    return status;
}

/* Moves the counter up by `behind` ticks if it is still short of the target. Returns EXISTS if
 * somebody else changed it meanwhile. */
static rl_store_status_e move_up(const rl_reservation_t *res, const rl_tally_time_t *target,
                                 rl_tally_time_t *latest, uint64_t behind)
{
    const rl_store_status_e status = read_time(res, latest);
    if (status != RL_STORE_OK || latest->incarnation != target->incarnation ||
        latest->ticks >= target->ticks) {
        return status;
    }
    return shared_bucket_replace(res, latest, latest->ticks + behind);
}

/* Moves a charge up by the ticks that its counter lagged the clock, and the counter as well,
 * unless somebody else has moved it or is about to. */
static void catch_up(const rl_reservation_t *res, uint64_t behind, rl_tally_time_t *tally)
{
    rl_tally_time_t latest;
    tally->ticks += behind;
    if (behind > 0) {
        move_up(res, tally, &latest, behind);
    }
}

/* Does the same by the ticks that a counter made anew lacks of what this server knows. Nobody
 * else on this server does it, so it must not be left undone: if other servers keep changing
 * the counter, the ticks are added to it instead. */
static void catch_up_with_known(const rl_reservation_t *res, uint64_t behind,
                                rl_tally_time_t *tally)
{
    rl_tally_time_t latest;
    rl_store_status_e status = RL_STORE_EXISTS;
    tally->ticks += behind;
    for (int i = 0; i < REPLACE_TRIES && behind > 0 && status == RL_STORE_EXISTS; i++) {
        status = move_up(res, tally, &latest, behind);
    }
    if (behind > 0 && status == RL_STORE_EXISTS) {
        shared_bucket_add(res, behind, &latest);
    }
}

/* Returns the seed of an identity: the time that the counter held, or was raised to, when this
 * server found it, of which the lowest RL_TALLY_BITS bits are kept, in sixteenths of a
 * token. */
static uint32_t position_of(const rl_reservation_t *res, uint64_t ticks)
{
    const unsigned shift = res->op.meter.shift > 4 ? res->op.meter.shift - 4u : 0;
    return (uint32_t)(ticks >> shift) & SEED_MASK;
}

/* Returns how many ticks a position is ahead of a seed, 0 if it isn't ahead. */
static uint64_t ticks_ahead(const rl_reservation_t *res, uint32_t position, uint32_t seed)
{
    const unsigned shift = res->op.meter.shift > 4 ? res->op.meter.shift - 4u : 0;
    const uint32_t ahead = (position - seed) & SEED_MASK;
    return ahead <= SEED_MASK / 2 ? (uint64_t)ahead << shift : 0;
}

/* The counter was cleared on purpose: what is known here is outdated, and is lowered to what
 * the counter held before the charge. */
static void shared_bucket_accept_clear(const rl_reservation_t *res, uint64_t identity,
                                       const rl_tally_time_t *tally, uint64_t before)
{
    const uint64_t known = shared_bucket_known_now(res);
    if (rl_note_swap(res, RL_NOTE_IDENTITY, identity,
                     rl_identity(res, tally->incarnation, position_of(res, before)))) {
        shared_bucket_lower_to(res, known, before);
    }
}

/* Notes a counter that is new here. Returns the ticks that it lacks of what is known here; 0 if
 * another thread was first to note it. */
static uint64_t shared_bucket_identify(rl_reservation_t *res, uint64_t identity,
                                       const rl_tally_time_t *tally, uint64_t before)
{
    uint64_t behind;
    res->known = shared_bucket_known_now(res);
    behind = res->known != 0 ? above(time_here(res), before) : 0;
    return rl_note(res, RL_NOTE_IDENTITY) == identity &&
                   rl_note_swap(
                       res, RL_NOTE_IDENTITY, identity,
                       rl_identity(res, tally->incarnation, position_of(res, before + behind)))
               ? behind
               : 0;
}

/* Notes which counter answered; `need` ticks were just added to it. If it was made anew by a
 * server that knew less than this one, moves it up to what is known here. Returns the ticks
 * that the counter lagged the clock before the addition. */
static uint64_t shared_bucket_reconcile(rl_reservation_t *res, uint64_t need,
                                        rl_tally_time_t *tally)
{
    const uint64_t before = above(tally->ticks, need);
    uint64_t identity;
    if (res->identity == 0) {
        /* takes a cell for the key, where notes can be kept */
        rl_ledger_raise(res->source->ledger, &res->op, 0,
                        shared_bucket_least(before, time_here(res)));
    }
    identity = rl_note(res, RL_NOTE_IDENTITY);
    if (rl_identity_incarnation(identity) != tally->incarnation && identity == res->identity) {
        if ((tally->incarnation & RL_TALLY_CLEARED) != 0) {
            shared_bucket_accept_clear(res, identity, tally, before);
        }
        else {
            catch_up_with_known(res, shared_bucket_identify(res, identity, tally, before),
                                tally);
        }
    }
    return above(ticks_now(res), above(tally->ticks, need));
}

/* Raises the noted counter if it isn't the one that a charge was added to: that one has been
 * lost since, and whoever made the noted one could not know of the charge yet. */
static void shared_bucket_add_to_successor(const rl_reservation_t *res,
                                           const rl_tally_time_t *tally)
{
    const uint32_t position = position_of(res, tally->ticks);
    for (int i = 0; i < IDENTITY_TRIES; i++) {
        const uint64_t identity = rl_note(res, RL_NOTE_IDENTITY);
        const unsigned incarnation = rl_identity_incarnation(identity);
        const uint64_t ticks = ticks_ahead(res, position, (uint32_t)identity & SEED_MASK);
        rl_tally_time_t raised;
        if (incarnation == 0 || incarnation == tally->incarnation ||
            (incarnation & RL_TALLY_CLEARED) != 0 || ticks == 0) {
            return;
        }
        if (rl_note_swap(res, RL_NOTE_IDENTITY, identity,
                         rl_identity(res, incarnation, position))) {
            shared_bucket_add(res, ticks, &raised);
            return;
        }
    }
}

static void shared_bucket_pay(rl_reservation_t *res, rl_tally_time_t *tally)
{
    const uint64_t now = ticks_now(res);
    const uint32_t units = res->debt < res->op.meter.burst ? res->debt : res->op.meter.burst;
    const uint64_t missing =
        shared_bucket_least(rl_bucket_cost(&res->op.meter, units), above(res->known, now));
    const uint64_t ticks =
        shared_bucket_least(missing, above(now + whole_bucket(res), tally->ticks));
    rl_tally_time_t paid;
    if (res->debt == 0) {
        return;
    }
    if (ticks == 0) {
        rl_debt_release(res, res->debt);
    }
    else if (shared_bucket_add(res, ticks, &paid) == RL_STORE_OK) {
        rl_debt_release(res, res->debt);
        paid.ticks += res->not_added ? rl_bucket_cost(&res->op.meter, res->op.cost) : 0;
        *tally = paid;
    }
}

static bool bucket_has_room(const rl_reservation_t *res, uint64_t ticks)
{
    return ticks + pending(res) <= ticks_now(res) + whole_bucket(res);
}

/* Takes the tokens off again. Returns the arrival time that the store has then, as far as it
 * tells. The doubt is noted first: whoever comes after this one is to look again. */
static uint64_t bucket_take_off(const rl_reservation_t *res, uint64_t need,
                                const rl_tally_time_t *tally)
{
    uint64_t value;
    rl_tally_time_t left;
    if (!res->not_added) {
        rl_doubt_begin(res);
        if (res->ops->subtract(res->source->session, &res->counter, need, &value) ==
                RL_STORE_OK &&
            rl_tally_unpack_time(value, &left) && left.incarnation == tally->incarnation) {
            return left.ticks;
        }
    }
    return above(tally->ticks, need);
}

/* Learns the arrival time of a bucket that denies, if it is sure: not if it lies further ahead
 * than can be, unless that has lasted, and soon after another denial not if it has changed
 * meanwhile. Units of requests that are denied are in it until they are taken off. */
static void bucket_learn(const rl_reservation_t *res, const rl_tally_time_t *tally,
                         uint64_t left, bool unchanged)
{
    const rl_doubt_e doubt = rl_doubt(res);
    if (doubt != RL_LASTING_DOUBT &&
        (!bucket_has_room(res, left) || (!unchanged && doubt == RL_YOUNG_DOUBT))) {
        rl_doubt_begin(res);
        return;
    }
    if (left + pending(res) < res->known &&
        rl_identity_incarnation(rl_note(res, RL_NOTE_IDENTITY)) == tally->incarnation) {
        shared_bucket_lower_to(res, res->known, left + pending(res));
    }
    rl_ledger_raise(res->source->ledger, &res->op, 0, left);
    if (res->not_added && doubt != RL_YOUNG_DOUBT) {
        rl_doubt_end(res);
    }
}

/* Denies a reservation that doesn't fit. As long as it isn't sure what is in use, the key is to
 * ask again in a second. Returns false if the cost would fit by now. */
static bool shared_bucket_deny(const rl_reservation_t *res, uint64_t need,
                               const rl_tally_time_t *tally, rl_step_t *step)
{
    const uint64_t left = bucket_take_off(res, need, tally), now = ticks_now(res);
    bucket_learn(res, tally, left, res->not_added || left == above(tally->ticks, need));
    shared_bucket_describe(res, shared_bucket_known_now(res), res->op.cost, step);
    step->stamp = left;
    step->retry = step->granted ? res->op.now + RL_USEC_PER_SEC : step->retry;
    step->granted = false;
    return !bucket_has_room(res, (left > now ? left : now) + need);
}

static void shared_bucket_grant(const rl_reservation_t *res, const rl_tally_time_t *tally,
                                rl_step_t *step)
{
    rl_ledger_raise(res->source->ledger, &res->op, 0, tally->ticks);
    shared_bucket_add_to_successor(res, tally);
    if (res->careful && rl_doubt(res) != RL_YOUNG_DOUBT) {
        rl_doubt_end(res);
    }
    shared_bucket_describe(res, tally->ticks, 0, step);
    step->stamp = tally->ticks;
    step->retry = res->op.now;
    step->granted = true;
}

/* Reserves once and decides. Returns OK; EXISTS if it is denied because of requests that are
 * denied, too, and would fit by now; else why the store gave no answer. */
static rl_store_status_e bucket_charge_once(rl_reservation_t *res, rl_step_t *step)
{
    const uint64_t need = rl_bucket_cost(&res->op.meter, res->op.cost);
    rl_tally_time_t tally;
    const rl_store_status_e status = shared_bucket_reserve(res, need, &tally);
    if (status != RL_STORE_OK) {
        return status;
    }
    res->until = tally.ticks;
    catch_up(res, shared_bucket_reconcile(res, need, &tally), &tally);
    /* Uncertain if it was moved up: other servers may have moved it, too. */
    res->until = res->until == tally.ticks ? tally.ticks : 0;
    shared_bucket_pay(res, &tally);
    rl_debt_release(res, 0);
    if (!bucket_has_room(res, tally.ticks)) {
        return shared_bucket_deny(res, need, &tally, step) ? RL_STORE_OK : RL_STORE_EXISTS;
    }
    shared_bucket_grant(res, &tally, step);
    return RL_STORE_OK;
}

static rl_store_status_e shared_bucket_charge(rl_reservation_t *res, rl_step_t *step)
{
    rl_store_status_e status;
    res->careful = rl_doubt(res) != RL_NO_DOUBT;
    status = bucket_charge_once(res, step);
    for (int i = 1; i < CHARGE_TRIES && status == RL_STORE_EXISTS; i++) {
        res->careful = true;
        res->identity = rl_note(res, RL_NOTE_IDENTITY);
        res->known = shared_bucket_known_now(res);
        status = bucket_charge_once(res, step);
    }
    return status == RL_STORE_EXISTS ? RL_STORE_OK : status;
}

/* Foresees what the first attempt asks. A bucket that may be full is read, because its time may
 * have to be moved up. */
static void shared_bucket_foresee(rl_reservation_t *res, rl_errand_t *errand)
{
    const uint64_t time = time_here(res);
    const unsigned incarnation = rl_identity_incarnation(res->identity);
    const rl_tally_time_t made = {.incarnation = res->source->incarnation, .ticks = time};
    if (time > ticks_now(res) && rl_doubt(res) == RL_NO_DOUBT) {
        rl_errand_add(errand, &res->counter, rl_bucket_cost(&res->op.meter, res->op.cost),
                      incarnation == 0 ? rl_tally_pack_time(&made) : 0, incarnation);
    }
    else {
        rl_errand_read(errand, &res->counter);
    }
}

/* ---- the rest of the interface ---- */

/* Always true: what a bucket lets in too much in such a moment drains from it. */
static bool shared_bucket_fits_with_debt(rl_reservation_t *res)
{
    (void)res;
    return true;
}

static rl_refund_e shared_bucket_refund(rl_reservation_t *res, uint64_t stamp)
{
    const uint32_t units = res->op.cost;
    const uint64_t left = above(stamp, ticks_now(res));
    res->back = shared_bucket_least(rl_bucket_cost(&res->op.meter, units), left);
    return res->back == 0 || rl_debt_forgive(res, units) ? RL_REFUND_DONE : RL_REFUND_DUE;
}

static bool shared_bucket_take_back(rl_reservation_t *res, uint64_t stamp)
{
    uint64_t value;
    (void)stamp;
    res->ops->subtract(res->source->session, &res->counter, res->back, &value);
    return true;
}

/* If units were reserved after the lease, it can't be given back: their place in the bucket's
 * time must not move. */
void rl_shared_bucket_return_lease(rl_reservation_t *res, uint64_t lease)
{
    const uint64_t ticks = rl_lease_word_ticks(&res->op, lease);
    rl_tally_time_t tally;
    uint64_t before;
    if (ticks == 0 || read_time(res, &tally) != RL_STORE_OK) {
        return;
    }
    before = tally.ticks;
    if (rl_lease_word_ends_at(lease, before) &&
        shared_bucket_replace(res, &tally, before - ticks) == RL_STORE_OK) {
        shared_bucket_lower_to(res, before, tally.ticks);
    }
}

/* Lowers what was known here before the store was asked to what the store has: other servers
 * have given tokens back, which may be asked for again. Not if the counter isn't the noted one:
 * it may lack something itself. */
static void shared_bucket_lower_known(rl_reservation_t *res, const rl_tally_time_t *tally)
{
    const uint64_t known = res->known;
    if (rl_identity_incarnation(rl_note(res, RL_NOTE_IDENTITY)) == tally->incarnation &&
        tally->ticks + pending(res) < known) {
        shared_bucket_lower_to(res, known, tally->ticks + pending(res));
    }
}

static rl_store_status_e shared_bucket_compare(rl_reservation_t *res, rl_tally_time_t *tally)
{
    const rl_store_status_e status = read_time(res, tally);
    if (status == RL_STORE_OK) {
        catch_up(res, shared_bucket_reconcile(res, 0, tally), tally);
        shared_bucket_pay(res, tally);
        shared_bucket_lower_known(res, tally);
    }
    return status;
}

static void shared_bucket_refresh(rl_reservation_t *res)
{
    rl_tally_time_t tally;
    if (shared_bucket_compare(res, &tally) == RL_STORE_MISSING) {
        shared_bucket_create(res, 0, &tally);
    }
}

static rl_store_status_e shared_bucket_learn(rl_reservation_t *res)
{
    rl_tally_time_t tally;
    const rl_store_status_e status = shared_bucket_compare(res, &tally);
    if (status == RL_STORE_OK) {
        rl_ledger_raise(res->source->ledger, &res->op, 0, tally.ticks);
    }
    return status == RL_STORE_MISSING ? RL_STORE_OK : status;
}

/* The counter as it is once it is cleared. */
static rl_tally_time_t cleared_bucket(const rl_reservation_t *res)
{
    return (rl_tally_time_t){.incarnation = res->source->incarnation | RL_TALLY_CLEARED,
                             .ticks = ticks_now(res)};
}

static void shared_bucket_forget(rl_reservation_t *res, rl_errand_t *errand)
{
    const rl_tally_time_t none = cleared_bucket(res);
    rl_debt_drop(res);
    rl_note_swap(res, RL_NOTE_IDENTITY, res->identity,
                 rl_identity(res, none.incarnation, position_of(res, none.ticks)));
    rl_errand_put(errand, &res->counter, rl_tally_pack_time(&none));
}

static rl_store_status_e shared_bucket_clear(rl_reservation_t *res)
{
    const rl_tally_time_t none = cleared_bucket(res);
    return res->ops->put(res->source->session, &res->counter, rl_tally_pack_time(&none));
}

const rl_shared_ops_t rl_shared_bucket = {
    .foresee = shared_bucket_foresee,
    .charge = shared_bucket_charge,
    .fits_with_debt = shared_bucket_fits_with_debt,
    .refund = shared_bucket_refund,
    .take_back = shared_bucket_take_back,
    .refresh = shared_bucket_refresh,
    .learn = shared_bucket_learn,
    .forget = shared_bucket_forget,
    .clear = shared_bucket_clear,
};
