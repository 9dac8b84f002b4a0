/* SPDX-License-Identifier: Apache-2.0 */
/* When a window of window=first begins and ends.
 *
 * The start is counted in ticks of 1/256 s since the epoch, which have 40 bits. The lowest 32
 * of them are the window's number. */
#ifndef RL_CORE_METER_FIRST_WINDOW_H
#define RL_CORE_METER_FIRST_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "operation.h"

/* The most units that such a window can hold. */
#define RL_FIRST_WINDOW_LIMIT ((UINT32_C(1) << 24) - 1)

/* Returns the start of a window that begins at now, microseconds since the epoch. */
uint64_t rl_first_window_start(int64_t now);

/* Returns the start of the window with this number, which begins within three months of now. */
uint64_t rl_first_window_numbered(uint32_t number, int64_t now);

/* Returns when a window begins, and when it ends, in microseconds since the epoch. */
int64_t rl_first_window_begin(uint64_t start);
int64_t rl_first_window_end(const rl_meter_t *meter, uint64_t start);

/* Returns true if a window with this start can be the current one at now: it hasn't ended, and
 * begins no further ahead than clocks may differ. */
bool rl_first_window_is_current(const rl_meter_t *meter, uint64_t start, int64_t now);

/* Returns true if one window begins about when the other ends, or later: it is the next one. */
bool rl_first_window_follows(const rl_meter_t *meter, uint64_t start, uint64_t other);

#endif
