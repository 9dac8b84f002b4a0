/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 1024u

static void *grow(void *memory, size_t bytes)
{
    void *larger = realloc(memory, bytes);
    if (larger == NULL) {
        fprintf(stderr, "out of memory: %zu bytes are not to be had\n", bytes);
        exit(EXIT_FAILURE);
    }
    return larger;
}

void *rl_vector_grow(rl_vector_t *vector, size_t i, size_t size)
{
    const size_t room = i < 512 ? 1024 : 2 * i;
    vector->items = grow(vector->items, room * size);
    memset((char *)vector->items + vector->room * size, 0, (room - vector->room) * size);
    vector->room = room;
    return (char *)vector->items + i * size;
}

static uint32_t first_slot(const rl_index_t *index, const rl_digest_t *name)
{
    return (uint32_t)((name->hi ^ name->lo * UINT64_C(0x9e3779b97f4a7c15)) *
                          UINT64_C(0xbf58476d1ce4e5b9) >>
                      32) &
           index->mask;
}

void rl_index_prefetch(const rl_index_t *index, const rl_digest_t *name)
{
    if (index->room > 0) {
        __builtin_prefetch(&index->slots[first_slot(index, name)]);
    }
}

/* Returns the place that holds the name, or else the one that is free for it. */
static rl_index_slot_t *index_slot(const rl_index_t *index, const rl_digest_t *name)
{
    uint32_t slot = first_slot(index, name);
    while (index->slots[slot].next != 0 &&
           (index->slots[slot].name.hi != name->hi || index->slots[slot].name.lo != name->lo)) {
        slot = (slot + 1) & index->mask;
    }
    return &index->slots[slot];
}

static void make_room(rl_index_t *index)
{
    const uint32_t slots = index->room == 0 ? SLOTS_MIN : 2 * (index->mask + 1);
    free(index->slots);
    index->room = slots / 2;
    index->mask = slots - 1;
    index->names = grow(index->names, index->room * sizeof(rl_digest_t));
    index->slots = grow(NULL, slots * sizeof(rl_index_slot_t));
    memset(index->slots, 0, slots * sizeof(rl_index_slot_t));
    for (uint32_t i = 0; i < index->n; i++) {
        *index_slot(index, &index->names[i]) =
            (rl_index_slot_t){.name = index->names[i], .next = i + 1};
    }
}

uint32_t rl_index_of(rl_index_t *index, const rl_digest_t *name, bool *fresh)
{
    rl_index_slot_t *slot;
    if (index->n == index->room) {
        make_room(index);
    }
    slot = index_slot(index, name);
    *fresh = slot->next == 0;
    if (*fresh) {
        index->names[index->n] = *name;
        *slot = (rl_index_slot_t){.name = *name, .next = ++index->n};
    }
    return slot->next - 1;
}

rl_digest_t rl_address_name(const rl_address_t *address)
{
    rl_digest_t name = {.hi = 0, .lo = 0};
    if (address->family == 4) {
        /* As RFC 4291 maps it, ::ffff:a.b.c.d. */
        name.hi = (uint64_t)0xffff << 32 | (uint64_t)address->bytes[0] << 24 |
                  (uint64_t)address->bytes[1] << 16 | (uint64_t)address->bytes[2] << 8 |
                  address->bytes[3];
        return name;
    }
    for (int i = 0; i < 8; i++) {
        name.lo = name.lo << 8 | address->bytes[i];
        name.hi = name.hi << 8 | address->bytes[8 + i];
    }
    return name;
}

void rl_index_free(rl_index_t *index)
{
    free(index->names);
    free(index->slots);
    *index = (rl_index_t){.n = 0};
}
