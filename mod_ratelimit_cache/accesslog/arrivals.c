/* SPDX-License-Identifier: Apache-2.0 */
#include "arrivals.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USEC_PER_SEC INT64_C(1000000)

/* Where a line lies in its second. */
typedef struct rl_arrived {
    int64_t began;
    size_t at, len;
} rl_arrived_t;

/* The lines of one second. */
typedef struct rl_wait {
    rl_arrived_t *lines;
    char *text;
    size_t n, room, used, size;
    bool sorted;
} rl_wait_t;

struct rl_arrivals {
    rl_arrival_t *arrive;
    void *context;
    rl_wait_t seconds[RL_ARRIVALS_SECONDS]; /* of second s: s % RL_ARRIVALS_SECONDS */
    int64_t first;                          /* the earliest second that is not handed on yet */
    int64_t newest;                         /* second; below `first`: no line waits */
    size_t bytes;                           /* of lines that wait */
    uint64_t late;
};

static void *resize(void *memory, size_t bytes)
{
    void *larger = realloc(memory, bytes);
    if (larger == NULL) {
        fprintf(stderr, "out of memory: %zu bytes are not to be had\n", bytes);
        exit(EXIT_FAILURE);
    }
    return larger;
}

rl_arrivals_t *rl_arrivals_make(rl_arrival_t *arrive, void *context)
{
    rl_arrivals_t *arrivals = resize(NULL, sizeof(*arrivals));
    memset(arrivals, 0, sizeof(*arrivals));
    arrivals->arrive = arrive;
    arrivals->context = context;
    arrivals->newest = -1;
    return arrivals;
}

/* By time; then in the order in which they came. */
static int compare(const void *left, const void *right)
{
    const rl_arrived_t *a = left, *b = right;
    if (a->began != b->began) {
        return a->began < b->began ? -1 : 1;
    }
    return a->at < b->at ? -1 : a->at > b->at;
}

static void hand_on(rl_arrivals_t *arrivals)
{
    rl_wait_t *wait = &arrivals->seconds[arrivals->first % RL_ARRIVALS_SECONDS];
    if (!wait->sorted && wait->n > 1) {
        qsort(wait->lines, wait->n, sizeof(*wait->lines), compare);
    }
    for (size_t i = 0; i < wait->n; i++) {
        arrivals->arrive(arrivals->context, wait->text + wait->lines[i].at, wait->lines[i].len);
    }
    arrivals->bytes -= wait->used;
    wait->n = wait->used = 0;
    arrivals->first++;
}

static void wait_keep(rl_arrivals_t *arrivals, rl_wait_t *wait, const rl_arrived_t *line,
                      const char *text)
{
    if (wait->n == wait->room) {
        wait->room = 2 * wait->room + 64;
        wait->lines = resize(wait->lines, wait->room * sizeof(*wait->lines));
    }
    if (wait->used + line->len > wait->size) {
        wait->size = 2 * wait->size + line->len + 4096;
        wait->text = resize(wait->text, wait->size);
    }
    wait->sorted =
        wait->n == 0 || (wait->sorted && wait->lines[wait->n - 1].began <= line->began);
    memcpy(wait->text + wait->used, text, line->len);
    wait->lines[wait->n] = *line;
    wait->lines[wait->n++].at = wait->used;
    wait->used += line->len;
    arrivals->bytes += line->len;
}

/* Hands on the seconds that are over when a line of this second has come. */
static void move_on(rl_arrivals_t *arrivals, int64_t second)
{
    const int64_t least = second >= RL_ARRIVALS_SECONDS ? second - RL_ARRIVALS_SECONDS + 1 : 0;
    while (arrivals->first <= arrivals->newest &&
           (arrivals->first < least || arrivals->bytes > RL_ARRIVALS_BYTES)) {
        hand_on(arrivals);
    }
    if (arrivals->first > arrivals->newest && arrivals->first < least) {
        arrivals->first = least; /* nothing waits: skip a quiet time at once */
    }
}

void rl_arrivals_add(rl_arrivals_t *arrivals, int64_t began, const char *text, size_t len)
{
    const rl_arrived_t line = {.began = began, .len = len};
    const int64_t second = began / USEC_PER_SEC;
    move_on(arrivals, second);
    if (began < 0 || second < arrivals->first) {
        arrivals->late++;
        arrivals->arrive(arrivals->context, text, len);
        return;
    }
    wait_keep(arrivals, &arrivals->seconds[second % RL_ARRIVALS_SECONDS], &line, text);
    if (second > arrivals->newest) {
        arrivals->newest = second;
    }
}

uint64_t rl_arrivals_finish(rl_arrivals_t *arrivals)
{
    const uint64_t late = arrivals->late;
    while (arrivals->first <= arrivals->newest) {
        hand_on(arrivals);
    }
    for (int i = 0; i < RL_ARRIVALS_SECONDS; i++) {
        free(arrivals->seconds[i].lines);
        free(arrivals->seconds[i].text);
    }
    free(arrivals);
    return late;
}
