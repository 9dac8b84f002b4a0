/* SPDX-License-Identifier: Apache-2.0 */
/* A sketch of a stream of keys: which of them come most often, in constant memory. Space-Saving
 * (Metwally, Agrawal, El Abbadi 2005): a key that has no entry takes that of the key with the
 * lowest count, and goes on from that count; the count that it took over is its error. So a key
 * that makes up more than a RL_SKETCH_KEYSth of the stream has an entry, and has come at least
 * `count - error` times.
 *
 * Differences: an entry whose key has been quiet for RL_SKETCH_QUIET_S seconds is free, so that
 * counts are those of what goes on, not of what has been. While more than
 * RL_SKETCH_EXACT_PER_S keys come in a second, one in RL_SKETCH_SAMPLE is looked at and counts
 * for so many.
 *
 * Lock-free, for any process and thread, in shared memory that was zeroed once. Two that take
 * one entry at the same moment, or one that is killed while it does, leave an entry that no
 * reader shows (its check fails), and that becomes free. */
#ifndef RL_STATS_SKETCH_H
#define RL_STATS_SKETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"

#define RL_SKETCH_KEYS        32
#define RL_SKETCH_QUIET_S     600
#define RL_SKETCH_EXACT_PER_S 256
#define RL_SKETCH_SAMPLE      16

/* Entry i is made of the i-th of each; a search goes over `lo` alone. */
typedef struct rl_sketch {
    _Alignas(64) _Atomic uint64_t pace; /* second (32) | keys looked at in it (32) */
    _Alignas(64) _Atomic uint64_t lo[RL_SKETCH_KEYS];
    _Atomic uint64_t hi[RL_SKETCH_KEYS];
    _Atomic uint64_t check[RL_SKETCH_KEYS]; /* mixed from lo and hi */
    _Atomic uint64_t tally[RL_SKETCH_KEYS]; /* count (32) | error (32); 0: free */
    _Atomic uint64_t seen[RL_SKETCH_KEYS];  /* last (32) | since (32), seconds since 1970 */
    _Atomic uint64_t rate[RL_SKETCH_KEYS];  /* limit (32) | period in seconds (32) */
} rl_sketch_t;

/* A key that came: under which rate it is counted, and when. */
typedef struct rl_sighting {
    rl_digest_t key;
    uint32_t limit, period_s;
    uint32_t now_s;    /* seconds since 1970 */
    uint64_t sequence; /* a number that differs from sighting to sighting; it draws samples */
} rl_sighting_t;

/* Does the work of rl_sketch_add() for a key that isn't passed over. */
void rl_sketch_look(rl_sketch_t *sketch, const rl_sighting_t *sighting);

/* Returns true for one in RL_SKETCH_SAMPLE sequence numbers. */
static inline bool rl_sketch_draws(uint64_t sequence)
{
    const uint64_t mixed = (sequence + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return ((mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9)) >> 60 == 0;
}

/* Returns true if the key that comes now, with this sequence number, isn't passed over. */
static inline bool rl_sketch_looks(const rl_sketch_t *sketch, uint32_t now_s, uint64_t sequence)
{
    const uint64_t pace = atomic_load_explicit(&sketch->pace, memory_order_relaxed);
    return pace >> 32 != now_s || (uint32_t)pace < RL_SKETCH_EXACT_PER_S ||
           rl_sketch_draws(sequence);
}

/* Counts that a key has come. */
static inline void rl_sketch_add(rl_sketch_t *sketch, const rl_sighting_t *sighting)
{
    if (rl_sketch_looks(sketch, sighting->now_s, sighting->sequence)) {
        rl_sketch_look(sketch, sighting);
    }
}

typedef struct rl_sketch_key {
    rl_digest_t key;
    uint32_t limit, period_s; /* when it came last */
    uint32_t count, error;    /* it came count - error to count times, */
    uint32_t since_s, last_s; /* between these */
} rl_sketch_key_t;

/* Copies the keys that came in the last RL_SKETCH_QUIET_S seconds, the most frequent first.
 * Returns how many. */
unsigned rl_sketch_read(const rl_sketch_t *sketch, uint32_t now_s,
                        rl_sketch_key_t keys[RL_SKETCH_KEYS]);

#endif
