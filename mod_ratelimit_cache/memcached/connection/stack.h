/* SPDX-License-Identifier: Apache-2.0 */
/* A stack of things that the threads of one process borrow one at a time, with a wait while it
 * is empty. A stack, so that those in use stay in use and the rest can rest. */
#ifndef RL_MEMCACHED_CONNECTION_STACK_H
#define RL_MEMCACHED_CONNECTION_STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What the struct of a thing on a stack begins with. */
typedef struct rl_stacked {
    struct rl_stacked *next;
} rl_stacked_t;

typedef struct rl_stack {
    rl_stacked_t *top;
    pthread_mutex_t mutex;
    pthread_cond_t returned;
} rl_stack_t;

/* Makes an empty stack, which is never destroyed: HTTP/2's threads may use it while the process
 * ends. Returns false if the system has no room for it. */
bool rl_stack_init(rl_stack_t *stack);

/* Takes the thing that was put there last. Waits for one until deadline, microseconds of the
 * monotonic clock; returns NULL if there is none by then. */
rl_stacked_t *rl_stack_take(rl_stack_t *stack, int64_t deadline);

/* Puts a thing on the stack and wakes one thread that waits for it. */
void rl_stack_put(rl_stack_t *stack, rl_stacked_t *thing);

#endif
