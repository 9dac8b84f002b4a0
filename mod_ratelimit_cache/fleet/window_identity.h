/* SPDX-License-Identifier: Apache-2.0 */
/* Which shared counter a window's units are in: that which the key's cell notes (notes.h), or
 * another one that was made since. Private to the files of fleet/. */
#ifndef RL_FLEET_WINDOW_IDENTITY_H
#define RL_FLEET_WINDOW_IDENTITY_H

#include "../core/meter/tally.h"
#include "notes.h"
#include "reservation.h"

/* Returns true if the identity is of a counter of the reservation's window. */
static inline bool rl_window_is_noted(const rl_reservation_t *res, uint64_t identity)
{
    return rl_identity_is_of(identity, res->counter.window);
}

/* Returns true if a request with a later clock has already noted the counter of a later
 * window. */
bool rl_window_is_past(const rl_reservation_t *res, uint64_t identity);

/* Pays the debt that the reservation is in charge of, as far as it fits, to a store that has
 * just answered; *tally is what it answered, and then what it answers. */
void rl_window_pay(rl_reservation_t *res, rl_tally_t *tally);

/* Notes which counter answered, and makes good what it lacks. Returns the units that it still
 * lacks. */
uint32_t rl_window_reconcile(rl_reservation_t *res, rl_tally_t *tally);

/* Returns true if this is the noted counter, and contains all that is known here. */
bool rl_window_is_whole(const rl_reservation_t *res, const rl_tally_t *tally);

/* Raises the noted counter if it isn't the one that the units were reserved in: that one has
 * been lost since, and whoever made the noted one could not know of the units yet. The total
 * says what its seed should be. */
void rl_window_add_to_successor(const rl_reservation_t *res, const rl_tally_t *tally);

/* Lowers what is known here of a window from one value to another, if it still is that. */
void rl_window_lower(const rl_reservation_t *res, uint32_t window, uint64_t from, uint64_t to);

#endif
