/* SPDX-License-Identifier: Apache-2.0 */
/* Notes: what this server remembers of a key's shared counter, in three words of the key's cell
 * in the ledger.
 *
 *     identity  window (24 bits) | incarnation (16) | seed (24)
 *               which shared counter the key's units were last reserved in
 *     owed      window (32) | being paid since (8) | units (24)
 *               units granted here that the store doesn't know of yet; see debts.h
 *     contact   read (20) | doubt (4) | told (4) | window (12) | total (24)
 *               read: the second in which the counter was last read
 *               doubt: since when there is doubt; 0 if there is none
 *               total: the highest that the store gave for the window
 *               told: the second in which it gave that, modulo 16
 *
 * A window's number is cut to the bits that there are. A counter that isn't shared uses the
 * first two notes for something else: the time at which it was cleared, and its incarnation
 * (incarnation.h).
 */
#ifndef RL_FLEET_NOTES_H
#define RL_FLEET_NOTES_H

#include "../core/meter/tally.h"
#include "reservation.h"

enum { RL_NOTE_IDENTITY, RL_NOTE_OWED, RL_NOTE_CONTACT };
enum { RL_NOTE_CLEARED = RL_NOTE_IDENTITY, RL_NOTE_INCARNATION = RL_NOTE_OWED };

/* The lowest bit of the window in an identity. */
#define RL_IDENTITY_WINDOW (RL_TALLY_BITS + RL_TALLY_INCARNATION_BITS)

/* Returns note n of the operation's key, 0 if the key has no cell. */
uint64_t rl_note(const rl_reservation_t *res, unsigned n);

/* Sets note n to `to` if it is still `from`. Returns true if it did. */
bool rl_note_swap(const rl_reservation_t *res, unsigned n, uint64_t from, uint64_t to);

/* Returns the identity of a counter of the reservation's window. */
uint64_t rl_identity(const rl_reservation_t *res, unsigned incarnation, uint32_t seed);

/* Returns the incarnation in an identity, 0 if it has none. */
unsigned rl_identity_incarnation(uint64_t identity);

/* Returns true if the identity is of a counter of this window; a token bucket's window is 0. */
bool rl_identity_is_of(uint64_t identity, uint32_t window);

/* Returns true, to one caller a second, if the key's shared counter is due to be read, and
 * notes the second. Returns false as long as no second has been noted of the key. */
bool rl_contact_is_due(const rl_ledger_t *ledger, const rl_operation_t *op);

/* Returns true if rl_contact_is_due() would, as far as can be told. Notes nothing. */
bool rl_contact_may_be_due(const rl_ledger_t *ledger, const rl_operation_t *op);

/* Returns true if the note `contact` tells of a contact in the last so many seconds; now is in
 * microseconds since the epoch. */
bool rl_contact_is_recent(uint64_t contact, int64_t now, unsigned seconds);

/* Doubt: how much of a key is in use isn't known for sure, because the store may have counted
 * requests that are denied, and that take their units off again. */
typedef enum {
    RL_NO_DOUBT,
    RL_YOUNG_DOUBT,  /* such requests may be under way */
    RL_DOUBT,        /* those that came with the first are over, if all went well */
    RL_LASTING_DOUBT /* what is still counted was not taken off in time, and stays */
} rl_doubt_e;

/* Returns true if doubt is noted of the key's counter in a step's window. */
bool rl_doubt_is_noted(const rl_ledger_t *ledger, const rl_operation_t *op, uint32_t window);

/* Returns the doubt that is noted. */
rl_doubt_e rl_doubt(const rl_reservation_t *res);

/* Notes that there is doubt from now on, unless it is noted already. */
void rl_doubt_begin(const rl_reservation_t *res);

/* Notes that there is none any more. */
void rl_doubt_end(const rl_reservation_t *res);

/* Windows: notes a total that the store has told. A lower total doesn't replace a higher one of
 * the same second, or of the one before or after, because answers overtake each other. */
void rl_total_note(const rl_reservation_t *res, uint32_t total);

/* Windows: lowers the noted total by units that were given back, never below 0. Pass
 * UINT32_MAX after the counter was cleared. */
void rl_total_lower(const rl_reservation_t *res, uint32_t units);

/* Returns the total that is noted of the reservation's window, 0 if there is none. */
uint32_t rl_total_noted(const rl_reservation_t *res);

#endif
