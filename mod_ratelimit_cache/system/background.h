/* A thread of a child that looks after something every now and then, and sleeps while there is
 * nothing to look after. */
#ifndef RL_SYSTEM_BACKGROUND_H
#define RL_SYSTEM_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

#include <apr_pools.h>

typedef struct rl_background rl_background_t;

/* A look; `last` when the thread ends after it. Returns whether there was anything to look at:
 * after a hundred looks at nothing in a row the thread sleeps. */
typedef bool rl_background_look_fn(void *context, bool last);

/* Starts the thread, which looks every interval_us microseconds. It ends when the pool is about
 * to be destroyed, while all that is in the pool is still there; the last look is waited for
 * some hundred milliseconds. NULL when no thread can be had. What follows takes a NULL, too,
 * and does nothing then. */
rl_background_t *rl_background_create(apr_pool_t *pool, int64_t interval_us,
                                      rl_background_look_fn *look, void *context);

/* There is something to look after. From any thread; costs a read unless the thread sleeps. */
void rl_background_wake(rl_background_t *background);

/* Between these the thread isn't looking, so that what it looks at can be changed. */
void rl_background_hold(rl_background_t *background);
void rl_background_release(rl_background_t *background);

/* Whether the thread has ended, so that nothing it looked at is in use. */
bool rl_background_is_over(const rl_background_t *background);

#endif
