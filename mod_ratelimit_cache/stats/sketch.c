/* SPDX-License-Identifier: Apache-2.0 */
#include "sketch.h"

#include <stdbool.h>
#include <stdlib.h>

#define TAKE_TRIES 4

#define COUNT_MAX (UINT32_MAX / 2)

static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static uint64_t pair(uint32_t high, uint32_t low)
{
    return (uint64_t)high << 32 | low;
}

static uint64_t check_of(uint64_t lo, uint64_t hi)
{
    return lo * UINT64_C(0x9e3779b97f4a7c15) ^ (hi + UINT64_C(0x632be59bd9b4e019));
}

/* ---- sampling ---- */

/* Returns for how many the sighting counts. The word `pace` is written only while there are
 * few.
 */
static uint32_t weight_of(rl_sketch_t *sketch, const rl_sighting_t *sighting)
{
    const uint64_t pace = load(&sketch->pace);
    if (pace >> 32 != sighting->now_s) {
        store(&sketch->pace, pair(sighting->now_s, 1));
        return 1;
    }
    if ((uint32_t)pace < RL_SKETCH_EXACT_PER_S) {
        atomic_fetch_add_explicit(&sketch->pace, 1, memory_order_relaxed);
        return 1;
    }
    return RL_SKETCH_SAMPLE;
}

/* ---- entries ---- */

/* A clock that was set back makes nothing quiet. */
static bool is_quiet(const rl_sketch_t *sketch, int i, uint32_t now_s)
{
    const uint32_t last = (uint32_t)(load(&sketch->seen[i]) >> 32);
    return now_s > last && now_s - last > RL_SKETCH_QUIET_S;
}

static int find_entry(const rl_sketch_t *sketch, const rl_digest_t *key)
{
    for (int i = 0; i < RL_SKETCH_KEYS; i++) {
        if (load(&sketch->lo[i]) == key->lo && load(&sketch->hi[i]) == key->hi &&
            load(&sketch->tally[i]) != 0) {
            return i;
        }
    }
    return -1;
}

static void count_again(rl_sketch_t *sketch, int i, const rl_sighting_t *sighting,
                        uint32_t weight)
{
    const uint64_t rate = pair(sighting->limit, sighting->period_s);
    const uint64_t seen = load(&sketch->seen[i]);
    if (is_quiet(sketch, i, sighting->now_s)) {
        store(&sketch->tally[i], pair(weight, 0));
        store(&sketch->seen[i], pair(sighting->now_s, sighting->now_s));
    }
    else {
        if (load(&sketch->tally[i]) >> 32 < COUNT_MAX) {
            atomic_fetch_add_explicit(&sketch->tally[i], pair(weight, 0), memory_order_relaxed);
        }
        if (seen >> 32 != sighting->now_s) {
            store(&sketch->seen[i], pair(sighting->now_s, (uint32_t)seen));
        }
    }
    if (load(&sketch->rate[i]) != rate) {
        store(&sketch->rate[i], rate);
    }
}

/* Finds the entry with the lowest count; free ones have 0. Sets *tally to its word. */
static int find_lowest(const rl_sketch_t *sketch, uint32_t now_s, uint64_t *tally,
                       uint32_t *count)
{
    int lowest = 0;
    *count = UINT32_MAX;
    for (int i = 0; i<RL_SKETCH_KEYS && * count> 0; i++) {
        const uint64_t word = load(&sketch->tally[i]);
        const uint32_t n = is_quiet(sketch, i, now_s) ? 0 : (uint32_t)(word >> 32);
        if (n < *count) {
            lowest = i;
            *tally = word;
            *count = n;
        }
    }
    return lowest;
}

/* Whoever swaps the tally writes the rest. */
static bool take_entry(rl_sketch_t *sketch, const rl_sighting_t *sighting, uint32_t weight)
{
    uint32_t count;
    uint64_t tally = 0;
    const int i = find_lowest(sketch, sighting->now_s, &tally, &count);
    if (!atomic_compare_exchange_strong(&sketch->tally[i], &tally,
                                        pair(count + weight, count))) {
        return false;
    }
    store(&sketch->check[i], 0);
    store(&sketch->lo[i], sighting->key.lo);
    store(&sketch->hi[i], sighting->key.hi);
    store(&sketch->rate[i], pair(sighting->limit, sighting->period_s));
    store(&sketch->seen[i], pair(sighting->now_s, sighting->now_s));
    atomic_store_explicit(&sketch->check[i], check_of(sighting->key.lo, sighting->key.hi),
                          memory_order_release);
    return true;
}

void rl_sketch_look(rl_sketch_t *sketch, const rl_sighting_t *sighting)
{
    const uint32_t weight = weight_of(sketch, sighting);
    for (int i = 0; i < TAKE_TRIES; i++) {
        const int entry = find_entry(sketch, &sighting->key);
        if (entry >= 0) {
            count_again(sketch, entry, sighting, weight);
            return;
        }
        if (take_entry(sketch, sighting, weight)) {
            return;
        }
    }
}

/* ---- reading ---- */

static bool sketch_entry(const rl_sketch_t *sketch, int i, rl_sketch_key_t *key)
{
    const uint64_t check = atomic_load_explicit(&sketch->check[i], memory_order_acquire);
    const uint64_t tally = load(&sketch->tally[i]), seen = load(&sketch->seen[i]);
    const uint64_t rate = load(&sketch->rate[i]);
    *key = (rl_sketch_key_t){
        .key = {.hi = load(&sketch->hi[i]), .lo = load(&sketch->lo[i])},
        .limit = (uint32_t)(rate >> 32),
        .period_s = (uint32_t)rate,
        .count = (uint32_t)(tally >> 32),
        .error = (uint32_t)tally,
        .since_s = (uint32_t)seen,
        .last_s = (uint32_t)(seen >> 32),
    };
    return key->count > 0 && check == check_of(key->key.lo, key->key.hi);
}

/* Two processes may have given one key an entry each. */
static bool is_among(const rl_sketch_key_t *keys, unsigned n, const rl_digest_t *key)
{
    for (unsigned i = 0; i < n; i++) {
        if (keys[i].key.lo == key->lo && keys[i].key.hi == key->hi) {
            return true;
        }
    }
    return false;
}

static int by_count(const void *a, const void *b)
{
    const rl_sketch_key_t *left = a, *right = b;
    const uint32_t n = left->count - left->error, m = right->count - right->error;
    return n == m ? (left->last_s < right->last_s) - (left->last_s > right->last_s)
                  : (n < m) - (n > m);
}

unsigned rl_sketch_read(const rl_sketch_t *sketch, uint32_t now_s,
                        rl_sketch_key_t keys[RL_SKETCH_KEYS])
{
    unsigned n = 0;
    for (int i = 0; i < RL_SKETCH_KEYS; i++) {
        if (!is_quiet(sketch, i, now_s) && sketch_entry(sketch, i, &keys[n]) &&
            !is_among(keys, n, &keys[n].key)) {
            n++;
        }
    }
    qsort(keys, n, sizeof(keys[0]), by_count);
    return n;
}
