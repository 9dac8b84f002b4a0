/* SPDX-License-Identifier: Apache-2.0 */
#include "stack.h"

#include <time.h>

#include "../../system/clock.h"

/* Uses pthreads, because waits go by the monotonic clock, as deadlines do: APR's conditions go
 * by the time of day, which may be set back. */
bool rl_stack_init(rl_stack_t *stack)
{
    pthread_condattr_t monotonic;
    bool ok;
    stack->top = NULL;
    if (pthread_mutex_init(&stack->mutex, NULL) != 0 ||
        pthread_condattr_init(&monotonic) != 0) {
        return false;
    }
    ok = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(&stack->returned, &monotonic) == 0;
    pthread_condattr_destroy(&monotonic);
    return ok;
}

rl_stacked_t *rl_stack_take(rl_stack_t *stack, int64_t deadline)
{
    const struct timespec end = {.tv_sec = (time_t)(deadline / 1000000),
                                 .tv_nsec = (long)(deadline % 1000000 * 1000)};
    rl_stacked_t *thing;
    int failed = 0;
    pthread_mutex_lock(&stack->mutex);
    while (stack->top == NULL && !failed) {
        failed = pthread_cond_timedwait(&stack->returned, &stack->mutex, &end);
    }
    thing = stack->top;
    if (thing != NULL) {
        stack->top = thing->next;
    }
    pthread_mutex_unlock(&stack->mutex);
    return thing;
}

void rl_stack_put(rl_stack_t *stack, rl_stacked_t *thing)
{
    pthread_mutex_lock(&stack->mutex);
    thing->next = stack->top;
    stack->top = thing;
    pthread_cond_signal(&stack->returned);
    pthread_mutex_unlock(&stack->mutex);
}
