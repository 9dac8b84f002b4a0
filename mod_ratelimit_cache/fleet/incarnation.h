/* SPDX-License-Identifier: Apache-2.0 */
/* Which counter it is that a key has now. A counter that is cleared, or made anew after it was
 * lost, is another one, with another incarnation; what was noted about the former one tells
 * nothing about it.
 *
 * A counter that is shared has the incarnation of its tally (core/meter/tally.h); one that
 * isn't gets one, in a note of its cell, when somebody asks for it. The operations that are
 * passed here must be bound to the source. */
#ifndef RL_FLEET_INCARNATION_H
#define RL_FLEET_INCARNATION_H

#include "source.h"

/* Returns the incarnation of the counter in this window, which is a step's, as far as this
 * server knows; 0 if it knows none. */
uint64_t rl_incarnation(const rl_source_t *source, const rl_operation_t *op, uint32_t window);

/* Returns the incarnation of a counter in which units have just been charged with this stamp:
 * of a shared counter 0 if they were charged without the store. `before` is what
 * rl_incarnation() returned before the charge. A counter that isn't shared gets an incarnation
 * if it had none; returns 0 if the counter may have been cleared since. */
uint64_t rl_incarnation_charged(const rl_source_t *source, const rl_operation_t *op,
                                uint64_t before, uint64_t stamp);

/* Gives a counter that isn't shared, and was just wiped, another incarnation. */
void rl_incarnation_renew(const rl_source_t *source, const rl_operation_t *op);

#endif
