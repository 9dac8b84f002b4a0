#include "shelf.h"

#include "monotonic.h"

bool rl_shelf_init(rl_shelf_t *shelf, apr_pool_t *pool)
{
    shelf->top = NULL;
    return apr_thread_mutex_create(&shelf->mutex, APR_THREAD_MUTEX_DEFAULT, pool) ==
               APR_SUCCESS &&
           apr_thread_cond_create(&shelf->returned, pool) == APR_SUCCESS;
}

rl_shelved_t *rl_shelf_take(rl_shelf_t *shelf, int64_t deadline)
{
    rl_shelved_t *thing;
    apr_status_t rv = APR_SUCCESS;
    apr_thread_mutex_lock(shelf->mutex);
    while (shelf->top == NULL && rv == APR_SUCCESS) {
        const int64_t left = deadline - rl_monotonic_now();
        rv = left > 0 ? apr_thread_cond_timedwait(shelf->returned, shelf->mutex, left)
                      : APR_TIMEUP;
    }
    thing = shelf->top;
    if (thing != NULL) {
        shelf->top = thing->next;
    }
    apr_thread_mutex_unlock(shelf->mutex);
    return thing;
}

void rl_shelf_put(rl_shelf_t *shelf, rl_shelved_t *thing)
{
    apr_thread_mutex_lock(shelf->mutex);
    thing->next = shelf->top;
    shelf->top = thing;
    apr_thread_cond_signal(shelf->returned);
    apr_thread_mutex_unlock(shelf->mutex);
}
