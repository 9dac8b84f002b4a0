/* SPDX-License-Identifier: Apache-2.0 */
/* Which key a tag stands for, and how it counts: kept for keys whose denial was logged, since a
 * key can't be made out of its tag. In shared memory of constant size that was zeroed once:
 *
 *     sets     | set 0 | ... | set RL_TAGS_SETS - 1 |     a key's set: its tag says
 *     set      | entry 0 | ... | entry RL_TAGS_WAYS - 1 |
 *     entry    | check | rl_tagged_key_t, as words |
 *
 * A key takes the entry of its set that was written the longest time ago. Lock-free, with a
 * check as in values.h. */
#ifndef RL_STATS_TAGS_H
#define RL_STATS_TAGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../core/digest.h"
#include "../core/meter/operation.h"

#define RL_TAGS_SETS 512
#define RL_TAGS_WAYS 8

typedef struct rl_tagged_key {
    rl_digest_t key;
    rl_meter_t meter;
    uint32_t figures_number; /* of the rule\'s figures (stats.h) */
    uint32_t rule;           /* its number, RL_RULE_... */
    uint32_t seen_s;         /* when the key was denied last, as far as that was logged */
    uint32_t since_s;        /* when it was denied first, in a row without a long pause */
} rl_tagged_key_t;

#define RL_TAG_WORDS ((sizeof(rl_tagged_key_t) + sizeof(uint64_t) - 1) / sizeof(uint64_t))

typedef struct rl_tag_entry {
    _Atomic uint64_t check; /* 0: free */
    _Atomic uint64_t words[RL_TAG_WORDS];
} rl_tag_entry_t;

typedef struct rl_tags {
    rl_tag_entry_t sets[RL_TAGS_SETS][RL_TAGS_WAYS];
} rl_tags_t;

/* Keeps the key. Its since_s is seen_s, or that of the entry that it has: unless it wasn't
 * denied for twice its period, its penalty and ten minutes. */
void rl_tags_put(rl_tags_t *tags, const rl_tagged_key_t *key);

/* Finds a key by its tag, RL_TAG_LENGTH hex digits. Returns false if there is none. */
bool rl_tags_get(const rl_tags_t *tags, const char *tag, rl_tagged_key_t *key);

/* Returns true if the text is a tag: RL_TAG_LENGTH hex digits in lower case. */
bool rl_is_tag(const char *text);

#endif
