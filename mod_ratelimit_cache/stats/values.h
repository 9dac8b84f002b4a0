/* SPDX-License-Identifier: Apache-2.0 */
/* The values of keys, for people: kept only where RateLimitLog has `keys`, for keys that were
 * logged. In shared memory of constant size that was zeroed once:
 *
 *     sets     | set 0 | ... | set RL_VALUES_SETS - 1 |      a key's set: its digest says
 *     set      | entry 0 | ... | entry RL_VALUES_WAYS - 1 |
 *     entry    | check | key: lo, hi | seen | text |
 *
 * A key takes the entry of its set that was written the longest time ago. Lock-free: the check
 * is a hash of all the rest, so an entry that two write at the same time, or one that is killed
 * meanwhile, is not read. */
#ifndef RL_STATS_VALUES_H
#define RL_STATS_VALUES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"

#define RL_VALUES_SETS  256
#define RL_VALUES_WAYS  4
#define RL_VALUES_BYTES 224 /* of a text, with the NUL */
#define RL_VALUES_WORDS (3 + RL_VALUES_BYTES / sizeof(uint64_t))

typedef struct rl_values_entry {
    _Atomic uint64_t check;
    union {
        struct {
            _Atomic uint64_t lo, hi;
            _Atomic uint64_t seen; /* seconds since 1970 */
            _Atomic uint64_t text[RL_VALUES_BYTES / sizeof(uint64_t)];
        };
        _Atomic uint64_t words[RL_VALUES_WORDS]; /* all of these */
    };
} rl_values_entry_t;

typedef struct rl_values {
    rl_values_entry_t sets[RL_VALUES_SETS][RL_VALUES_WAYS];
} rl_values_t;

/* Keeps the text for the key; what is too long of it is cut off. */
void rl_values_put(rl_values_t *values, const rl_digest_t *key, uint32_t now_s,
                   const char *text);

/* Finds the text that is kept for the key. Returns false if there is none. */
bool rl_values_get(const rl_values_t *values, const rl_digest_t *key,
                   char text[RL_VALUES_BYTES]);

/* Forgets everything. */
void rl_values_wipe(rl_values_t *values);

#endif
