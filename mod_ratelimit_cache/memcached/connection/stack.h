/* A stack of things that threads of one process borrow one at a time: a stack, so that those
 * which are in use stay in use and the others rest, with a wait when it is empty. */
#ifndef RL_MEMCACHED_CONNECTION_STACK_H
#define RL_MEMCACHED_CONNECTION_STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What a thing on a stack begins with. */
typedef struct rl_stacked {
    struct rl_stacked *next;
} rl_stacked_t;

typedef struct rl_stack {
    rl_stacked_t *top;
    pthread_mutex_t mutex;
    pthread_cond_t returned;
} rl_stack_t;

/* Makes an empty stack, which is never unmade: HTTP/2's threads may want something from it
 * while the process ends. False when the system has no room for it. */
bool rl_stack_init(rl_stack_t *stack);

/* Takes what was put there last; waits until deadline, of the monotonic clock, for something
 * to come back. NULL when nothing did. */
rl_stacked_t *rl_stack_take(rl_stack_t *stack, int64_t deadline);

void rl_stack_put(rl_stack_t *stack, rl_stacked_t *thing);

#endif
