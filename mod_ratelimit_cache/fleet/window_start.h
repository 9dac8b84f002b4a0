/* SPDX-License-Identifier: Apache-2.0 */
/* window=first: how a fleet agrees on when a key's window begins. Private to the files of
 * fleet/.
 *
 * Beside the counters of its windows, a key has one more number in the shared store, its start:
 * when its current window began (core/meter/first_window.h). The window's counter is named by
 * that, like any other window's.
 *
 * A server that knows of units in the current window adds to the counter at once. Otherwise it
 * asks for the start first. If there is none, or its window is over, the server sets the start
 * to its own now: it adds the number if there is none, or replaces it if it is unchanged. Of
 * several servers that do so at once one wins, and all take the winner's.
 *
 * A window is over when its period is, or when its counter is closed: whoever takes the last
 * unit off replaces the counter by a mark, if it is unchanged. Whoever adds to the counter
 * after that sees the mark, so no unit is granted in a window that is over. A wipe closes the
 * counter, too.
 *
 * If the store forgets the start, whoever misses it tells it again. A server that was on its
 * own, or that comes after the store has forgotten everything, may have begun another window
 * meanwhile. The start that the store has counts; a server that knows of units in another
 * window brings them along. In its ledger and notes they keep that window, res->here, since
 * other requests may be counting there; the counter in the store is that of the fleet's window,
 * res->counter.window. As a rule both are the same.
 */
#ifndef RL_FLEET_WINDOW_START_H
#define RL_FLEET_WINDOW_START_H

#include "../core/meter/tally.h"
#include "errand.h"
#include "reservation.h"

/* For a server that knows of no unit in use: sets res->counter.window to the fleet's current
 * window, begun now if there is none, and res->start. Returns OK, or why the store gave no
 * answer. */
rl_store_status_e rl_window_start_find(rl_reservation_t *res);

/* For a server that knows of units in res->counter.window: tells the store if it has forgotten
 * its start; goes over to the fleet's window if that is another one, with the units that are
 * known here. Returns OK, or why the store gave no answer. */
rl_store_status_e rl_window_start_confirm(rl_reservation_t *res);

/* Foresees that the start is read. */
void rl_window_start_foresee(const rl_reservation_t *res, rl_errand_t *errand);

/* Reads the fleet's current window into res->counter.window. Returns MISSING, and changes
 * nothing, if there is none; else OK, or why the store gave no answer. */
rl_store_status_e rl_window_start_read(rl_reservation_t *res);

/* Closes the window that this server knows of, and that which the fleet is in. Returns OK, or
 * why the store gave no answer. */
rl_store_status_e rl_window_start_clear(rl_reservation_t *res);

/* Foresees what that asks. */
void rl_window_start_foresee_clear(const rl_reservation_t *res, rl_errand_t *errand);

/* Call it after units were reserved that come to this total. Makes the window the one in which
 * this server knows of units; if another request has just begun another window here without the
 * store, sets res->here to that. */
void rl_window_settle(rl_reservation_t *res, uint32_t total);

/* Returns true if this server's units are by now in a window that overlaps with res->here, and
 * was begun by another request without the store; sets res->here to that. */
bool rl_window_rejoin(rl_reservation_t *res);

/* Before units are given back: sets res->here to the window in which they are known here.
 * Returns false if they are in none any more. */
bool rl_window_recall(rl_reservation_t *res);

/* Closes the window's counter if it has exactly this total. Returns OK if it did, EXISTS if the
 * counter has another total, else why the store gave no answer; it may be closed then. */
rl_store_status_e rl_window_close(const rl_reservation_t *res, uint32_t total);

/* Notes that the window is closed: nothing that is known of it here counts any more, but for
 * units that were granted without the store, and `keep` that the caller is about to give
 * back. */
void rl_window_note_closed(const rl_reservation_t *res, uint32_t keep);

/* Lowers what is known here by units that were given back, but not below what is noted of the
 * window: a window of 0 units is over. */
void rl_window_lower_by(const rl_reservation_t *res, uint32_t units);

/* Returns true if the window is known here to be closed. */
bool rl_window_is_closed(const rl_reservation_t *res);

#endif
