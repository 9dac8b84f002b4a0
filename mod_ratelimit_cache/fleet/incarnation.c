/* SPDX-License-Identifier: Apache-2.0 */
#include "incarnation.h"

#include "notes.h"

/* An incarnation in a note is the time at which the counter was made or cleared, even for one
 * that was made, odd for one that was cleared. So whoever charged a counter without one, and
 * finds one afterwards, can tell whether his units are still there. */

#define SWAP_TRIES 100

static uint64_t noted(const rl_source_t *source, const rl_operation_t *op)
{
    return rl_ledger_note(source->ledger, &op->ledger_key, RL_NOTE_INCARNATION);
}

static bool swap_noted(const rl_source_t *source, const rl_operation_t *op, uint64_t from,
                       uint64_t to)
{
    return rl_ledger_swap_note(source->ledger, &op->ledger_key, RL_NOTE_INCARNATION, from, to);
}

static bool was_cleared(uint64_t incarnation)
{
    return (incarnation & 1) != 0;
}

uint64_t rl_incarnation(const rl_source_t *source, const rl_operation_t *op, uint32_t window)
{
    uint64_t identity;
    if (!rl_source_is_shared(source, &op->meter)) {
        return noted(source, op);
    }
    identity = rl_ledger_note(source->ledger, &op->ledger_key, RL_NOTE_IDENTITY);
    return rl_identity_is_of(identity, window) ? rl_identity_incarnation(identity) : 0;
}

static uint64_t charged_here(const rl_source_t *source, const rl_operation_t *op,
                             uint64_t before)
{
    const uint64_t made = (uint64_t)op->now & ~UINT64_C(1);
    uint64_t now = noted(source, op);
    if (now == 0 && swap_noted(source, op, 0, made)) {
        return made;
    }
    now = now == 0 ? noted(source, op) : now;
    return now == before || (before == 0 && !was_cleared(now)) ? now : 0;
}

uint64_t rl_incarnation_charged(const rl_source_t *source, const rl_operation_t *op,
                                uint64_t before, uint64_t stamp)
{
    return rl_source_is_shared(source, &op->meter) ? stamp >> 32
                                                   : charged_here(source, op, before);
}

void rl_incarnation_renew(const rl_source_t *source, const rl_operation_t *op)
{
    const uint64_t now = (uint64_t)op->now | 1;
    uint64_t notes[RL_LEDGER_NOTES];
    for (int i = 0; i < SWAP_TRIES; i++) {
        if (!rl_ledger_notes(source->ledger, &op->ledger_key, notes)) {
            return;
        }
        const uint64_t last = notes[RL_NOTE_INCARNATION];
        if (swap_noted(source, op, last, now > last ? now : (last | 1) + 2)) {
            return;
        }
    }
}
