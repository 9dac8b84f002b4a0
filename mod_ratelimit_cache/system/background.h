/* SPDX-License-Identifier: Apache-2.0 */
/* A background thread of a child process: it looks after something at intervals, and sleeps
 * while there is nothing to look after. */
#ifndef RL_SYSTEM_BACKGROUND_H
#define RL_SYSTEM_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_pools.h>

typedef struct rl_background rl_background_t;

/* Looks once; `last` is true if the thread ends after this look. Returns true if there was
 * anything to look after: after a hundred looks in a row that found nothing, the thread sleeps.
 * Called from the background thread, and never twice at once. */
typedef bool rl_background_look_fn(void *context, bool last);

/* Starts a thread that looks every interval_us microseconds. It ends when the pool is about to
 * be destroyed, while everything in the pool is still there; the destroying thread waits for
 * the last look, up to a second. Returns NULL if no thread can be had. The functions below
 * accept NULL, and do nothing then. */
rl_background_t *rl_background_create(apr_pool_t *pool, int64_t interval_us,
                                      rl_background_look_fn *look, void *context);

/* Wakes the thread, because there is something to look after. May be called from any thread;
 * costs a read unless the thread sleeps. */
void rl_background_wake(rl_background_t *background);

/* Between hold and release the thread does not look, so that what it looks after can be
 * changed. Hold waits for a look to end. */
void rl_background_hold(rl_background_t *background);
void rl_background_release(rl_background_t *background);

/* Returns true if the thread has ended, so that it uses nothing any more; also for NULL. */
bool rl_background_is_over(const rl_background_t *background);

#endif
