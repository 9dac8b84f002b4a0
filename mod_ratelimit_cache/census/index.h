/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers things in the order in which they are first seen. */
#ifndef RL_CENSUS_INDEX_H
#define RL_CENSUS_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/address.h"
#include "../core/digest.h"

/* A place for one thing. It holds the name as well: finding a thing costs one wait for memory,
 * not two. */
typedef struct rl_index_slot {
    rl_digest_t name;
    uint32_t next; /* number + 1; 0: free */
} rl_index_slot_t;

/* All zero: nothing was seen yet. */
typedef struct rl_index {
    rl_digest_t *names;     /* n of them, room for `room` */
    rl_index_slot_t *slots; /* a power of two of them, at least twice n */
    uint32_t n, room, mask;
} rl_index_t;

/* An array that grows. All zero: empty. */
typedef struct rl_vector {
    void *items;
    size_t room; /* items */
} rl_vector_t;

/* Has the processor fetch the place of the thing with this name. */
void rl_index_prefetch(const rl_index_t *index, const rl_digest_t *name);

/* Returns the number of the thing with this name, 0 for the first; `fresh` tells if it wasn't
 * seen before. Ends the process if there is no memory: for programs, not for a server. */
uint32_t rl_index_of(rl_index_t *index, const rl_digest_t *name, bool *fresh);

/* Makes the place of item i, of `size` bytes; see rl_vector_at(). */
void *rl_vector_grow(rl_vector_t *vector, size_t i, size_t size);

/* Returns the place of item i, of `size` bytes: zero bytes at first. The place of other items
 * may change. Ends the process if there is no memory. */
static inline void *rl_vector_at(rl_vector_t *vector, size_t i, size_t size)
{
    return i < vector->room ? (char *)vector->items + i * size
                            : rl_vector_grow(vector, i, size);
}

/* Has the processor fetch item i, if there is one. */
static inline void rl_vector_prefetch(const rl_vector_t *vector, size_t i, size_t size)
{
    if (i < vector->room) {
        __builtin_prefetch((const char *)vector->items + i * size, 1);
    }
}

/* Returns a name for an address or network: no two have the same. */
rl_digest_t rl_address_name(const rl_address_t *address);

void rl_index_free(rl_index_t *index);

#endif
