/* SPDX-License-Identifier: Apache-2.0 */
/* Figures: how many requests a rule allowed, denied ... in one virtual host, since the start,
 * by minutes and by hours. They lie in two pages of shared memory:
 *
 *     +--------------------------------------------------------------+
 *     | minute that has begun                                        |
 *     | stripe 0: RL_FIGURES numbers (a cache line)                  |
 *     | ...                                                          |
 *     | stripe RL_STRIPES - 1                                        |
 *     | sketch of the busiest keys                                   |
 *     +--------------------------------------------------------------+
 *     | minutes: what the sums were when the minute began            |
 *     | hours: the same                                              |
 *     | sketch of the keys that are most over their limit            |
 *     +--------------------------------------------------------------+
 *
 * A figure is one atomic addition to the stripe of the processor. The first request in a new
 * minute writes down what the sums are at that moment; what came in a minute is the difference
 * to the next that was written down. So the minutes of an hour always add up to what was
 * counted in it. At the turn of a minute a request that is counted at that very moment may go
 * to either. A process that is killed while it writes leaves a minute out: what came in it is
 * counted with the minute before. */
#ifndef RL_STATS_FIGURES_H
#define RL_STATS_FIGURES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../system/stripe.h"
#include "sketch.h"

/* A request that a rule was checked for has one of the first five. */
typedef enum {
    RL_FIGURE_ALLOWED,
    RL_FIGURE_DENIED,
    RL_FIGURE_OBSERVED, /* over the limit of a rule that only observes */
    RL_FIGURE_OTHER,    /* within the limit; another rule denied the request */
    RL_FIGURE_ERROR,    /* not counted: the store didn't answer, or there was no rate */
    RL_FIGURE_REFUNDED, /* its outcome didn't count: the units were given back */
    RL_FIGURE_CLEARED,  /* its outcome cleared the counter */
    RL_FIGURE_MISSING,  /* it had no value for a part of the key */
    RL_FIGURES
} rl_figure_e;

#define RL_FIGURES_CHECKED 5 /* the first so many add up to the requests that were checked */
#define RL_FIGURES_IN_TIME 3 /* the first so many are kept by minutes and hours */

#define RL_MINUTES 60
#define RL_HOURS   24

typedef struct rl_moment {
    _Atomic uint64_t number;                     /* of the minute or hour since 1970; 0: none */
    _Atomic uint64_t before[RL_FIGURES_IN_TIME]; /* the sums when it began */
} rl_moment_t;

/* Rings have more room than is read, so that what is written anew isn't being read. */
#define RL_MINUTES_RING 62
#define RL_HOURS_RING   28

typedef struct rl_figures {
    _Alignas(64) _Atomic uint32_t minute; /* since 1970; 0: no request yet */
    _Atomic uint32_t held_us; /* how long slots of COUNT/concurrent are held, on average */
    struct {
        _Alignas(64) _Atomic uint64_t n[RL_FIGURES];
    } stripes[RL_STRIPES];
    rl_sketch_t busiest; /* keys of all requests */
    /* Each request comes to what is above; this is the second page. */
    _Alignas(64) rl_moment_t minutes[RL_MINUTES_RING];
    rl_moment_t hours[RL_HOURS_RING];
    rl_sketch_t over; /* keys of requests over the limit, denied or observed */
} rl_figures_t;

_Static_assert(offsetof(rl_figures_t, minutes) <= 4096 && sizeof(rl_figures_t) == 8192,
               "a request comes to one page of a rule's figures");

/* Notes that a new minute has begun, unless that is known. */
void rl_figures_turn(rl_figures_t *figures, uint32_t minute);

/* When and where a request is counted. */
typedef struct rl_instant {
    uint32_t now_s, minute; /* seconds, and minutes, since 1970 */
    unsigned stripe;        /* rl_stripe() */
} rl_instant_t;

/* Returns that of a request which is counted now, now_s seconds since 1970. */
static inline rl_instant_t rl_instant(uint32_t now_s)
{
    return (rl_instant_t){.now_s = now_s, .minute = now_s / 60, .stripe = rl_stripe()};
}

/* Adds 1 to a figure. Returns a number that differs from one addition to the next. */
static inline uint64_t rl_figures_add(rl_figures_t *figures, rl_figure_e figure,
                                      rl_instant_t at)
{
    if (atomic_load_explicit(&figures->minute, memory_order_relaxed) != at.minute) {
        rl_figures_turn(figures, at.minute);
    }
    return atomic_fetch_add_explicit(&figures->stripes[at.stripe].n[figure], 1,
                                     memory_order_relaxed);
}

/* Returns true if anything was ever counted in them. Reads one page of their memory. */
static inline bool rl_figures_any(const rl_figures_t *figures)
{
    return atomic_load_explicit(&figures->minute, memory_order_relaxed) != 0;
}

/* Notes that a slot of COUNT/concurrent was held for so long, microseconds. */
void rl_figures_note_held(rl_figures_t *figures, int64_t held_us);

/* Returns how long slots of the rule are held, microseconds: an average in which the last one
 * weighs an eighth; 0: none was yet. */
int64_t rl_figures_held(const rl_figures_t *figures);

/* Sets sums to the figures since the start. */
void rl_figures_sum(const rl_figures_t *figures, uint64_t sums[RL_FIGURES]);

/* Figures of a minute or an hour. */
typedef struct rl_interval {
    uint64_t n[RL_FIGURES_IN_TIME];
} rl_interval_t;

/* Sets the figures of the last RL_MINUTES minutes, or RL_HOURS hours; the last one is the one
 * that now_s is in. */
void rl_figures_minutes(const rl_figures_t *figures, uint32_t now_s,
                        rl_interval_t of[RL_MINUTES]);
void rl_figures_hours(const rl_figures_t *figures, uint32_t now_s, rl_interval_t of[RL_HOURS]);

/* Sets everything to zero, for another rule. */
void rl_figures_wipe(rl_figures_t *figures);

#endif
