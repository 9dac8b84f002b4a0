/* SPDX-License-Identifier: Apache-2.0 */
#include "search.h"

#include <stdlib.h>

#define NODE     UINT32_C(0x80000000)
#define K_SHIFT  26u
#define K_MAX    24u
#define AT_MASK  ((UINT32_C(1) << K_SHIFT) - 1)
#define ALL_BITS 64u

/* ---- building ---- */

/* Numbers of the list that have their first bits in common. */
typedef struct rl_bucket {
    const uint64_t *numbers; /* the whole list */
    size_t from, to;         /* these of it */
    unsigned bits;           /* that are left, and may differ */
} rl_bucket_t;

/* Returns how many bits a node for so many numbers looks at, 1 or more. */
static unsigned node_bits(size_t n, unsigned bits_left)
{
    unsigned k = 1;
    while (k < K_MAX && k < bits_left && n >> (k + 3) != 0) {
        k++;
    }
    return k;
}

/* Takes n cells. Returns the first one's place, or SIZE_MAX. */
static size_t take_cells(rl_network_search_index_t *index, size_t n)
{
    const size_t at = index->n;
    if (at + n > AT_MASK) {
        return SIZE_MAX;
    }
    if (at + n > index->room) {
        const size_t room = 2 * (at + n);
        uint32_t *cells = realloc(index->cells, room * sizeof(*cells));
        if (cells == NULL) {
            return SIZE_MAX;
        }
        index->cells = cells;
        index->room = room;
    }
    index->n = at + n;
    return at;
}

/* Makes the cell of a bucket, and all below it; it calls itself at most once for each bit.
 * Returns false if there is no room. */
static bool build_cell(rl_network_search_index_t *index, const rl_bucket_t *bucket,
                       uint32_t *cell)
{
    const size_t n = bucket->to - bucket->from;
    rl_bucket_t part = *bucket;
    size_t first, cells;
    unsigned k;
    if (n <= RL_NETWORK_SEARCH_LEAF) {
        *cell = (uint32_t)(bucket->from > 0 ? bucket->from - 1 : 0);
        return true;
    }
    k = node_bits(n, bucket->bits);
    cells = (size_t)1 << k;
    first = take_cells(index, cells);
    if (first == SIZE_MAX) {
        return false;
    }
    *cell = NODE | (uint32_t)k << K_SHIFT | (uint32_t)first;
    part.bits -= k;
    for (size_t i = 0; i < cells; i++) {
        uint32_t made;
        part.from = i > 0 ? part.to : bucket->from;
        part.to = part.from;
        while (part.to < bucket->to &&
               (bucket->numbers[part.to] >> part.bits & (cells - 1)) == i) {
            part.to++;
        }
        if (!build_cell(index, &part, &made)) {
            return false;
        }
        index->cells[first + i] = made;
    }
    return true;
}

bool rl_network_search_build(rl_network_search_index_t *index, const uint64_t *numbers,
                             size_t n)
{
    const rl_bucket_t all = {.numbers = numbers, .from = 0, .to = n, .bits = ALL_BITS};
    *index = (rl_network_search_index_t){.root = 0};
    return build_cell(index, &all, &index->root);
}

/* ---- looking up ---- */

/* Returns how many of the numbers from `at` on are not above `number`. Those after the leaf are
 * above all that lead to it. No branch: which way it would go can't be foreseen. */
static unsigned count_numbers(const uint64_t *numbers, size_t at, uint64_t number)
{
    unsigned count = 0;
    __builtin_prefetch(numbers + at + RL_NETWORK_SEARCH_LEAF - 1);
    for (unsigned i = 0; i < RL_NETWORK_SEARCH_LEAF; i++) {
        count += numbers[at + i] <= number;
    }
    return count;
}

static unsigned count_halves(const uint32_t *halves, size_t at, uint32_t half)
{
    unsigned count = 0;
    __builtin_prefetch(halves + at + RL_NETWORK_SEARCH_LEAF - 1);
    for (unsigned i = 0; i < RL_NETWORK_SEARCH_LEAF; i++) {
        count += halves[at + i] <= half;
    }
    return count;
}

size_t rl_network_search_last(const rl_network_search_t *search, uint64_t number,
                              const uint32_t *values)
{
    uint32_t cell = search->root;
    unsigned bits = ALL_BITS;
    while ((cell & NODE) != 0) {
        const unsigned k = cell >> K_SHIFT & 31u;
        bits -= k;
        cell = search->cells[(cell & AT_MASK) + (number >> bits & ((UINT64_C(1) << k) - 1))];
    }
    if (values != NULL) {
        __builtin_prefetch(values + cell);
        __builtin_prefetch(values + cell + RL_NETWORK_SEARCH_LEAF);
    }
    cell += search->numbers != NULL
                ? count_numbers(search->numbers, cell + 1, number)
                : count_halves(search->halves, cell + 1, (uint32_t)(number >> 32));
    return cell < search->n ? cell : search->n - 1; /* not what stands after the list */
}
