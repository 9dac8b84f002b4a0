/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a number's place in a long ascending list: the last number of the list that is not
 * above it.
 *
 * An index goes by the numbers' first bits: a node of it has a cell for each value of the next
 * k bits, so many that a cell stands for four to eight numbers of the list on average. If they
 * are more than RL_NETWORK_SEARCH_LEAF, the cell leads to another node, for the bits after
 * those; else it has the place of the last number before them, and the look-up compares the
 * next ones. So it reads a word of the index or a few, where the numbers lie dense, and a line
 * or two of memory of the list. (A level-compressed trie, Andersson and Nilsson 1993, over
 * ranges.)
 *
 *     cell:  0 place (31 bits)  |  1 k (5 bits) first cell (26 bits) */
#ifndef RL_NETWORKS_SEARCH_H
#define RL_NETWORKS_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_NETWORK_SEARCH_LEAF 16u /* numbers of a leaf */

/* Numbers that have to stand after the last one of the list: of ones. */
#define RL_NETWORK_SEARCH_PADDING RL_NETWORK_SEARCH_LEAF

typedef struct rl_network_search {
    uint32_t root; /* a cell */
    uint32_t n;    /* numbers of the list */
    const uint32_t *cells;
    const uint64_t *numbers; /* NULL: all have 32 zeros at their end, and */
    const uint32_t *halves;  /* these are their first 32 bits */
} rl_network_search_t;

/* An index that is being made. */
typedef struct rl_network_search_index {
    uint32_t root;
    uint32_t *cells; /* free() it */
    size_t n, room;  /* cells */
} rl_network_search_index_t;

/* Makes the index of n numbers that ascend, no two alike; the first is 0. Returns false if
 * memory, or 26 bits, don't suffice: see rl_network_search_index_t in any case. */
bool rl_network_search_build(rl_network_search_index_t *index, const uint64_t *numbers,
                             size_t n);

/* Returns the place of the last number that is not above `number`. Touches what lies at the
 * same place in `values` ahead of its use, unless that is NULL. */
size_t rl_network_search_last(const rl_network_search_t *search, uint64_t number,
                              const uint32_t *values);

#endif
