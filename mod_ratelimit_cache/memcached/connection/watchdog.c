/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../system/background.h"
#include "../../system/clock.h"

#define LOOK_LEAST 2000 /* microseconds */
#define LOOK_MOST  50000

/* Not allocated in the pool: its thread may be left running, see system/background.c. */
struct rl_watchdog {
    rl_watchdog_find_fn *find;
    void *context;
    rl_background_t *background;
    unsigned n;
    _Atomic int64_t deadlines[]; /* 0: no wait */
};

/* Ends the wait of a slot. Finding the socket takes a while, in which the wait may end by
 * itself and another may begin: so the deadline is compared once more. */
static void cut_off(rl_watchdog_t *watchdog, unsigned n, int64_t deadline)
{
    const int fd = watchdog->find(watchdog->context, n);
    if (fd < 0) {
        return;
    }
    if (atomic_load(&watchdog->deadlines[n]) == deadline) {
        shutdown(fd, SHUT_RDWR);
    }
    close(fd);
}

/* Cuts off waits that are late. Returns true if there is any wait. */
static bool watchdog_look(void *context, bool last)
{
    rl_watchdog_t *watchdog = context;
    const int64_t now = rl_clock_now();
    bool waits = false;
    for (unsigned i = 0; i < watchdog->n && !last; i++) {
        const int64_t deadline = atomic_load(&watchdog->deadlines[i]);
        waits |= deadline != 0;
        if (deadline != 0 && now > deadline) {
            cut_off(watchdog, i, deadline);
        }
    }
    return waits;
}

/* Runs before the memory of the thread itself is freed: cleanups run in reverse order. */
static apr_status_t watchdog_destroy(void *data)
{
    rl_watchdog_t *watchdog = data;
    if (rl_background_is_over(watchdog->background)) {
        free(watchdog);
    }
    return APR_SUCCESS;
}

int64_t rl_watchdog_interval(int64_t wait_us)
{
    const int64_t interval = wait_us / 4;
    return interval < LOOK_LEAST ? LOOK_LEAST : interval > LOOK_MOST ? LOOK_MOST : interval;
}

rl_watchdog_t *rl_watchdog_create(apr_pool_t *pool, unsigned n, int64_t interval_us,
                                  rl_watchdog_find_fn *find, void *context)
{
    rl_watchdog_t *watchdog = calloc(1, sizeof(*watchdog) + n * sizeof(watchdog->deadlines[0]));
    if (watchdog == NULL) {
        return NULL;
    }
    watchdog->find = find;
    watchdog->context = context;
    watchdog->n = n;
    watchdog->background = rl_background_create(pool, interval_us, watchdog_look, watchdog);
    if (watchdog->background == NULL) {
        free(watchdog);
        return NULL;
    }
    apr_pool_cleanup_register(pool, watchdog, watchdog_destroy, apr_pool_cleanup_null);
    return watchdog;
}

void rl_watchdog_begin(rl_watchdog_t *watchdog, unsigned n, int64_t deadline)
{
    if (watchdog != NULL) {
        atomic_store(&watchdog->deadlines[n], deadline);
        rl_background_wake(watchdog->background);
    }
}

void rl_watchdog_end(rl_watchdog_t *watchdog, unsigned n)
{
    if (watchdog != NULL) {
        atomic_store_explicit(&watchdog->deadlines[n], 0, memory_order_release);
    }
}

void rl_watchdog_hold(rl_watchdog_t *watchdog)
{
    if (watchdog != NULL) {
        rl_background_hold(watchdog->background);
    }
}

void rl_watchdog_release(rl_watchdog_t *watchdog)
{
    if (watchdog != NULL) {
        rl_background_release(watchdog->background);
    }
}
