/* SPDX-License-Identifier: Apache-2.0 */
/* A list of prefixes with labels, which becomes a file for RateLimitNetworks. */
#ifndef RLCTL_PREFIXES_H
#define RLCTL_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/address.h"

typedef struct rlctl_prefix {
    rl_address_t prefix;
    const char *label;
    size_t order; /* in which they were added */
} rlctl_prefix_t;

/* Begin with all zero. */
typedef struct rlctl_prefixes {
    rlctl_prefix_t *items;
    size_t n, room;
    struct rlctl_label *labels; /* the last one first */
    size_t masked;              /* how many had bits set beyond their length */
} rlctl_prefixes_t;

/* Where a prefix stands, for what is said about it. */
typedef struct rlctl_place {
    const char *file;
    size_t line; /* 0: in no line */
} rlctl_place_t;

/* Adds ADDR or ADDR/BITS with a label. Bits beyond the length are dropped, with a note on
 * stderr. Returns NULL, or the reason why it can't be added. */
const char *rlctl_prefixes_add(rlctl_prefixes_t *list, const char *text, const char *label,
                               const rlctl_place_t *place);

/* Sorts the list. Drops prefixes that are there twice, with a note if their labels differ (the
 * first one counts), and those that lie in a shorter one of the same label, with none of
 * another label between them. */
void rlctl_prefixes_reduce(rlctl_prefixes_t *list);

/* Frees all of it. */
void rlctl_prefixes_free(rlctl_prefixes_t *list);

/* Writes the list as RateLimitNetworks reads it. */
void rlctl_prefixes_write(const rlctl_prefixes_t *list, FILE *out);

#endif
