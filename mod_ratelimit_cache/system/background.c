/* SPDX-License-Identifier: Apache-2.0 */
/* The thread holds the mutex while it looks. Between looks it waits for `wake`, with a timeout
 * until it has looked IDLE_LOOKS times for nothing, and then without one. A waker reads
 * `asleep` first and takes the mutex only if it is set. So the thread sets `asleep`, looks once
 * more for what came before that could be seen, and only then sleeps. */
#include "background.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define IDLE_LOOKS 100 /* looks that find nothing before the thread sleeps */
#define STOP_TRIES 500 /* milliseconds; for the mutex, and again for the last look */

/* Allocated outside the pool, which it may outlive: see background_stop(). */
struct rl_background {
    rl_background_look_fn *look;
    void *context;
    int64_t interval_us;
    pthread_t thread;
    pid_t process;         /* a process that is forked off has no such thread */
    pthread_mutex_t mutex; /* held while looking */
    pthread_cond_t wake;
    _Atomic bool asleep;
    bool stop;
    _Atomic bool is_over; /* the thread has ended */
};

static struct timespec after(int64_t us)
{
    const int64_t at = rl_clock_now() + us;
    return (struct timespec){.tv_sec = (time_t)(at / 1000000),
                             .tv_nsec = (long)(at % 1000000 * 1000)};
}

/* Waits for the next look. The caller holds the mutex, which is released during the wait. */
static void sleep_until_needed(rl_background_t *background, unsigned *idle)
{
    if (*idle < IDLE_LOOKS) {
        const struct timespec next = after(background->interval_us);
        pthread_cond_timedwait(&background->wake, &background->mutex, &next);
        return;
    }
    atomic_store(&background->asleep, true);
    if (!background->look(background->context, false)) {
        /* nothing has come from a caller that could not yet see this thread asleep */
        pthread_cond_wait(&background->wake, &background->mutex);
    }
    atomic_store(&background->asleep, false);
    *idle = 0;
}

static void *background_run(void *data)
{
    rl_background_t *background = data;
    unsigned idle = 0;
    pthread_mutex_lock(&background->mutex);
    while (!background->stop) {
        idle = background->look(background->context, false) ? 0 : idle + 1;
        sleep_until_needed(background, &idle);
    }
    background->look(background->context, true);
    pthread_mutex_unlock(&background->mutex);
    atomic_store(&background->is_over, true);
    return NULL;
}

/* Starts the thread with all signals blocked: they are for httpd's threads. */
static bool background_start(rl_background_t *background)
{
    sigset_t all, before;
    int failed;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&background->thread, NULL, background_run, background);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static void sleep_a_millisecond(void)
{
    static const struct timespec millisecond = {.tv_nsec = 1000000};
    nanosleep(&millisecond, NULL);
}

static bool lock_soon(pthread_mutex_t *mutex)
{
    for (int i = 0; i < STOP_TRIES; i++) {
        if (pthread_mutex_trylock(mutex) == 0) {
            return true;
        }
        sleep_a_millisecond();
    }
    return false;
}

/* Prefork's handler of SIGTERM destroys the child's pool and so comes here, on top of whatever
 * the child's own thread was doing. That thread may hold the mutex, or a lock of malloc() which
 * the last look needs, and will never release it. The background thread is left as it is then:
 * it can't go on until the process exits. */
static apr_status_t background_stop(void *data)
{
    rl_background_t *background = data;
    if (background->process != getpid() || !lock_soon(&background->mutex)) {
        return APR_TIMEUP;
    }
    background->stop = true;
    pthread_cond_signal(&background->wake);
    pthread_mutex_unlock(&background->mutex);
    for (int i = 0; i < STOP_TRIES && !background->is_over; i++) {
        sleep_a_millisecond();
    }
    if (background->is_over) {
        pthread_join(background->thread, NULL);
    }
    return background->is_over ? APR_SUCCESS : APR_TIMEUP;
}

/* Runs later than background_stop(), when HTTP/2's threads may still serve requests. */
static apr_status_t background_destroy(void *data)
{
    rl_background_t *background = data;
    if (background->is_over) {
        pthread_cond_destroy(&background->wake);
        pthread_mutex_destroy(&background->mutex);
        free(background);
    }
    return APR_SUCCESS;
}

static void init_locks(rl_background_t *background)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&background->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&background->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

rl_background_t *rl_background_create(apr_pool_t *pool, int64_t interval_us,
                                      rl_background_look_fn *look, void *context)
{
    rl_background_t *background = calloc(1, sizeof(*background));
    if (background == NULL) {
        return NULL;
    }
    background->look = look;
    background->context = context;
    background->interval_us = interval_us;
    background->process = getpid();
    init_locks(background);
    if (!background_start(background)) {
        free(background);
        return NULL;
    }
    apr_pool_pre_cleanup_register(pool, background, background_stop);
    apr_pool_cleanup_register(pool, background, background_destroy, apr_pool_cleanup_null);
    return background;
}

void rl_background_wake(rl_background_t *background)
{
    if (background != NULL && atomic_load(&background->asleep)) {
        pthread_mutex_lock(&background->mutex);
        pthread_cond_signal(&background->wake);
        pthread_mutex_unlock(&background->mutex);
    }
}

void rl_background_hold(rl_background_t *background)
{
    if (background != NULL) {
        pthread_mutex_lock(&background->mutex);
    }
}

void rl_background_release(rl_background_t *background)
{
    if (background != NULL) {
        pthread_mutex_unlock(&background->mutex);
    }
}

bool rl_background_is_over(const rl_background_t *background)
{
    return background == NULL || background->is_over;
}
