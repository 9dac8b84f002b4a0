/* A shelf of things that threads of one process borrow one at a time: a stack, so that those
 * which are in use stay in use and the others rest, with a wait when it is empty. */
#ifndef RL_MEMCACHED_CONNECTION_STACK_H
#define RL_MEMCACHED_CONNECTION_STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What a thing on a shelf begins with. */
typedef struct rl_shelved {
    struct rl_shelved *next;
} rl_shelved_t;

typedef struct rl_shelf {
    rl_shelved_t *top;
    pthread_mutex_t mutex;
    pthread_cond_t returned;
} rl_shelf_t;

/* Makes an empty shelf, which is never unmade: HTTP/2's threads may want something from it
 * while the process ends. False when the system has no room for it. */
bool rl_shelf_init(rl_shelf_t *shelf);

/* Takes what was put there last; waits until deadline, of the monotonic clock, for something
 * to come back. NULL when nothing did. */
rl_shelved_t *rl_shelf_take(rl_shelf_t *shelf, int64_t deadline);

void rl_shelf_put(rl_shelf_t *shelf, rl_shelved_t *thing);

#endif
