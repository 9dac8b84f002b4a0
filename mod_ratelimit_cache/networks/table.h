/* SPDX-License-Identifier: Apache-2.0 */
/* A table of networks: millions of prefixes, each with a label. The label of the longest prefix
 * that an address lies in is the address' label.
 *
 * A table is one piece of memory that is never written to once it is made, so that all
 * processes that are forked later share it:
 *
 *     rl_network_table_t
 *     v4       ranges of IPv4: their starts and values, and the index of the starts
 *     v6       ranges of the first 64 bits of IPv6, in the same way
 *     deep     starts and values of ranges of the last 64 bits, one list after the other
 *     lists    where in `deep` each list is
 *     labels   their text, each with a NUL
 *
 * A range's value is 0 for no label, else 1 and the place where its label begins. In v6 it may
 * have RL_NETWORK_DEEP set: the rest is a list's number, for the one value of the first 64 bits
 * in which prefixes longer than 64 bits lie. */
#ifndef RL_NETWORKS_TABLE_H
#define RL_NETWORKS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "../core/address.h"
#include "search.h"

#define RL_NETWORK_DEEP UINT32_C(0x80000000)

typedef struct rl_network_ranges {
    rl_network_search_t starts;
    const uint32_t *values;
} rl_network_ranges_t;

typedef struct rl_network_list {
    uint32_t first, n; /* n is 1 or more */
} rl_network_list_t;

typedef struct rl_network_table {
    size_t bytes;       /* of the whole piece of memory */
    size_t prefixes;    /* different ones */
    size_t label_count; /* different ones */
    size_t range_count; /* of all lists */
    rl_network_ranges_t v4, v6;
    const uint64_t *deep_starts;
    const uint32_t *deep_values;
    const rl_network_list_t *lists;
    const char *labels;
} rl_network_table_t;

/* Returns the label of a full address, NULL if it has none. The label lives as long as the
 * table. Takes a time that grows with the logarithm of the table's size. */
const char *rl_network_table_label(const rl_network_table_t *table,
                                   const rl_address_t *address);

/* Returns true if any prefix has this label. Goes through all labels. */
bool rl_network_table_has(const rl_network_table_t *table, const char *label);

/* Gives the memory back, in this process. NULL is no table. */
void rl_network_table_free(const rl_network_table_t *table);

#endif
