/* A thread that ends waits which last too long. For libraries whose time-outs hold for each
 * byte of an answer, not for the answer.
 *
 * A wait has a slot with its deadline. Starting and ending a wait costs a store each; the
 * thread looks at all slots every now and then while there are waits, and sleeps when there
 * have been none for a while.
 */
#ifndef RL_MEMCACHED_CONNECTION_WATCHDOG_H
#define RL_MEMCACHED_CONNECTION_WATCHDOG_H

#include <stdint.h>

#include <apr_pools.h>

typedef struct rl_watchdog rl_watchdog_t;

/* A descriptor for the socket that slot n waits on, to be shut down and closed by the watchdog;
 * -1 when there is none. Called in the watchdog's thread, again at each look until the wait is
 * over. */
typedef int rl_watchdog_find_fn(void *context, unsigned n);

/* How often to look, in microseconds, where a wait may last so long. */
int64_t rl_watchdog_interval(int64_t wait_us);

/* Watches n slots, looking every interval_us microseconds. The thread ends with the pool. NULL
 * when no thread can be had; what follows does nothing then. */
rl_watchdog_t *rl_watchdog_create(apr_pool_t *pool, unsigned n, int64_t interval_us,
                                  rl_watchdog_find_fn *find, void *context);

/* A wait begins in slot n; it should be over at deadline, of the monotonic clock. */
void rl_watchdog_begin(rl_watchdog_t *watchdog, unsigned n, int64_t deadline);

/* The wait in slot n is over. */
void rl_watchdog_end(rl_watchdog_t *watchdog, unsigned n);

/* Between these the watchdog looks for nothing, so that what it would touch can be freed. */
void rl_watchdog_hold(rl_watchdog_t *watchdog);
void rl_watchdog_release(rl_watchdog_t *watchdog);

#endif
