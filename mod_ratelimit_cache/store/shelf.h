/* A shelf of things that threads of one process borrow one at a time: a stack, so that those
 * which are in use stay in use and the others rest, with a wait when it is empty. */
#ifndef RL_STORE_SHELF_H
#define RL_STORE_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_pools.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

/* What a thing on a shelf begins with. */
typedef struct rl_shelved {
    struct rl_shelved *next;
} rl_shelved_t;

typedef struct rl_shelf {
    rl_shelved_t *top;
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *returned;
} rl_shelf_t;

/* Makes an empty shelf that lives as long as the pool; false when there is no memory. */
bool rl_shelf_init(rl_shelf_t *shelf, apr_pool_t *pool);

/* Takes what was put there last; waits until deadline, of the monotonic clock, for something
 * to come back. NULL when nothing did. */
rl_shelved_t *rl_shelf_take(rl_shelf_t *shelf, int64_t deadline);

void rl_shelf_put(rl_shelf_t *shelf, rl_shelved_t *thing);

#endif
