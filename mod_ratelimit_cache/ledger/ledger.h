/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: one table of cells in memory that all children share, with one cell for each key
 * of each rule.
 *
 * Everything here is lock-free: a process may be killed at any instruction, and nothing stays
 * locked or half-written. Every loop has a constant bound. The memory is fixed. When the table
 * is full, expired cells are reused first, then those of keys that came once, then others, and
 * last those at their limit: evict.c has the order.
 *
 * All functions may be called from any process and thread at the same time. */
#ifndef RL_LEDGER_LEDGER_H
#define RL_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/meter/meter.h"
#include "table.h"

/* Makes a ledger of size bytes at memory, RL_LEDGER_SIZE_MIN to RL_LEDGER_SIZE_MAX. The memory
 * must be aligned to 64 bytes, and zero when it is used for the first time; it stays the
 * caller's. */
void rl_ledger_open(rl_ledger_t *ledger, void *memory, size_t size);

/* The same, but for tenants' keys, which may take only cells of the first `tenants` percent of
 * the table, 1 to 100, and push out only each other. Of this share a 32nd is theirs alone; of
 * the rest the server's keys may take cells, too. */
void rl_ledger_open_divided(rl_ledger_t *ledger, void *memory, size_t size, unsigned tenants);

/* Returns the number of keys that the ledger has room for, and how many of tenants. */
size_t rl_ledger_capacity(const rl_ledger_t *ledger);
size_t rl_ledger_tenants_capacity(const rl_ledger_t *ledger);

/* Returns the ledger key of a counter: its digest, with the number of its rule in the lowest
 * bits. */
static inline rl_digest_t rl_ledger_key(const rl_digest_t *digest, unsigned rule)
{
    const uint64_t number = (UINT64_C(1) << RL_RULE_BITS) - 1;
    return (rl_digest_t){.hi = digest->hi, .lo = (digest->lo & ~number) | (rule & number)};
}

/* Returns the ledger key of something else that is kept with a counter, under the same rule:
 * `mark` tells what it is. */
static inline rl_digest_t rl_ledger_key_beside(const rl_digest_t *ledger_key,
                                               const rl_digest_t *mark)
{
    const rl_digest_t other = {.hi = ledger_key->hi ^ mark->hi,
                               .lo = ledger_key->lo ^ mark->lo};
    return rl_ledger_key(&other, (unsigned)ledger_key->lo);
}

/* Has the processor fetch the cell that the key most likely has. In a table larger than the
 * caches, waiting for this cell is most of a decision. */
void rl_ledger_prefetch(const rl_ledger_t *ledger, const rl_digest_t *ledger_key);

/* ---- operations: on the counter of op->ledger_key ---- */

/* Computes what charging op->cost would do; changes nothing, and takes no cell for a new
 * key. */
void rl_ledger_peek(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step);

/* Points *sight at the cell that the key most likely has, and prefetches it. */
void rl_ledger_aim(const rl_ledger_t *ledger, const rl_digest_t *ledger_key, rl_sight_t *sight);

/* Peeks, with a sight that was aimed for the key, and remembers in it what it saw, for
 * rl_ledger_take(). */
void rl_ledger_look(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step,
                    rl_sight_t *sight);

/* Charges what rl_ledger_look() found to fit for the same operation, without looking the key
 * up again. Call it once for a look. Returns false if nothing was charged, for whatever reason
 * (mostly because another request has changed the counter since): call rl_ledger_charge_from()
 * then. */
bool rl_ledger_take(const rl_operation_t *op, rl_sight_t *sight, const rl_step_t *step);

/* Does what rl_ledger_charge() does, from where a look and a take left the sight. */
void rl_ledger_charge_from(const rl_ledger_t *ledger, const rl_operation_t *op,
                           rl_sight_t *sight, rl_step_t *step);

/* Notes that the key is in use which rl_ledger_look() found denied, so that its cell doesn't go
 * to another. (A denial with a change to make is rl_ledger_deny()'s.) */
void rl_ledger_keep(const rl_operation_t *op, rl_sight_t *sight, const rl_step_t *step);

/* Charges op->cost at op->now if it fits, as step->granted tells. Exact under any concurrency:
 * no more than the limit is granted in a window. */
void rl_ledger_charge(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step);

/* Makes the change that a denied charge asks for, if the charge is still denied; charges
 * nothing. */
void rl_ledger_deny(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step);

/* Gives back op->cost, charged by a step with this stamp, if it still counts. */
void rl_ledger_refund(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp);

/* Returns the value that counts for the key; see rl_meter_held(). */
uint64_t rl_ledger_held(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp);

/* Raises the value that counts to `value` or more; see rl_meter_raise(). */
void rl_ledger_raise(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp,
                     uint64_t value);

/* Makes the correction, unless the value has changed since; see rl_meter_lower(). */
void rl_ledger_lower(const rl_ledger_t *ledger, const rl_operation_t *op,
                     const rl_correction_t *correction);

/* Wipes what the key has used, so that it counts as new. */
void rl_ledger_clear(const rl_ledger_t *ledger, const rl_operation_t *op);

/* Counts a denial of the key in the window step->window. Returns the denials in this window so
 * far; 0 means that it could not be counted. Sets *before to the number of denials that were
 * counted before: in this window, or if this is its first, in the last that had any. */
uint32_t rl_ledger_count_denial(const rl_ledger_t *ledger, const rl_operation_t *op,
                                const rl_step_t *step, uint32_t *before);

/* ---- notes ---- */

/* A cell has room for three notes, 64-bit numbers that fleet/ and lease/ keep with a key. The
 * ledger gives them no meaning. They are 0 at first, and again when the key has lost its
 * cell. */

/* Reads all notes at once. Returns false if the key has no cell. */
bool rl_ledger_notes(const rl_ledger_t *ledger, const rl_digest_t *ledger_key,
                     uint64_t notes[RL_LEDGER_NOTES]);

/* Returns note n, or 0 if the key has no cell. */
uint64_t rl_ledger_note(const rl_ledger_t *ledger, const rl_digest_t *ledger_key, unsigned n);

/* Sets note n to `to` if it still is `from`. Returns true if it did. */
bool rl_ledger_swap_note(const rl_ledger_t *ledger, const rl_digest_t *ledger_key, unsigned n,
                         uint64_t from, uint64_t to);

#endif
