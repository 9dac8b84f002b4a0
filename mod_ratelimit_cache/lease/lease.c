#include "lease.h"

#include "../core/meter/lease_word.h"
#include "keeper.h"

enum { NOTE_LEASE, NOTE_PACE, NOTE_SPENT };

#define SWAP_TRIES 20

/* A lease's cell can be used for something else when it wasn't added to for so long. */
#define LIFE_US (10 * RL_USEC_PER_SEC)

/* A lease is for a second. */
#define OLD_US (2 * RL_USEC_PER_SEC)

/* How old a key's last contact with the store may be; a lease is for a second. */
#define RECENT_SEC 2

/* A time to live, and nothing that makes a cell worth more than others. */
static const rl_meter_t cell_meter = {
    .algorithm = RL_PENALTY, .limit = 2, .period_us = LIFE_US, .penalty_us = LIFE_US};

/* Cells of leases lie apart from those of counters and penalties. */
static rl_digest_t apart(const rl_digest_t *home, unsigned incarnation)
{
    const uint64_t mixed = incarnation * UINT64_C(0x9e3779b97f4a7c15);
    return (rl_digest_t){.hi = home->hi ^ mixed ^ UINT64_C(0x3c6ef372fe94f82b),
                         .lo = home->lo ^ mixed ^ UINT64_C(0x1f83d9abfb41bd6b)};
}

bool rl_leasing_open(rl_leasing_t *lease, const rl_source_t *source, const rl_digest_t *key,
                     const rl_digest_t *home, const rl_meter_t *meter, uint32_t window,
                     int64_t now)
{
    uint64_t notes[RL_LEDGER_NOTES];
    if (source->keeper == NULL || meter->penalty_us > 0 ||
        !rl_ledger_notes(source->ledger, home, notes) ||
        !rl_contact_is_recent(notes[RL_NOTE_CONTACT], now, RECENT_SEC) ||
        !rl_link_is_of(notes[RL_NOTE_LINK], rl_counter_window(meter, window))) {
        return false;
    }
    *lease = rl_leasing_reopen(source, key, home, meter, window, now,
                               rl_link_incarnation(notes[RL_NOTE_LINK]));
    return lease->incarnation != 0;
}

rl_leasing_t rl_leasing_reopen(const rl_source_t *source, const rl_digest_t *key,
                               const rl_digest_t *home, const rl_meter_t *meter,
                               uint32_t window, int64_t now, unsigned incarnation)
{
    return (rl_leasing_t){.source = source,
                          .key = key,
                          .meter = meter,
                          .home = *home,
                          .cell = apart(home, incarnation),
                          .window = rl_counter_window(meter, window),
                          .incarnation = incarnation,
                          .now = now};
}

static uint64_t note(const rl_leasing_t *lease, unsigned n)
{
    return rl_ledger_note(lease->source->ledger, &lease->cell, n);
}

static bool swap(const rl_leasing_t *lease, unsigned n, uint64_t from, uint64_t to)
{
    return rl_ledger_swap_note(lease->source->ledger, &lease->cell, n, from, to);
}

static uint32_t left_of(const rl_leasing_t *lease, uint64_t word)
{
    return rl_lease_left(lease->meter, word, lease->window, lease->now);
}

uint64_t rl_leasing_word(const rl_leasing_t *lease)
{
    return note(lease, NOTE_LEASE);
}

bool rl_leasing_is_old(const rl_leasing_t *lease)
{
    return rl_pace_age(note(lease, NOTE_PACE), lease->now) > OLD_US;
}

uint32_t rl_leasing_left(const rl_leasing_t *lease)
{
    return left_of(lease, rl_leasing_word(lease));
}

static bool is_bucket(const rl_leasing_t *lease)
{
    return lease->meter->algorithm == RL_TOKEN_BUCKET;
}

/* Of a window's lease it is plain what was spent of it; a bucket's also drains. One that is
 * missed when others count at the same moment makes the next lease smaller. */
static void count_spent(const rl_leasing_t *lease, uint32_t cost)
{
    if (is_bucket(lease)) {
        const uint64_t spent = note(lease, NOTE_SPENT);
        swap(lease, NOTE_SPENT, spent, spent + cost);
    }
}

static uint64_t stamp_of(const rl_leasing_t *lease, uint64_t word)
{
    return is_bucket(lease) ? rl_lease_start(lease->meter, word, lease->now)
                            : rl_window_stamp(lease->incarnation, lease->window);
}

bool rl_leasing_spend(rl_leasing_t *lease, uint32_t cost, uint64_t *stamp)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t word = note(lease, NOTE_LEASE);
        const uint32_t left = left_of(lease, word);
        uint64_t spent;
        if (left < cost) {
            return false;
        }
        spent = rl_lease_spent(lease->meter, word, lease->window, lease->now, cost);
        if (swap(lease, NOTE_LEASE, word, spent)) {
            count_spent(lease, cost);
            lease->left = left - cost;
            *stamp = stamp_of(lease, spent);
            return true;
        }
    }
    return false;
}

/* ---- reserving ---- */

/* Of a bucket's lease what is left would be lost: it doesn't adjoin what is reserved next. */
bool rl_leasing_is_low(const rl_leasing_t *lease)
{
    return lease->left < RL_LEASE_LOW && !is_bucket(lease) &&
           rl_lease_is_low(note(lease, NOTE_PACE), lease->left);
}

static uint32_t used_since(const rl_leasing_t *lease, uint64_t pace, uint32_t cost)
{
    const uint32_t had = rl_pace_units(pace), left = lease->left;
    const uint32_t of_window = had > left ? had - left : 0;
    const uint32_t used = is_bucket(lease) ? (uint32_t)note(lease, NOTE_SPENT) : of_window;
    return used > cost ? used : cost;
}

/* The cell has to be there before anything can be noted in it. */
static void keep_cell(const rl_leasing_t *lease)
{
    rl_ledger_raise(lease->source->ledger, &lease->cell, &cell_meter, lease->now, 0,
                    (uint64_t)(lease->now + LIFE_US));
}

uint32_t rl_leasing_begin(rl_leasing_t *lease, const rl_step_t *step, uint32_t cost)
{
    const uint64_t pace = note(lease, NOTE_PACE);
    uint32_t size, missing;
    if (rl_pace_is_busy(pace, lease->now)) {
        return cost;
    }
    keep_cell(lease);
    lease->left = rl_leasing_left(lease);
    size = rl_lease_size(lease->meter, pace, used_since(lease, pace, cost), step, lease->now,
                         cost);
    missing = size > lease->left + cost ? size - lease->left : cost;
    if (missing > cost && !rl_keeper_add(lease->source->keeper, lease)) {
        missing = cost;
    }
    lease->pace = rl_pace_begin(missing + lease->left, lease->now);
    if (!swap(lease, NOTE_PACE, pace, lease->pace)) {
        lease->pace = 0;
        return cost;
    }
    if (is_bucket(lease)) {
        swap(lease, NOTE_SPENT, note(lease, NOTE_SPENT), cost);
    }
    return missing;
}

void rl_leasing_end(rl_leasing_t *lease, uint32_t reserved)
{
    if (lease->pace != 0) {
        swap(lease, NOTE_PACE, lease->pace, rl_pace_end(lease->pace, reserved + lease->left));
    }
}

static bool add(const rl_leasing_t *lease, uint64_t until, uint32_t units)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t word = note(lease, NOTE_LEASE);
        if (swap(lease, NOTE_LEASE, word,
                 rl_lease_extended(lease->meter, word, lease->window, lease->now, until,
                                   units))) {
            return true;
        }
    }
    return false;
}

bool rl_leasing_add(const rl_leasing_t *lease, uint64_t until, uint32_t units)
{
    if (!add(lease, until, units)) {
        return false;
    }
    /* The keeper may have looked just before, and dropped what was empty then. */
    if (!rl_keeper_add(lease->source->keeper, lease)) {
        rl_leasing_return(lease);
    }
    return true;
}

/* ---- giving back ---- */

void rl_leasing_lower(const rl_leasing_t *lease, uint32_t units)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t word = note(lease, NOTE_LEASE);
        if (word == 0 || swap(lease, NOTE_LEASE, word,
                              rl_lease_lowered(lease->meter, word, lease->now, units))) {
            return;
        }
    }
}

/* Which counter it is by now is learned as well: of one that was wiped or made anew meanwhile
 * nothing must be taken off that isn't in it. */
bool rl_leasing_can_return(const rl_leasing_t *lease)
{
    return rl_leasing_left(lease) == 0 ||
           rl_source_learn(lease->source, lease->key, lease->meter, lease->now);
}

/* What is taken away unspent was not used up by the key. */
static void count_taken(const rl_leasing_t *lease, uint64_t taken)
{
    const uint64_t pace = note(lease, NOTE_PACE);
    const uint32_t units = rl_pace_units(pace), left = left_of(lease, taken);
    if (!rl_pace_is_busy(pace, lease->now)) {
        swap(lease, NOTE_PACE, pace, rl_pace_end(pace, units > left ? units - left : 0));
    }
}

/* Takes away what is left; 0 when that is nothing. */
static uint64_t take(const rl_leasing_t *lease)
{
    for (int i = 0; i < SWAP_TRIES; i++) {
        const uint64_t word = note(lease, NOTE_LEASE);
        if (word == 0) {
            return 0;
        }
        if (swap(lease, NOTE_LEASE, word, 0)) {
            count_taken(lease, word);
            return word;
        }
    }
    return 0;
}

void rl_leasing_return(const rl_leasing_t *lease)
{
    const uint64_t taken = take(lease);
    rl_source_t source = *lease->source;
    if (taken == 0) {
        return;
    }
    source.keeper = NULL; /* they are not to be leased again */
    if (is_bucket(lease)) {
        rl_reservation_t res =
            rl_reservation(&source, lease->key, lease->meter, lease->window, lease->now);
        rl_bucket_give_back(&res, taken);
    }
    else {
        rl_source_refund(&source, lease->key, lease->meter,
                         rl_window_stamp(lease->incarnation, lease->window),
                         left_of(lease, taken), lease->now);
    }
}
