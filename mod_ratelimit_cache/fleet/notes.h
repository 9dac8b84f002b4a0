/* What a server remembers, next to a key's cell in its ledger, of the key's shared counter.
 * Three notes:
 *
 *     identity window (24 bits) | incarnation (16) | seed (24): the shared counter we know
 *     owed     window (32) | being paid since (8) | units (24): granted here without the store
 *     contact  second (24) | window (16) | total (24): when the shared counter was last read,
 *              and the highest total that the store told
 *
 * The note `owed` is debts.h's. Without a shared store the first note has another use: when the
 * counter was wiped.
 */
#ifndef RL_FLEET_NOTES_H
#define RL_FLEET_NOTES_H

#include "../core/meter/tally.h"
#include "reservation.h"

enum { RL_NOTE_IDENTITY, RL_NOTE_OWED, RL_NOTE_CONTACT };
enum { RL_NOTE_WIPED = RL_NOTE_IDENTITY };

#define RL_IDENTITY_WINDOW (RL_TALLY_BITS + RL_INCARNATION_BITS) /* where it starts */

uint64_t rl_note(const rl_reservation_t *res, unsigned n);
bool rl_note_swap(const rl_reservation_t *res, unsigned n, uint64_t from, uint64_t to);

/* Returns the identity of a counter of the reservation's window. */
uint64_t rl_identity(const rl_reservation_t *res, unsigned incarnation, uint32_t seed);

unsigned rl_identity_incarnation(uint64_t identity);

/* Returns true if it identifies a counter of this window; a bucket's is 0. */
bool rl_identity_is_of(uint64_t identity, uint32_t window);

/* Returns true, to one caller a second, if the shared counter of this key is due to be read. */
bool rl_contact_is_due(const rl_ledger_t *ledger, const rl_operation_t *op);

/* Returns true if the note tells of a contact in the last so many seconds. */
bool rl_contact_is_recent(uint64_t contact, int64_t now, unsigned seconds);

/* Windows: notes a total that the store told, unless it told a higher one in the same second:
 * answers overtake each other. */
void rl_total_note(const rl_reservation_t *res, uint32_t total);

/* Notes that units were given back, or that nothing is left. */
void rl_total_less(const rl_reservation_t *res, uint32_t units);

/* Returns the total that is noted of this window, or 0. */
uint32_t rl_total_noted(const rl_reservation_t *res);

#endif
