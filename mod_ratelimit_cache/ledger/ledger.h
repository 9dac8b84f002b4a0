/* The ledger: one table of cells in memory that all children share, one cell per (rule, key).
 *
 * Everything here is lock-free: a process may be killed at any instruction, and nothing stays
 * locked or half-written. Every loop has a constant bound. Memory is fixed; when the table is
 * full, expired cells are reused first, then those that would expire soonest, and a cell that
 * is at its limit only when no other choice stands.
 */
#ifndef RL_LEDGER_LEDGER_H
#define RL_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/digest.h"
#include "../core/meter/meter.h"

typedef struct rl_cell rl_cell_t;

/* A view of the memory; many may exist of the same memory, in any process. */
typedef struct rl_ledger {
    rl_cell_t *cells;
    uint32_t groups; /* the cells are probed in groups of eight */
} rl_ledger_t;

#define RL_LEDGER_SIZE_MIN (64u * 1024)
#define RL_LEDGER_SIZE_MAX (64ull << 30)

/* Views size bytes at memory as a ledger. The memory must be zero when it is used for the first
 * time, aligned to 64 bytes, and at least RL_LEDGER_SIZE_MIN long; it stays the caller's. */
void rl_ledger_open(rl_ledger_t *ledger, void *memory, size_t size);

/* How many keys the ledger has room for. */
size_t rl_ledger_capacity(const rl_ledger_t *ledger);

/* Has the processor fetch the cell where the key most likely stands. In a table larger than the
 * caches most of a decision is the wait for that. */
void rl_ledger_prefetch(const rl_ledger_t *ledger, const rl_digest_t *ledger_key);

/* ---- operations: on the counter of op->ledger_key ---- */

/* Computes what charging op->cost would do; changes nothing, and takes no room for a new key.
 */
void rl_ledger_peek(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step);

/* Where a key was found, and what stood there. For the ledger's eyes only. */
typedef struct rl_sight {
    rl_cell_t *cell; /* NULL: the key has none */
    uint64_t id;
    uint64_t raw[RL_METER_WORDS];
} rl_sight_t;

/* A peek that remembers what it saw, for rl_ledger_take(). */
void rl_ledger_look(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step,
                    rl_sight_t *sight);

/* Charges what a look with the same operation has found to fit, without looking the key up
 * again. Returns false if it isn't charged, for whatever reason (mostly because another request
 * changed the counter since): call rl_ledger_charge() then. To be called once for a look. */
bool rl_ledger_take(const rl_operation_t *op, const rl_sight_t *sight, const rl_step_t *step);

/* Charges op->cost at op->now if it fits: step->granted. Exact under any concurrency: never
 * more than the limit is granted in a window. */
void rl_ledger_charge(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step);

/* Makes the change that a denied charge asks for, if it is still denied. */
void rl_ledger_deny(const rl_ledger_t *ledger, const rl_operation_t *op, rl_step_t *step);

/* Gives back op->cost, which a step with this stamp charged, unless it no longer counts. */
void rl_ledger_refund(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp);

/* Returns what the key has used; see rl_meter_held(). */
uint64_t rl_ledger_held(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp);

/* Raises what the key has used to at least value; see rl_meter_raise(). */
void rl_ledger_raise(const rl_ledger_t *ledger, const rl_operation_t *op, uint64_t stamp,
                     uint64_t value);

/* Makes the correction, unless what the key has used changed since; see rl_meter_lower(). */
void rl_ledger_lower(const rl_ledger_t *ledger, const rl_operation_t *op,
                     const rl_correction_t *correction);

/* Wipes what the key has used, so that it counts as new. */
void rl_ledger_clear(const rl_ledger_t *ledger, const rl_operation_t *op);

/* Counts a denial of the key in the window step->window. Returns how many that makes in this
 * window: 1 is the one to log, 0 means that it couldn't be counted. On 1, sets *repeats to the
 * denials after the first in the last window that had any; else to 0. */
uint32_t rl_ledger_note_denial(const rl_ledger_t *ledger, const rl_operation_t *op,
                               const rl_step_t *step, uint32_t *repeats);

/* ---- notes ---- */

/* A cell has room for three numbers that fleet/ and lease/ keep with a key. They have no
 * meaning to the ledger; they are 0 at first, and again when the key has lost its cell. */
#define RL_LEDGER_NOTES 3

/* Reads all notes at once. Returns false if the key has no cell. */
bool rl_ledger_notes(const rl_ledger_t *ledger, const rl_digest_t *ledger_key,
                     uint64_t notes[RL_LEDGER_NOTES]);

/* Returns note n, 0 if the key has no cell. */
uint64_t rl_ledger_note(const rl_ledger_t *ledger, const rl_digest_t *ledger_key, unsigned n);

/* Sets note n to `to` if it is still `from`, and returns true then. */
bool rl_ledger_swap_note(const rl_ledger_t *ledger, const rl_digest_t *ledger_key, unsigned n,
                         uint64_t from, uint64_t to);

#endif
