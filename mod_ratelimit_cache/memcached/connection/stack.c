#include "stack.h"

#include <time.h>

#include "../../system/clock.h"

/* Waits by the monotonic clock, as deadlines are: APR's conditions go by the time of day, which
 * may be set back. */
bool rl_shelf_init(rl_shelf_t *shelf)
{
    pthread_condattr_t monotonic;
    bool ok;
    shelf->top = NULL;
    if (pthread_mutex_init(&shelf->mutex, NULL) != 0 ||
        pthread_condattr_init(&monotonic) != 0) {
        return false;
    }
    ok = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(&shelf->returned, &monotonic) == 0;
    pthread_condattr_destroy(&monotonic);
    return ok;
}

rl_shelved_t *rl_shelf_take(rl_shelf_t *shelf, int64_t deadline)
{
    const struct timespec end = {.tv_sec = (time_t)(deadline / 1000000),
                                 .tv_nsec = (long)(deadline % 1000000 * 1000)};
    rl_shelved_t *thing;
    int failed = 0;
    pthread_mutex_lock(&shelf->mutex);
    while (shelf->top == NULL && !failed) {
        failed = pthread_cond_timedwait(&shelf->returned, &shelf->mutex, &end);
    }
    thing = shelf->top;
    if (thing != NULL) {
        shelf->top = thing->next;
    }
    pthread_mutex_unlock(&shelf->mutex);
    return thing;
}

void rl_shelf_put(rl_shelf_t *shelf, rl_shelved_t *thing)
{
    pthread_mutex_lock(&shelf->mutex);
    thing->next = shelf->top;
    shelf->top = thing;
    pthread_cond_signal(&shelf->returned);
    pthread_mutex_unlock(&shelf->mutex);
}
