/* SPDX-License-Identifier: Apache-2.0 */
/* Markers: which values a key has been charged for in its window (distinct=).
 *
 * A marker belongs to a key, a value and a window, and to one incarnation of the key's counter:
 * with the counter its markers are forgotten. It says how many units were charged for the value
 * and how many requests hold it: those that are under way, and those whose outcome counts.
 * Whoever comes while it has a holder becomes one more, and is free. The last one to leave it
 * gives the units back. As units are charged before the marker says so, and given back after,
 * there are never more values with a marker than the counter has units for.
 *
 * A marker lies in the shared store if its units were charged there; else in this server's
 * ledger, in the note WORD of a cell of its own (core/meter/marker_word.h). In the store, one
 * round trip joins a marker and as a rule one leaves it, by addition and subtraction.
 *
 * Markers may be lost like counters. The value is then charged again. If a command has no
 * answer, it is taken to have been carried out where that keeps units charged. So a count may
 * come out too high by it, never too low. */
#ifndef RL_FLEET_MARKER_H
#define RL_FLEET_MARKER_H

#include "errand.h"
#include "source.h"

/* Names a marker. */
typedef struct rl_marker {
    rl_digest_t key;
    uint64_t incarnation; /* of the counter */
    uint32_t window;      /* of the counter */
    uint8_t rule;         /* the number of the rule: see rl_operation_t */
    bool shared;          /* in the shared store */
} rl_marker_t;

/* Returns the marker of a value in this window and incarnation of the operation's counter. The
 * digest must be one that nobody can foresee. */
rl_marker_t rl_marker(const rl_operation_t *op, const rl_digest_t *value, uint32_t window,
                      uint64_t incarnation, bool shared);

typedef enum {
    RL_MARKER_NONE, /* the value isn't charged, or it can't be found out; nothing is held */
    RL_MARKER_HELD, /* the value was charged already; this request holds the marker, too */
    RL_MARKER_FULL, /* the value was charged already, and stays so; nothing is held */
    RL_MARKER_MADE  /* this request's units were noted; it holds the marker */
} rl_marker_e;

/* Returns true if the value is charged. */
bool rl_marker_is_charged(const rl_source_t *source, const rl_marker_t *marker);

/* Becomes a holder if the value is charged. */
rl_marker_e rl_marker_join(const rl_source_t *source, const rl_marker_t *marker);

/* Notes that `units` were charged for the value at time now, and becomes the holder. If it was
 * charged already, joins; then the caller has to give its units back. The marker is needed
 * until `expires`. Times are microseconds since the epoch. */
rl_marker_e rl_marker_make(const rl_source_t *source, const rl_marker_t *marker, uint32_t units,
                           int64_t now, int64_t expires);

/* Leaves a marker that is held. Returns the units that the caller has to give back to the key's
 * counter: 0 unless it was the last holder. */
uint32_t rl_marker_leave(const rl_source_t *source, const rl_marker_t *marker);

/* Foresees what that asks of the shared store first. */
void rl_marker_foresee_leave(const rl_marker_t *marker, rl_errand_t *errand);

/* ---- announcements ---- */

/* With a shared store it takes some round trips until a value that is new is noted. Meanwhile
 * an announcement in this server's ledger keeps its other requests from charging it as well.
 * The marker only names it, and must not be shared. */

/* Announces at time now that a request is about to charge the value. Returns false if another
 * one has announced that a moment ago, and may be at it. */
bool rl_marker_announce(const rl_source_t *source, const rl_marker_t *marker, int64_t now);

/* Returns true if a request has announced that a moment ago. */
bool rl_marker_is_announced(const rl_source_t *source, const rl_marker_t *marker, int64_t now);

/* Takes back what was announced at time now. */
void rl_marker_withdraw(const rl_source_t *source, const rl_marker_t *marker, int64_t now);

#endif
