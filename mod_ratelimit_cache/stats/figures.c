/* SPDX-License-Identifier: Apache-2.0 */
#include "figures.h"

#include <stdbool.h>

#include "../core/hot.h"

/* A clock that is set back by up to so many minutes goes on in the minute that has begun; one
 * that was far ahead starts anew. */
#define BACK_MAX 5

static uint64_t sum_of(const rl_figures_t *figures, int figure)
{
    uint64_t sum = 0;
    for (int i = 0; i < RL_STRIPES; i++) {
        sum += atomic_load_explicit(&figures->stripes[i].n[figure], memory_order_relaxed);
    }
    return sum;
}

void rl_figures_sum(const rl_figures_t *figures, uint64_t sums[RL_FIGURES])
{
    for (int i = 0; i < RL_FIGURES; i++) {
        sums[i] = sum_of(figures, i);
    }
}

/* ---- time ---- */

/* The number is gone while the rest is written. */
static void write_moment(rl_moment_t *moment, uint64_t number, const uint64_t *sums)
{
    atomic_store_explicit(&moment->number, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (int i = 0; i < RL_FIGURES_IN_TIME; i++) {
        atomic_store_explicit(&moment->before[i], sums[i], memory_order_relaxed);
    }
    atomic_store_explicit(&moment->number, number, memory_order_release);
}

static bool read_moment(const rl_moment_t *moment, uint64_t number, uint64_t *before)
{
    if (atomic_load_explicit(&moment->number, memory_order_acquire) != number) {
        return false;
    }
    for (int i = 0; i < RL_FIGURES_IN_TIME; i++) {
        before[i] = atomic_load_explicit(&moment->before[i], memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&moment->number, memory_order_relaxed) == number;
}

RL_RARELY void rl_figures_turn(rl_figures_t *figures, uint32_t minute)
{
    uint32_t last = atomic_load(&figures->minute);
    uint64_t sums[RL_FIGURES_IN_TIME];
    if (last == minute || (last > minute && last - minute <= BACK_MAX) ||
        !atomic_compare_exchange_strong(&figures->minute, &last, minute)) {
        return;
    }
    for (int i = 0; i < RL_FIGURES_IN_TIME; i++) {
        /* Before the first moment there was nothing, whatever others have counted since. */
        sums[i] = last != 0 ? sum_of(figures, i) : 0;
    }
    write_moment(&figures->minutes[minute % RL_MINUTES_RING], minute, sums);
    if (last / 60 != minute / 60) {
        write_moment(&figures->hours[minute / 60 % RL_HOURS_RING], minute / 60, sums);
    }
}

/* Goes back in time: what came in a moment is what the sums have grown until the next one that
 * was written down. */
static void read_ring(const rl_figures_t *figures, const rl_moment_t *ring, unsigned room,
                      uint64_t now, rl_interval_t *of, unsigned n)
{
    uint64_t after[RL_FIGURES_IN_TIME], before[RL_FIGURES_IN_TIME];
    for (int i = 0; i < RL_FIGURES_IN_TIME; i++) {
        after[i] = sum_of(figures, i);
    }
    for (unsigned ago = 0; ago < n; ago++) {
        rl_interval_t *at = &of[n - 1 - ago];
        const uint64_t number = now - ago;
        const bool known = now >= ago && read_moment(&ring[number % room], number, before);
        for (int i = 0; i < RL_FIGURES_IN_TIME; i++) {
            at->n[i] = known && after[i] > before[i] ? after[i] - before[i] : 0;
            after[i] = known && before[i] < after[i] ? before[i] : after[i];
        }
    }
}

void rl_figures_minutes(const rl_figures_t *figures, uint32_t now_s,
                        rl_interval_t of[RL_MINUTES])
{
    read_ring(figures, figures->minutes, RL_MINUTES_RING, now_s / 60, of, RL_MINUTES);
}

void rl_figures_hours(const rl_figures_t *figures, uint32_t now_s, rl_interval_t of[RL_HOURS])
{
    read_ring(figures, figures->hours, RL_HOURS_RING, now_s / 3600, of, RL_HOURS);
}

/* ---- for another rule ---- */

static void wipe_ring(rl_moment_t *ring, int n)
{
    static const uint64_t nothing[RL_FIGURES_IN_TIME];
    for (int i = 0; i < n; i++) {
        write_moment(&ring[i], 0, nothing);
    }
}

static void wipe_sketch(rl_sketch_t *sketch)
{
    for (int i = 0; i < RL_SKETCH_KEYS; i++) {
        atomic_store(&sketch->check[i], 0);
        atomic_store(&sketch->tally[i], 0);
        atomic_store(&sketch->lo[i], 0);
        atomic_store(&sketch->hi[i], 0);
    }
}

/* Of two that note at the same time one may be lost: it is an average. */
void rl_figures_note_held(rl_figures_t *figures, int64_t held_us)
{
    const int64_t last = rl_figures_held(figures);
    const int64_t mean = last == 0 ? held_us : last + (held_us - last) / 8;
    atomic_store_explicit(&figures->held_us, mean < UINT32_MAX ? (uint32_t)mean : UINT32_MAX,
                          memory_order_relaxed);
}

int64_t rl_figures_held(const rl_figures_t *figures)
{
    return atomic_load_explicit(&figures->held_us, memory_order_relaxed);
}

void rl_figures_wipe(rl_figures_t *figures)
{
    for (int i = 0; i < RL_STRIPES; i++) {
        for (int j = 0; j < RL_FIGURES; j++) {
            atomic_store(&figures->stripes[i].n[j], 0);
        }
    }
    atomic_store(&figures->minute, 0);
    atomic_store(&figures->held_us, 0);
    wipe_ring(figures->minutes, RL_MINUTES_RING);
    wipe_ring(figures->hours, RL_HOURS_RING);
    wipe_sketch(&figures->busiest);
    wipe_sketch(&figures->over);
}
