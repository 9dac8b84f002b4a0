/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap: Williams, Algorithm 232, 1964. */
#include "ends.h"

#include <stdio.h>
#include <stdlib.h>

static void swap(rl_end_t *a, rl_end_t *b)
{
    const rl_end_t end = *a;
    *a = *b;
    *b = end;
}

static void ends_reserve(rl_ends_t *ends)
{
    if (ends->n == ends->room) {
        ends->room = 2 * ends->room + 1024;
        ends->heap = realloc(ends->heap, ends->room * sizeof(*ends->heap));
        if (ends->heap == NULL) {
            fprintf(stderr, "out of memory\n");
            exit(EXIT_FAILURE);
        }
    }
}

void rl_ends_add(rl_ends_t *ends, const rl_end_t *end)
{
    size_t i = ends->n;
    ends_reserve(ends);
    ends->heap[ends->n++] = *end;
    while (i > 0 && ends->heap[i].at < ends->heap[(i - 1) / 2].at) {
        swap(&ends->heap[i], &ends->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static size_t earlier_child(const rl_ends_t *ends, size_t i)
{
    const size_t left = 2 * i + 1;
    return left + 1 < ends->n && ends->heap[left + 1].at < ends->heap[left].at ? left + 1
                                                                               : left;
}

bool rl_ends_take(rl_ends_t *ends, int64_t until, rl_end_t *end)
{
    size_t i = 0, child;
    if (ends->n == 0 || ends->heap[0].at > until) {
        return false;
    }
    *end = ends->heap[0];
    ends->heap[0] = ends->heap[--ends->n];
    while ((child = earlier_child(ends, i)) < ends->n &&
           ends->heap[child].at < ends->heap[i].at) {
        swap(&ends->heap[i], &ends->heap[child]);
        i = child;
    }
    return true;
}
