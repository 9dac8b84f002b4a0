/* SPDX-License-Identifier: Apache-2.0 */
/* The counter of one window: what this server knows of it, and how units get into it in the
 * shared store. Private to the files of fleet/. */
#ifndef RL_FLEET_WINDOW_COUNTER_H
#define RL_FLEET_WINDOW_COUNTER_H

#include "../core/meter/tally.h"
#include "reservation.h"

/* ---- here ---- */

/* Returns the units that this server knows to be in use; other threads may have learned more
 * since the reservation began. */
uint32_t rl_window_known(const rl_reservation_t *res);

/* Raises what this server knows to this total, or to the limit. */
void rl_window_raise_known(const rl_reservation_t *res, uint64_t total);

/* Returns what the store has counted as far as this server knows: without debts, which are paid
 * separately. The debt is read first, so that one which is being made meanwhile counts twice
 * rather than not at all. */
uint32_t rl_window_counted(const rl_reservation_t *res);

/* Returns what the units of this window alone may come to at this moment. */
uint32_t rl_window_room(const rl_reservation_t *res);

/* ---- in the store ---- */

/* Returns the counter as it would be made from what is known here. */
rl_tally_t rl_window_made(const rl_reservation_t *res);

/* Makes the counter from what is known here plus what is being reserved. */
rl_store_status_e rl_window_create(rl_reservation_t *res, rl_tally_t *tally);

/* Adds units, or what rl_tally_raise() returns. Returns MISSING also for a counter that is
 * closed (window_start.h); *tally tells. */
rl_store_status_e rl_window_add(const rl_reservation_t *res, uint64_t units, rl_tally_t *tally);

/* Reserves the cost: adds it at once as a rule; a large cost, or one of which it is in doubt
 * whether it fits, only if it does. Else sets res->not_added, and *tally to what it would have
 * been. One round trip; three for the first request in a window, two or more in doubt. With
 * window=first, returns MISSING if the counter is closed, which sets res->start, or is missing
 * and res->start says that this need not be the current window. */
rl_store_status_e rl_window_reserve(rl_reservation_t *res, rl_tally_t *tally);

#endif
