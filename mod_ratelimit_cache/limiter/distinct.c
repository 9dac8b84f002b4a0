/* SPDX-License-Identifier: Apache-2.0 */
#include "distinct.h"

#include "../core/meter/tally.h"
#include "../fleet/incarnation.h"
#include "../fleet/penalty.h"
#include "../fleet/reservation.h"

/* First the marker is looked for, then the units are charged, and only then is the marker made.
 * If it were made first, another request with the value would take it for charged, though the
 * charge may be denied. So two requests may both charge a value that is new. The one that finds
 * the other's marker gives its units back. And a request may be denied because another one with
 * the same value has just taken the last units; so after a denial the marker is looked for once
 * more. With a shared store all this takes longer, and so the requests of one server announce
 * to each other what they are about to charge.
 *
 * While the shared store doesn't answer, and this server grants by itself, markers are made
 * here. They go on to count as long as the counter stays what it is. */

/* Stands for the incarnation of a counter of which this server knows none, and keeps the names
 * of markers that are made without the store apart from those of others. */
#define WITHOUT_STORE (UINT64_C(1) << RL_TALLY_INCARNATION_BITS)

/* In place of an incarnation: names announcements. */
#define ANNOUNCEMENT (UINT64_C(2) << RL_TALLY_INCARNATION_BITS)

/* How often a request looks for a marker that another one is about to make. */
#define FOLLOW_TRIES 20

/* Computes the step of a request that is free: granted unless the limit is 0, or the key is
 * under a penalty. */
static void peek_free(const rl_source_t *source, const rl_operation_t *op, rl_step_t *step)
{
    const rl_operation_t nothing = rl_operation_at_cost(op, 0);
    rl_counter_peek(source, &nothing, step);
}

/* ---- naming markers ---- */

static rl_marker_t marker_here(const rl_source_t *source, const rl_operation_t *op,
                               const rl_distinct_t *distinct, uint32_t window,
                               uint64_t incarnation)
{
    const bool shared = rl_source_is_shared(source, &op->meter);
    return rl_marker(op, &distinct->value, window, incarnation | (shared ? WITHOUT_STORE : 0),
                     false);
}

static rl_marker_t marker_there(const rl_operation_t *op, const rl_distinct_t *distinct,
                                uint32_t window, uint64_t incarnation)
{
    return rl_marker(op, &distinct->value, window, incarnation, true);
}

/* Names the markers that may say that the value is charged. Returns how many there are, 0 to
 * 2. */
static int name_markers(const rl_source_t *source, const rl_operation_t *op,
                        const rl_distinct_t *distinct, uint32_t window, rl_marker_t markers[2])
{
    const uint64_t incarnation = rl_incarnation(source, op, window);
    const bool shared = rl_source_is_shared(source, &op->meter);
    int n = 0;
    if (shared || incarnation != 0) {
        markers[n++] = marker_here(source, op, distinct, window, incarnation);
    }
    if (shared && incarnation != 0) {
        markers[n++] = marker_there(op, distinct, window, incarnation);
    }
    return n;
}

void rl_distinct_look(const rl_source_t *source, const rl_operation_t *op,
                      const rl_distinct_t *distinct, rl_step_t *step)
{
    rl_marker_t markers[2];
    rl_step_t free_step;
    bool charged = false;
    int n;
    peek_free(source, op, &free_step);
    n = name_markers(source, op, distinct, free_step.window, markers);
    for (int i = 0; free_step.granted && !charged && i < n; i++) {
        charged = rl_marker_is_charged(source, &markers[i]);
    }
    if (charged) {
        *step = free_step;
    }
}

/* ---- being free ---- */

/* Joins the value's marker, if there is one. */
static bool distinct_join(const rl_source_t *source, const rl_operation_t *op,
                          rl_distinct_t *distinct, uint32_t window)
{
    rl_marker_t markers[2];
    const int n = name_markers(source, op, distinct, window, markers);
    for (int i = 0; i < n; i++) {
        const rl_marker_e joined = rl_marker_join(source, &markers[i]);
        if (joined != RL_MARKER_NONE) {
            distinct->marker = markers[i];
            distinct->holds = joined == RL_MARKER_HELD ? RL_HOLDS_MARKER : RL_HOLDS_NOTHING;
            return true;
        }
    }
    return false;
}

/* Returns the stamp that a refund of a marker's units needs. */
static uint64_t distinct_stamp(const rl_source_t *source, const rl_operation_t *op,
                               const rl_marker_t *marker)
{
    if (!rl_source_is_shared(source, &op->meter)) {
        return rl_counter_stamp(op, marker->window);
    }
    return marker->shared
               ? rl_shared_window_stamp((unsigned)marker->incarnation, marker->window)
               : marker->window;
}

/* Grants the step if the value is charged already. A penalty that another server has imposed
 * denies what is free, too. */
static bool charge_nothing(const rl_source_t *source, const rl_operation_t *op,
                           rl_distinct_t *distinct, rl_step_t *step)
{
    peek_free(source, op, step);
    if (!step->granted || !distinct_join(source, op, distinct, step->window)) {
        return false;
    }
    step->stamp = distinct_stamp(source, op, &distinct->marker);
    if (op->meter.penalty_us > 0 && rl_source_is_shared(source, &op->meter)) {
        rl_penalty_ask(source, op, step);
        if (!step->granted) {
            rl_distinct_refund(source, op, distinct, step->stamp);
        }
    }
    distinct->free = step->granted;
    return step->granted;
}

/* ---- charging ---- */

/* Gives units back that were charged in the marker's incarnation of the counter, unless it was
 * cleared since. (Of a shared counter, and for a marker that comes from a receipt, the stamp
 * tells.) */
static void return_units(const rl_source_t *source, const rl_operation_t *op,
                         const rl_marker_t *marker, uint64_t stamp)
{
    if (rl_source_is_shared(source, &op->meter) || marker->incarnation == 0 ||
        rl_incarnation(source, op, marker->window) == marker->incarnation) {
        rl_counter_refund(source, op, stamp);
    }
}

/* Notes that the value is charged. If another request has charged it meanwhile, gives these
 * units back and is free. */
static void note_charge(const rl_source_t *source, const rl_operation_t *op, uint64_t before,
                        rl_distinct_t *distinct, rl_step_t *step)
{
    const uint64_t incarnation = rl_incarnation_charged(source, op, before, step->stamp);
    const bool shared = rl_source_is_shared(source, &op->meter);
    rl_marker_e made;
    if (shared && incarnation == 0) {
        distinct->marker = marker_here(source, op, distinct, step->window,
                                       rl_incarnation(source, op, step->window));
    }
    else if (incarnation != 0) {
        distinct->marker = shared
                               ? marker_there(op, distinct, step->window, incarnation)
                               : marker_here(source, op, distinct, step->window, incarnation);
    }
    else {
        return; /* it was cleared: these units are gone, or will be refused when given back */
    }
    made = rl_marker_make(source, &distinct->marker, op->cost, op->now, step->expires);
    distinct->holds = made == RL_MARKER_NONE   ? RL_HOLDS_UNITS
                      : made == RL_MARKER_FULL ? RL_HOLDS_NOTHING
                                               : RL_HOLDS_MARKER;
    if (made == RL_MARKER_HELD || made == RL_MARKER_FULL) {
        const uint64_t stamp = step->stamp;
        return_units(source, op, &distinct->marker, stamp);
        peek_free(source, op, step);
        step->stamp = stamp;
        step->granted = distinct->free = true;
    }
}

/* Returns true if a charge would ask the shared store. */
static bool asks_store(const rl_source_t *source, const rl_operation_t *op)
{
    rl_step_t step;
    rl_seen_t seen;
    rl_counter_aim(source, op, &seen);
    rl_counter_look(source, op, &step, &seen);
    return step.granted;
}

/* Charges the units, and notes that; or is free after all. */
static bool charge_units(const rl_source_t *source, const rl_operation_t *op,
                         rl_on_error_e on_error, rl_distinct_t *distinct, rl_step_t *step)
{
    const uint64_t before = rl_incarnation(source, op, step->window);
    const bool counted = rl_counter_charge(source, op, on_error, step);
    if (counted && step->granted) {
        note_charge(source, op, before, distinct, step);
    }
    return counted;
}

/* Waits for a request of this server that is about to charge the value, by asking the store for
 * the marker and, as long as it isn't known here, for the counter. Returns true if this one is
 * free then; else announces that it goes on to charge, if it `asks` the store. */
static bool follow_other(const rl_source_t *source, const rl_operation_t *op, bool asks,
                         const rl_marker_t *announcement, rl_distinct_t *distinct,
                         rl_step_t *step)
{
    for (int i = 0; i < FOLLOW_TRIES; i++) {
        if (asks ? rl_marker_announce(source, announcement, op->now)
                 : !rl_marker_is_announced(source, announcement, op->now)) {
            return false;
        }
        if (rl_incarnation(source, op, step->window) == 0) {
            rl_counter_learn(source, op);
        }
        if (charge_nothing(source, op, distinct, step)) {
            return true;
        }
    }
    return false;
}

/* Looks once more for the marker after a denial. */
static void look_again(const rl_source_t *source, const rl_operation_t *op,
                       rl_distinct_t *distinct, rl_step_t *step)
{
    const rl_step_t denied = *step;
    if (!charge_nothing(source, op, distinct, step)) {
        *step = denied;
    }
}

static bool charge_alone(const rl_source_t *source, const rl_operation_t *op,
                         rl_on_error_e on_error, rl_distinct_t *distinct, rl_step_t *step)
{
    const bool counted = charge_units(source, op, on_error, distinct, step);
    if (!step->granted) {
        look_again(source, op, distinct, step);
    }
    return counted;
}

static bool charge_in_store(const rl_source_t *source, const rl_operation_t *op, bool asks,
                            rl_on_error_e on_error, rl_distinct_t *distinct, rl_step_t *step)
{
    const rl_marker_t announcement =
        rl_marker(op, &distinct->value, step->window, ANNOUNCEMENT, false);
    bool counted;
    if (follow_other(source, op, asks, &announcement, distinct, step)) {
        return true;
    }
    distinct->holds = RL_HOLDS_UNITS;
    counted = charge_units(source, op, on_error, distinct, step);
    if (asks) {
        rl_marker_withdraw(source, &announcement, op->now);
        if (counted && !step->granted) {
            look_again(source, op, distinct, step);
        }
    }
    return counted;
}

bool rl_distinct_charge(const rl_source_t *source, const rl_operation_t *op,
                        rl_on_error_e on_error, rl_distinct_t *distinct, rl_step_t *step)
{
    const bool shared = rl_source_is_shared(source, &op->meter);
    const bool asks = shared && asks_store(source, op);
    distinct->free = false;
    rl_counter_refresh(source, op);
    if (charge_nothing(source, op, distinct, step)) {
        return true;
    }
    distinct->holds = RL_HOLDS_UNITS;
    return shared ? charge_in_store(source, op, asks, on_error, distinct, step)
                  : charge_alone(source, op, on_error, distinct, step);
}

/* ---- giving back ---- */

void rl_distinct_refund(const rl_source_t *source, const rl_operation_t *op,
                        rl_distinct_t *distinct, uint64_t stamp)
{
    const rl_holds_e holds = distinct->holds;
    distinct->holds = RL_HOLDS_NOTHING;
    if (holds == RL_HOLDS_UNITS) {
        rl_counter_refund(source, op, stamp);
    }
    else if (holds == RL_HOLDS_MARKER) {
        const rl_operation_t units =
            rl_operation_at_cost(op, rl_marker_leave(source, &distinct->marker));
        return_units(source, &units, &distinct->marker, stamp);
    }
}
