/* SPDX-License-Identifier: Apache-2.0 */
/* The lease
 *
 *     windows        window (32 bits) | units (32)
 *     token bucket   from (40) | ticks (24): core/meter/bucket.c
 *
 * In a window, reserved units count until the window ends, whether they are spent or not, so
 * they may be spent at any moment of it.
 *
 * In a bucket, reserved units drain, and must not be spent after that: a bucket that has been
 * refilled meanwhile would let in all it holds and the leases on top. The ticks by which a
 * reservation moves the bucket's arrival time belong to it alone: they lie between those that
 * were reserved before and those that will be afterwards. So a lease is a piece of the bucket's
 * own time, from..from + ticks, and is spent as the bucket itself would be: `from` moves on by
 * what is spent, and with the clock once that has come further. At any moment all pieces lie
 * between the clock and the arrival time, which is at most a whole bucket ahead. So whenever
 * they are spent, they come to no more than what the bucket would have let in one by one.
 *
 * Units that are given back to the bucket lower its arrival time. A piece that stayed where it
 * is would lie above the bucket's time: the bucket would be full again before the piece has
 * drained. So the server that gives units back moves its own piece down as well. The pieces of
 * other servers stay where they are, undrained, for as long as they are kept: some two seconds
 * (lease/keeper.h).
 *
 * The pace
 *
 *     start (48, milliseconds) | busy (1) | units (15)
 *
 * says when units were reserved last, and how many there were in the lease then. */
#include "lease_word.h"

#include "bucket.h"

#define WINDOW_AT  32
#define UNITS_MASK ((UINT64_C(1) << WINDOW_AT) - 1)

#define TICKS_BITS 24
#define TICKS_MAX  ((UINT64_C(1) << TICKS_BITS) - 1)
#define TIME_MASK  ((UINT64_C(1) << 40) - 1)

#define START_AT  16
#define BUSY      (UINT64_C(1) << 15)
#define PACE_MASK (BUSY - 1)

/* The longest timeout= of RateLimitStore: no store is waited for longer. */
#define BUSY_MAX_MS 10000

/* How far the clock may have been set back, in microseconds: a lease that begins further ahead
 * of now than this and a whole bucket is noise. */
#define CLOCK_BACK_MAX (2 * 60 * RL_USEC_PER_SEC)

/* A lease is to last LEASE_US, and takes at most 1/SHARE of what is left of the limit. */
#define LEASE_US RL_USEC_PER_SEC
#define SHARE    8

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool is_bucket(const rl_meter_t *meter)
{
    return meter->algorithm == RL_TOKEN_BUCKET;
}

/* ---- windows ---- */

static uint32_t window_of(uint64_t lease)
{
    return (uint32_t)(lease >> WINDOW_AT);
}

static uint32_t units_of(uint64_t lease, uint32_t window)
{
    return window_of(lease) == window ? (uint32_t)(lease & UNITS_MASK) : 0;
}

static uint64_t window_lease(uint32_t window, uint32_t units)
{
    return (uint64_t)window << WINDOW_AT | units;
}

/* ---- token buckets ---- */

/* The lease of a bucket at one moment. */
typedef struct rl_piece {
    uint64_t from;  /* ticks: the lowest 40 bits of the bucket's time */
    uint64_t ticks; /* how long the piece is; 0: nothing is left */
} rl_piece_t;

/* Returns what is left of the lease at now. A piece that no bucket of this meter can have had
 * is noise that a former owner of the word has left. */
static rl_piece_t piece_at(const rl_meter_t *meter, uint64_t lease, uint64_t now)
{
    const rl_piece_t stored = {.from = lease >> TICKS_BITS, .ticks = lease & TICKS_MAX};
    const uint64_t whole = rl_bucket_cost(meter, meter->burst);
    const uint64_t passed = (now - stored.from) & TIME_MASK;
    const uint64_t ahead = (stored.from - now) & TIME_MASK;
    if (ahead <= whole + rl_bucket_ticks(meter, CLOCK_BACK_MAX) && stored.ticks <= whole) {
        return stored;
    }
    return (rl_piece_t){
        .from = now & TIME_MASK,
        .ticks = stored.ticks > passed && stored.ticks <= whole ? stored.ticks - passed : 0};
}

static uint64_t bucket_lease(uint64_t from, uint64_t ticks)
{
    return (from & TIME_MASK) << TICKS_BITS | ticks;
}

static uint64_t bucket_spent(const rl_meter_t *meter, uint64_t lease, uint64_t now,
                             uint64_t cost)
{
    const rl_piece_t piece = piece_at(meter, lease, now);
    return bucket_lease(piece.from + cost, piece.ticks - cost);
}

/* Of two pieces that are not adjacent, the longer one is kept. */
static uint64_t bucket_extended(const rl_meter_t *meter, uint64_t lease, uint64_t now,
                                uint64_t until, uint64_t more)
{
    const rl_piece_t piece = piece_at(meter, lease, now);
    const uint64_t from = until - more;
    if (((piece.from + piece.ticks - from) & TIME_MASK) == 0 &&
        piece.ticks + more <= TICKS_MAX) {
        return bucket_lease(piece.from, piece.ticks + more);
    }
    return more > piece.ticks && more <= TICKS_MAX ? bucket_lease(from, more)
                                                   : bucket_lease(piece.from, piece.ticks);
}

/* ---- the lease ---- */

uint64_t rl_lease_word_lowered(const rl_operation_t *op, uint64_t lease, uint32_t units)
{
    const uint64_t at = rl_bucket_ticks(&op->meter, op->now);
    const rl_piece_t piece = piece_at(&op->meter, lease, at);
    const uint64_t ahead = (piece.from - at) & TIME_MASK;
    return bucket_lease(piece.from - least(rl_bucket_cost(&op->meter, units), ahead),
                        piece.ticks);
}

uint64_t rl_lease_word_start(const rl_operation_t *op, uint64_t lease)
{
    const uint64_t at = rl_bucket_ticks(&op->meter, op->now);
    return at + ((piece_at(&op->meter, lease, at).from - at) & TIME_MASK);
}

uint64_t rl_lease_word_ticks(const rl_operation_t *op, uint64_t lease)
{
    return piece_at(&op->meter, lease, rl_bucket_ticks(&op->meter, op->now)).ticks;
}

bool rl_lease_word_ends_at(uint64_t lease, uint64_t until)
{
    const uint64_t end = (lease >> TICKS_BITS) + (lease & TICKS_MAX);
    return ((end - until) & TIME_MASK) == 0;
}

uint32_t rl_lease_word_left(const rl_operation_t *op, uint64_t lease, uint32_t window)
{
    return is_bucket(&op->meter) ? (uint32_t)(rl_lease_word_ticks(op, lease) >> op->meter.shift)
                                 : units_of(lease, window);
}

uint64_t rl_lease_word_spent(const rl_operation_t *op, uint64_t lease, uint32_t window,
                             uint32_t units)
{
    return is_bucket(&op->meter)
               ? bucket_spent(&op->meter, lease, rl_bucket_ticks(&op->meter, op->now),
                              rl_bucket_cost(&op->meter, units))
               : window_lease(window, units_of(lease, window) - units);
}

uint64_t rl_lease_word_extended(const rl_operation_t *op, uint64_t lease, uint32_t window,
                                uint64_t until, uint32_t units)
{
    if (is_bucket(&op->meter)) {
        return bucket_extended(&op->meter, lease, rl_bucket_ticks(&op->meter, op->now), until,
                               rl_bucket_cost(&op->meter, units));
    }
    if (lease != 0 && (int32_t)(window_of(lease) - window) > 0) {
        return lease;
    }
    return window_lease(window, units_of(lease, window) + units);
}

/* ---- the pace ---- */

/* Returns the units that are used up here in LEASE_US. */
static uint64_t demand(uint64_t pace, uint32_t used, int64_t now)
{
    const int64_t age = rl_pace_age(pace, now);
    return used * (uint64_t)LEASE_US / (uint64_t)(age > 0 ? age : 1000);
}

/* Returns the microseconds until the window of the step ends. The use of a sliding window
 * resets a period later than that. */
static int64_t window_left(const rl_meter_t *meter, const rl_step_t *step, int64_t now)
{
    const int64_t left = step->reset - now;
    return left > meter->period_us ? left - meter->period_us : left;
}

uint32_t rl_pace_next_size(const rl_operation_t *op, uint64_t pace, uint32_t used,
                           const rl_step_t *step, uint32_t cost)
{
    const rl_meter_t *meter = &op->meter;
    const uint32_t quota = rl_meter_quota(meter);
    const uint32_t remaining = quota > step->used ? quota - step->used : 0;
    uint64_t units =
        least(least(demand(pace, used, op->now), 2 * (uint64_t)rl_pace_units(pace)),
              least(remaining / SHARE, RL_LEASE_MAX));
    if (is_bucket(meter)) {
        units = least(units, TICKS_MAX >> meter->shift);
    }
    else if (window_left(meter, step, op->now) < LEASE_US) {
        units = units * (uint64_t)window_left(meter, step, op->now) / (uint64_t)LEASE_US;
    }
    return units > cost ? (uint32_t)units : cost;
}

bool rl_pace_is_low(uint64_t pace, uint32_t left)
{
    return rl_pace_units(pace) >= RL_LEASE_LARGE && left < rl_pace_units(pace) / RL_LEASE_LARGE;
}

uint64_t rl_pace_begin(uint32_t units, int64_t now)
{
    return (uint64_t)(now / 1000) << START_AT | BUSY | least(units, PACE_MASK);
}

uint64_t rl_pace_end(uint64_t pace, uint32_t units)
{
    return (pace & ~(BUSY | PACE_MASK)) | least(units, PACE_MASK);
}

bool rl_pace_is_busy(uint64_t pace, int64_t now)
{
    const int64_t passed = now / 1000 - (int64_t)(pace >> START_AT);
    return (pace & BUSY) != 0 && passed >= 0 && passed <= BUSY_MAX_MS;
}

int64_t rl_pace_age(uint64_t pace, int64_t now)
{
    const int64_t passed = now / 1000 - (int64_t)(pace >> START_AT);
    return passed > 0 ? passed * 1000 : 0;
}

uint32_t rl_pace_units(uint64_t pace)
{
    return (uint32_t)(pace & PACE_MASK);
}
