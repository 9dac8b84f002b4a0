/* SPDX-License-Identifier: Apache-2.0 */
#include "lease.h"

#include "../core/meter/lease_word.h"
#include "../fleet/notes.h"
#include "../fleet/shared_counter.h"
#include "../system/backoff.h"
#include "lease_list.h"

enum { NOTE_LEASE, NOTE_PACE, NOTE_SPENT };

#define EXTEND_TRIES 20

/* Microseconds after which the ledger may use a lease's cell for another key, unless units were
 * reserved for it meanwhile. */
#define LIFE_US (10 * RL_USEC_PER_SEC)

/* A lease is meant for a second; when it is this old, in microseconds, it is more than the key
 * needs. */
#define OLD_US (2 * RL_USEC_PER_SEC)

/* A key is slow if its last contact with the store is older than this; a lease is for a
 * second. */
#define RECENT_SEC 2

/* Keeps the cells of leases apart from those of counters and penalties. */
static rl_digest_t lease_ledger_key(const rl_operation_t *op, unsigned incarnation)
{
    const uint64_t mixed = incarnation * UINT64_C(0x9e3779b97f4a7c15);
    const rl_digest_t mark = {.hi = mixed ^ UINT64_C(0x3c6ef372fe94f82b),
                              .lo = mixed ^ UINT64_C(0x1f83d9abfb41bd6b)};
    return rl_ledger_key_beside(&op->ledger_key, &mark);
}

/* A penalty that another server imposes has to hold at once, and a window of window=first is
 * over when its last unit is given back: units that are held in stock would keep it. */
static bool is_leasable(const rl_meter_t *meter)
{
    return meter->penalty_us == 0 && meter->algorithm != RL_FIRST_WINDOW;
}

bool rl_lease_find(rl_lease_t *lease, const rl_source_t *source, const rl_operation_t *op,
                   uint32_t window)
{
    uint64_t notes[RL_LEDGER_NOTES];
    if (source->leases == NULL || !is_leasable(&op->meter) ||
        !rl_ledger_notes(source->ledger, &op->ledger_key, notes) ||
        !rl_contact_is_recent(notes[RL_NOTE_CONTACT], op->now, RECENT_SEC) ||
        !rl_identity_is_of(notes[RL_NOTE_IDENTITY],
                           rl_shared_counter_window(&op->meter, window))) {
        return false;
    }
    *lease = rl_lease_at(source, op, window, rl_identity_incarnation(notes[RL_NOTE_IDENTITY]));
    return lease->incarnation != 0;
}

rl_lease_t rl_lease_at(const rl_source_t *source, const rl_operation_t *op, uint32_t window,
                       unsigned incarnation)
{
    return (rl_lease_t){.source = source,
                        .op = op,
                        .ledger_key = lease_ledger_key(op, incarnation),
                        .window = rl_shared_counter_window(&op->meter, window),
                        .incarnation = incarnation};
}

static uint64_t lease_note(const rl_lease_t *lease, unsigned n)
{
    return rl_ledger_note(lease->source->ledger, &lease->ledger_key, n);
}

static bool lease_swap(const rl_lease_t *lease, unsigned n, uint64_t from, uint64_t to)
{
    return rl_ledger_swap_note(lease->source->ledger, &lease->ledger_key, n, from, to);
}

static uint32_t left_of(const rl_lease_t *lease, uint64_t word)
{
    return rl_lease_word_left(lease->op, word, lease->window);
}

uint64_t rl_lease_word(const rl_lease_t *lease)
{
    return lease_note(lease, NOTE_LEASE);
}

bool rl_lease_is_old(const rl_lease_t *lease)
{
    return rl_pace_age(lease_note(lease, NOTE_PACE), lease->op->now) > OLD_US;
}

uint32_t rl_lease_left(const rl_lease_t *lease)
{
    return left_of(lease, rl_lease_word(lease));
}

static bool lease_is_bucket(const rl_lease_t *lease)
{
    return !rl_meter_is_window(&lease->op->meter);
}

/* Counts the units spent of a bucket's lease. A window's lease needs no count: what is left of
 * it tells; a bucket's also drains. If other requests count at the same moment a count is lost,
 * which only makes the next lease smaller. */
static void count_spent(const rl_lease_t *lease, uint32_t cost)
{
    if (lease_is_bucket(lease)) {
        const uint64_t spent = lease_note(lease, NOTE_SPENT);
        lease_swap(lease, NOTE_SPENT, spent, spent + cost);
    }
}

static uint64_t stamp_of(const rl_lease_t *lease, uint64_t word)
{
    return lease_is_bucket(lease) ? rl_lease_word_start(lease->op, word)
                                  : rl_shared_window_stamp(lease->incarnation, lease->window);
}

bool rl_lease_spend(rl_lease_t *lease, uint64_t *stamp)
{
    const uint32_t cost = lease->op->cost;
    for (unsigned i = 0; i < RL_TRIES; i++) {
        const uint64_t word = lease_note(lease, NOTE_LEASE);
        const uint32_t left = left_of(lease, word);
        uint64_t spent;
        if (left < cost) {
            return false;
        }
        spent = rl_lease_word_spent(lease->op, word, lease->window, cost);
        if (lease_swap(lease, NOTE_LEASE, word, spent)) {
            count_spent(lease, cost);
            lease->left = left - cost;
            *stamp = stamp_of(lease, spent);
            return true;
        }
        rl_back_off(i);
    }
    return false;
}

/* ---- reserving ---- */

/* Never true of a bucket's lease: what is left of it would be lost, because it isn't adjacent
 * to what is reserved next. */
bool rl_lease_is_low(const rl_lease_t *lease)
{
    return lease->left < RL_LEASE_LOW && !lease_is_bucket(lease) &&
           rl_pace_is_low(lease_note(lease, NOTE_PACE), lease->left);
}

static uint32_t used_since(const rl_lease_t *lease, uint64_t pace, uint32_t cost)
{
    const uint32_t had = rl_pace_units(pace), left = lease->left;
    const uint32_t of_window = had > left ? had - left : 0;
    const uint32_t used =
        lease_is_bucket(lease) ? (uint32_t)lease_note(lease, NOTE_SPENT) : of_window;
    return used > cost ? used : cost;
}

/* Makes the lease's cell, or prolongs its life; the cell has to exist before anything can be
 * noted in it. The meter gives it a time to live, and makes it a cell that is in use, with next
 * to nothing of its limit. */
static void keep_cell(const rl_lease_t *lease)
{
    const rl_operation_t alive = {.ledger_key = lease->ledger_key,
                                  .meter = {.algorithm = RL_PENALTY,
                                            .limit = 1000,
                                            .period_us = LIFE_US,
                                            .penalty_us = LIFE_US},
                                  .now = lease->op->now};
    rl_ledger_raise(lease->source->ledger, &alive, 0, (uint64_t)(alive.now + LIFE_US));
}

/* Puts the lease on the keeper's list. Returns false if the list has no room. */
static bool list_lease(const rl_lease_t *lease)
{
    const rl_lease_entry_t entry = {.op = *lease->op,
                                    .window = lease->window,
                                    .incarnation = lease->incarnation,
                                    .since = lease->op->now};
    return rl_lease_list_add(lease->source->leases, &lease->ledger_key, &entry);
}

uint32_t rl_lease_reserve_begin(rl_lease_t *lease, const rl_step_t *step, uint32_t cost)
{
    const uint64_t pace = lease_note(lease, NOTE_PACE);
    uint32_t size, missing;
    if (rl_pace_is_busy(pace, lease->op->now)) {
        return cost;
    }
    keep_cell(lease);
    lease->left = rl_lease_left(lease);
    size = rl_pace_next_size(lease->op, pace, used_since(lease, pace, cost), step, cost);
    missing = size > lease->left + cost ? size - lease->left : cost;
    if (missing > cost && !list_lease(lease)) {
        missing = cost;
    }
    lease->pace = rl_pace_begin(missing + lease->left, lease->op->now);
    if (!lease_swap(lease, NOTE_PACE, pace, lease->pace)) {
        lease->pace = 0;
        return cost;
    }
    if (lease_is_bucket(lease)) {
        lease_swap(lease, NOTE_SPENT, lease_note(lease, NOTE_SPENT), cost);
    }
    return missing;
}

void rl_lease_reserve_end(rl_lease_t *lease, uint32_t reserved)
{
    if (lease->pace != 0) {
        lease_swap(lease, NOTE_PACE, lease->pace,
                   rl_pace_end(lease->pace, reserved + lease->left));
    }
}

/* Returns false if the lease has no cell, or others were faster each time: what isn't added is
 * given back. */
static bool lease_extend(const rl_lease_t *lease, uint64_t until, uint32_t units)
{
    for (unsigned i = 0; i < EXTEND_TRIES; i++) {
        const uint64_t word = lease_note(lease, NOTE_LEASE);
        if (lease_swap(lease, NOTE_LEASE, word,
                       rl_lease_word_extended(lease->op, word, lease->window, until, units))) {
            return true;
        }
        rl_pause_after(i);
    }
    return false;
}

bool rl_lease_add(const rl_lease_t *lease, uint64_t until, uint32_t units)
{
    if (!lease_extend(lease, until, units)) {
        return false;
    }
    /* The keeper may have looked just before, and taken the empty lease off its list. */
    if (!list_lease(lease)) {
        rl_lease_return(lease);
    }
    return true;
}

/* ---- giving back ---- */

void rl_lease_lower(const rl_lease_t *lease, uint32_t units)
{
    for (unsigned i = 0; i < RL_TRIES; i++) {
        const uint64_t word = lease_note(lease, NOTE_LEASE);
        if (word == 0 || lease_swap(lease, NOTE_LEASE, word,
                                    rl_lease_word_lowered(lease->op, word, units))) {
            return;
        }
        rl_back_off(i);
    }
}

/* Learns also which counter is the current one: if the counter was cleared or made anew
 * meanwhile, units that it doesn't contain must not be taken off it. */
bool rl_lease_prepare_return(const rl_lease_t *lease)
{
    return rl_lease_left(lease) == 0 || rl_shared_learn(lease->source, lease->op);
}

/* Corrects the pace: units that are taken away unspent were not used up by the key. */
static void count_taken(const rl_lease_t *lease, uint64_t taken)
{
    const uint64_t pace = lease_note(lease, NOTE_PACE);
    const uint32_t units = rl_pace_units(pace), left = left_of(lease, taken);
    if (!rl_pace_is_busy(pace, lease->op->now)) {
        lease_swap(lease, NOTE_PACE, pace, rl_pace_end(pace, units > left ? units - left : 0));
    }
}

/* Takes away what is left. Returns the lease's word as it was, 0 if nothing was left. */
static uint64_t lease_take(const rl_lease_t *lease)
{
    for (unsigned i = 0; i < RL_TRIES; i++) {
        const uint64_t word = lease_note(lease, NOTE_LEASE);
        if (word == 0) {
            return 0;
        }
        if (lease_swap(lease, NOTE_LEASE, word, 0)) {
            count_taken(lease, word);
            return word;
        }
        rl_back_off(i);
    }
    return 0;
}

void rl_lease_return(const rl_lease_t *lease)
{
    const uint64_t taken = lease_take(lease);
    const uint32_t left = left_of(lease, taken);
    if (taken == 0) {
        return;
    }
    if (lease_is_bucket(lease)) {
        rl_shared_return_lease(lease->source, lease->op, taken);
    }
    else if (left > 0) {
        const rl_operation_t unspent = rl_operation_at_cost(lease->op, left);
        rl_shared_refund(lease->source, &unspent,
                         rl_shared_window_stamp(lease->incarnation, lease->window));
    }
}
