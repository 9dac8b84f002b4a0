#include "fleet.h"

/* Token buckets: one counter for a key, its theoretical arrival time, which is added to. As
 * long as the bucket isn't full that is one round trip. The time of a full bucket has fallen
 * behind the clock; it is brought up to date together with the charge, by a replacement that
 * succeeds for one server only. Nobody who fails tries again: the winner has brought it up to
 * date.
 *
 * Debts drain like everything else in a bucket: what is paid of one is at most what is still
 * missing here, and what still has room there. */

static uint64_t ticks_now(const rl_reservation_t *res)
{
    return rl_bucket_ticks(res->meter, res->now);
}

static uint64_t whole_bucket(const rl_reservation_t *res)
{
    return rl_bucket_cost(res->meter, res->meter->burst);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* The arrival time known here, from now to a whole bucket ahead: that of a new bucket for a key
 * that is new here. */
static uint64_t time_here(const rl_reservation_t *res)
{
    const uint64_t words[RL_METER_WORDS] = {res->known};
    rl_step_t step;
    rl_meter_charge(res->meter, &res->cell, words, res->now, 0, &step);
    return step.stamp;
}

/* ---- operations ---- */

static rl_upstream_status_e unpacked(rl_upstream_status_e status, uint64_t value,
                                     rl_tally_time_t *tally)
{
    if (status == RL_UPSTREAM_OK && !rl_tally_unpack_time(value, tally)) {
        return RL_UPSTREAM_ERROR;
    }
    return status;
}

static rl_upstream_status_e add(const rl_reservation_t *res, uint64_t ticks,
                                rl_tally_time_t *tally)
{
    uint64_t value = 0;
    const rl_upstream_status_e status =
        res->ops->add(res->source->session, &res->counter, ticks, &value);
    return unpacked(status, value, tally);
}

static rl_upstream_status_e read_time(const rl_reservation_t *res, rl_tally_time_t *tally)
{
    uint64_t value = 0;
    const rl_upstream_status_e status =
        res->ops->read(res->source->session, &res->counter, &value);
    return unpacked(status, value, tally);
}

static rl_upstream_status_e replace(const rl_reservation_t *res, rl_tally_time_t *tally,
                                    uint64_t ticks)
{
    const rl_tally_time_t moved = {.incarnation = tally->incarnation, .ticks = ticks};
    const rl_upstream_status_e status =
        res->ops->replace(res->source->session, &res->counter, rl_tally_pack_time(&moved));
    if (status == RL_UPSTREAM_OK) {
        *tally = moved;
    }
    return status;
}

static rl_upstream_status_e create(const rl_reservation_t *res, uint64_t need,
                                   rl_tally_time_t *tally)
{
    *tally = (rl_tally_time_t){.incarnation = res->source->incarnation,
                               .ticks = time_here(res) + need};
    return res->ops->create(res->source->session, &res->counter, rl_tally_pack_time(tally));
}

/* ---- charging ---- */

/* Charges a bucket that may be full. */
static rl_upstream_status_e charge_idle(const rl_reservation_t *res, uint64_t need,
                                        rl_tally_time_t *tally)
{
    const uint64_t now = ticks_now(res);
    rl_upstream_status_e status = read_time(res, tally);
    if (status == RL_UPSTREAM_OK && tally->ticks < now) {
        status = replace(res, tally, now + need);
        if (status != RL_UPSTREAM_EXISTS) {
            return status;
        }
    }
    return status == RL_UPSTREAM_OK || status == RL_UPSTREAM_EXISTS ? add(res, need, tally)
                                                                    : status;
}

static rl_upstream_status_e reserve(const rl_reservation_t *res, uint64_t need,
                                    rl_tally_time_t *tally)
{
    const bool busy = time_here(res) > ticks_now(res);
    rl_upstream_status_e status = busy ? add(res, need, tally) : charge_idle(res, need, tally);
    if (status == RL_UPSTREAM_MISSING) {
        status = create(res, need, tally);
        if (status == RL_UPSTREAM_EXISTS) {
            status = add(res, need, tally);
        }
    }
    return status;
}

/* Moves the time of a charge that is behind, and the counter by as much, unless somebody else
 * has, or is about to. */
static void catch_up(const rl_reservation_t *res, uint64_t behind, rl_tally_time_t *tally)
{
    rl_tally_time_t latest;
    if (behind == 0) {
        return;
    }
    if (read_time(res, &latest) == RL_UPSTREAM_OK && latest.incarnation == tally->incarnation &&
        latest.ticks < tally->ticks + behind) {
        replace(res, &latest, latest.ticks + behind);
    }
    tally->ticks += behind;
}

static bool is_linked(const rl_reservation_t *res, const rl_tally_time_t *tally)
{
    return res->link == rl_link(res, tally->incarnation, 0);
}

/* Learns which counter answered, before it was charged with need. How far it is behind what it
 * should be: behind the clock, or, if it was made anew by somebody who knew less than we do,
 * behind what is known here. */
static uint64_t reconcile(const rl_reservation_t *res, uint64_t need,
                          const rl_tally_time_t *tally)
{
    const uint64_t before = above(tally->ticks, need);
    const uint64_t behind_clock = above(ticks_now(res), before);
    const bool cleared = (tally->incarnation & RL_TALLY_CLEARED) != 0;
    if (res->link == 0) {
        rl_ledger_raise(res->source->ledger, &res->cell, res->meter, res->now, 0, before);
    }
    if (is_linked(res, tally) ||
        !rl_note_swap(res, RL_NOTE_LINK, res->link, rl_link(res, tally->incarnation, 0))) {
        return behind_clock;
    }
    if (cleared) {
        rl_ledger_lower(res->source->ledger, &res->cell, res->meter, 0, res->known, before);
        return behind_clock;
    }
    return res->known != 0 ? above(time_here(res), before) : behind_clock;
}

static void pay(rl_reservation_t *res, rl_tally_time_t *tally)
{
    const uint64_t now = ticks_now(res);
    const uint32_t units = res->debt < res->meter->burst ? res->debt : res->meter->burst;
    const uint64_t missing = least(rl_bucket_cost(res->meter, units), above(res->known, now));
    const uint64_t ticks = least(missing, above(now + whole_bucket(res), tally->ticks));
    rl_tally_time_t paid;
    if (res->debt == 0) {
        return;
    }
    if (ticks == 0) {
        rl_debt_settle(res, res->debt);
    }
    else if (add(res, ticks, &paid) == RL_UPSTREAM_OK) {
        rl_debt_settle(res, res->debt);
        *tally = paid;
    }
}

/* The step of a bucket whose time is this. */
static void describe(const rl_reservation_t *res, uint64_t time, uint32_t cost, rl_step_t *step)
{
    const uint64_t words[RL_METER_WORDS] = {time};
    rl_meter_charge(res->meter, &res->cell, words, res->now, cost, step);
}

static void spend(const rl_reservation_t *res, uint64_t need, const rl_tally_time_t *tally,
                  rl_step_t *step)
{
    const bool granted = tally->ticks <= ticks_now(res) + whole_bucket(res);
    const uint64_t time = granted ? tally->ticks : above(tally->ticks, need);
    rl_ledger_raise(res->source->ledger, &res->cell, res->meter, res->now, 0, time);
    if (!granted) {
        res->ops->subtract(res->source->session, &res->counter, need);
    }
    describe(res, time, granted ? 0 : res->cost, step);
    step->stamp = time;
    step->retry = granted ? res->now : step->granted ? step->reset : step->retry;
    step->granted = granted;
}

static rl_upstream_status_e charge(rl_reservation_t *res, rl_step_t *step)
{
    const uint64_t need = rl_bucket_cost(res->meter, res->cost);
    rl_tally_time_t tally;
    const rl_upstream_status_e status = reserve(res, need, &tally);
    if (status != RL_UPSTREAM_OK) {
        return status;
    }
    catch_up(res, reconcile(res, need, &tally), &tally);
    pay(res, &tally);
    rl_debt_settle(res, 0);
    spend(res, need, &tally, step);
    return RL_UPSTREAM_OK;
}

/* ---- the rest of the interface ---- */

/* What a bucket lets in too much in such a moment drains. */
static bool verify(rl_reservation_t *res)
{
    (void)res;
    return true;
}

static void refund(rl_reservation_t *res, uint64_t stamp, uint32_t units)
{
    const uint64_t left = above(stamp, ticks_now(res));
    const uint64_t ticks = least(rl_bucket_cost(res->meter, units), left);
    if (ticks > 0 && !rl_debt_forgive(res, units)) {
        res->ops->subtract(res->source->session, &res->counter, ticks);
    }
}

static void refresh(rl_reservation_t *res)
{
    rl_tally_time_t tally;
    const rl_upstream_status_e status = read_time(res, &tally);
    if (status == RL_UPSTREAM_MISSING) {
        create(res, 0, &tally);
    }
    if (status != RL_UPSTREAM_OK) {
        return;
    }
    if (is_linked(res, &tally) || (tally.incarnation & RL_TALLY_CLEARED) != 0) {
        pay(res, &tally);
        rl_note_swap(res, RL_NOTE_LINK, res->link, rl_link(res, tally.incarnation, 0));
        if (tally.ticks < res->known) {
            rl_ledger_lower(res->source->ledger, &res->cell, res->meter, 0, res->known,
                            tally.ticks);
        }
        return;
    }
    catch_up(res, reconcile(res, 0, &tally), &tally);
}

static rl_upstream_status_e learn(rl_reservation_t *res)
{
    rl_tally_time_t tally;
    const rl_upstream_status_e status = read_time(res, &tally);
    if (status != RL_UPSTREAM_OK) {
        return status == RL_UPSTREAM_MISSING ? RL_UPSTREAM_OK : status;
    }
    if (!is_linked(res, &tally)) {
        catch_up(res, reconcile(res, 0, &tally), &tally);
    }
    pay(res, &tally);
    if (tally.ticks < res->known) {
        rl_ledger_lower(res->source->ledger, &res->cell, res->meter, 0, res->known,
                        tally.ticks);
    }
    rl_ledger_raise(res->source->ledger, &res->cell, res->meter, res->now, 0, tally.ticks);
    return RL_UPSTREAM_OK;
}

static rl_upstream_status_e clear(rl_reservation_t *res)
{
    const unsigned incarnation = res->source->incarnation | RL_TALLY_CLEARED;
    rl_tally_time_t none = {.incarnation = incarnation};
    res->known = 0; /* of a new bucket */
    none.ticks = time_here(res);
    rl_debt_wipe(res);
    rl_note_swap(res, RL_NOTE_LINK, res->link, rl_link(res, incarnation, 0));
    return res->ops->put(res->source->session, &res->counter, rl_tally_pack_time(&none));
}

const rl_fleet_ops_t rl_fleet_bucket = {charge, verify, refund, refresh, learn, clear};
