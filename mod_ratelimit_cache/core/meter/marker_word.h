/* SPDX-License-Identifier: Apache-2.0 */
/* A marker's word: which units were charged for a value, and how many requests hold it.
 *
 *     +-----------------+-----------------+-----------------+
 *     | check (16)      | units (24)      | holders (24)    |
 *     +-----------------+-----------------+-----------------+
 *
 * In a shared store the holders are added to and subtracted from without a look at the word
 * before. They are stored with a base added, which keeps a subtraction from borrowing from the
 * units when the marker was lost and made anew meanwhile. The check tells a marker from
 * whatever else may be read in its place. */
#ifndef RL_CORE_METER_MARKER_WORD_H
#define RL_CORE_METER_MARKER_WORD_H

#include <stdbool.h>
#include <stdint.h>

#define RL_MARKER_FIELD_BITS 24
#define RL_MARKER_UNITS_MAX  ((UINT32_C(1) << RL_MARKER_FIELD_BITS) - 1)

/* With this many holders a marker is full: nobody else is counted as one, and none is taken off
 * any more. So the value stays charged. */
#define RL_MARKER_HOLDERS_MAX INT32_C(8000000)

typedef struct rl_marker_state {
    uint32_t units;  /* charged for the value, at most RL_MARKER_UNITS_MAX; 0: not charged */
    int32_t holders; /* requests that the value stays charged for, or that are under way */
} rl_marker_state_t;

/* Returns the word that stands for the state. More units than RL_MARKER_UNITS_MAX are cut to
 * that. */
uint64_t rl_marker_word(rl_marker_state_t state);

/* Returns the state that a word stands for: no units if it is no marker's. */
rl_marker_state_t rl_marker_state(uint64_t word);

/* Returns true if the word is a marker's, charged or not. */
bool rl_marker_word_is_valid(uint64_t word);

#endif
