/* SPDX-License-Identifier: Apache-2.0 */
/* Debts: units that this server granted while the shared store didn't answer, and that still
 * have to be added there. A key's debt is one word, the note `owed` (notes.h). */
#ifndef RL_FLEET_DEBTS_H
#define RL_FLEET_DEBTS_H

#include "reservation.h"

/* Returns the units that are owed to the store in the reservation's window. */
uint32_t rl_debt_units(const rl_reservation_t *res);

/* Sets *units to these units. Returns true if there ever were any in this window, paid by now
 * or not. */
bool rl_debt_look(const rl_reservation_t *res, uint32_t *units);

/* Puts this reservation in charge of paying the debt, unless another one is in charge. Sets
 * res->debt to the units to pay, 0 if there are none or another reservation pays them. A
 * reservation whose process was killed stays in charge for half a minute only. */
void rl_debt_take(rl_reservation_t *res);

/* Takes `paid` units (0 if nothing was paid) off the debt, and ends this reservation's charge
 * of it. Does nothing if the reservation isn't in charge. */
void rl_debt_release(rl_reservation_t *res, uint32_t paid);

/* Notes units that are granted without the store. */
void rl_debt_owe(const rl_reservation_t *res, uint32_t units);

/* Takes units off the debt, unless somebody is paying it. Returns false, with nothing taken
 * off, if it is being paid or is smaller. */
bool rl_debt_forgive(const rl_reservation_t *res, uint32_t units);

/* Forgets the debt. */
void rl_debt_drop(const rl_reservation_t *res);

#endif
