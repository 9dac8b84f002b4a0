/* SPDX-License-Identifier: Apache-2.0 */
/* A watchdog: a thread that ends waits which last too long. It is for libraries whose timeouts
 * hold for each byte of an answer, not for the whole answer.
 *
 * Each wait has a slot that holds its deadline. Starting and ending a wait costs a store each.
 * The thread looks at all slots every now and then while there are waits, and sleeps when there
 * have been none for a while.
 */
#ifndef RL_MEMCACHED_CONNECTION_WATCHDOG_H
#define RL_MEMCACHED_CONNECTION_WATCHDOG_H

#include <stdint.h>

#include <apr_pools.h>

typedef struct rl_watchdog rl_watchdog_t;

/* Returns a descriptor for the socket that slot n waits on, which the watchdog shuts down and
 * closes; -1 if there is none. Called in the watchdog's thread, again at each look until the
 * wait is over. */
typedef int rl_watchdog_find_fn(void *context, unsigned n);

/* Returns how often to look, in microseconds, if a wait may last wait_us. */
int64_t rl_watchdog_interval(int64_t wait_us);

/* Starts a watchdog for n slots that looks every interval_us microseconds. Its thread ends with
 * the pool. Returns NULL if no thread can be had; the functions below take NULL and do nothing
 * then. */
rl_watchdog_t *rl_watchdog_create(apr_pool_t *pool, unsigned n, int64_t interval_us,
                                  rl_watchdog_find_fn *find, void *context);

/* Begins a wait in slot n, cut off after deadline, microseconds of the monotonic clock. */
void rl_watchdog_begin(rl_watchdog_t *watchdog, unsigned n, int64_t deadline);

/* Ends the wait in slot n. */
void rl_watchdog_end(rl_watchdog_t *watchdog, unsigned n);

/* Stops the watchdog from looking until rl_watchdog_release(), so that what it looks at can be
 * freed. */
void rl_watchdog_hold(rl_watchdog_t *watchdog);
void rl_watchdog_release(rl_watchdog_t *watchdog);

#endif
