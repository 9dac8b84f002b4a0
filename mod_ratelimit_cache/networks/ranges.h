/* SPDX-License-Identifier: Apache-2.0 */
/* Turns nested prefixes into ranges that follow each other: each begins where the one before
 * ends, and has one value. */
#ifndef RL_NETWORKS_RANGES_H
#define RL_NETWORKS_RANGES_H

#include <stddef.h>
#include <stdint.h>

/* Ranges in memory of the caller's. */
typedef struct rl_ranges {
    uint64_t *starts; /* ascending */
    uint32_t *values;
    size_t n;
} rl_ranges_t;

/* Prefixes of 64 bits, one in the other: 0 to 64 bits long, two of 64 bits, and what is around
 * all of them. */
#define RL_SWEEP_DEPTH 67

/* A walk over prefixes in ascending order, during which the open ones are those that the walk
 * is in. */
typedef struct rl_sweep {
    rl_ranges_t *out;
    size_t first; /* this walk's first range in `out` */
    unsigned depth;
    struct rl_open_prefix {
        uint64_t last; /* the prefix' last address */
        uint32_t value;
    } open[RL_SWEEP_DEPTH];
} rl_sweep_t;

/* Begins a walk whose ranges come after those that are in `out`: the first one begins at 0.
 * What lies in no prefix gets this value. `out` needs room for one range, and two for each
 * prefix that will be added. */
void rl_sweep_begin(rl_sweep_t *sweep, rl_ranges_t *out, uint32_t value);

/* Goes on to an address, which mustn't lie before that of the last call. Returns the value that
 * it has by the prefixes that were added so far. */
uint32_t rl_sweep_to(rl_sweep_t *sweep, uint64_t address);

/* Adds a prefix of 0 to 64 bits. They come in the order of their first addresses, of the same
 * one shorter prefixes first; the last of equal ones wins. Bits beyond the prefix are zero. */
void rl_sweep_add(rl_sweep_t *sweep, uint64_t address, unsigned bits, uint32_t value);

/* Ends the walk: the last range goes on to the last address. */
void rl_sweep_end(rl_sweep_t *sweep);

#endif
