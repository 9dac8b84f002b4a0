/* Debts: units that were granted here while the shared store didn't answer, and that it doesn't
 * know of yet. */
#ifndef RL_FLEET_DEBTS_H
#define RL_FLEET_DEBTS_H

#include "reservation.h"

/* Returns the units that the store doesn't know of yet. */
uint32_t rl_debt_units(const rl_reservation_t *res);

/* Puts this reservation in charge of paying what is owed, unless another one is: res->debt. One
 * that never came to an end, because its process was killed, is in charge for a while only. */
void rl_debt_take(rl_reservation_t *res);

/* Ends the charge of paying; paid is how much of the debt was paid, or 0. Does nothing if this
 * reservation isn't in charge. */
void rl_debt_release(rl_reservation_t *res, uint32_t paid);

/* Notes that units are granted without the store. */
void rl_debt_owe(const rl_reservation_t *res, uint32_t units);

/* Takes units off a debt that nobody is paying. Returns false if there are not that many. */
bool rl_debt_forgive(const rl_reservation_t *res, uint32_t units);

/* Forgets the debt. */
void rl_debt_wipe(const rl_reservation_t *res);

#endif
