#include "watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "monotonic.h"

#define IDLE_LOOKS 100  /* looks at nothing but empty slots before the thread sleeps */
#define LOOK_LEAST 2000 /* microseconds */
#define LOOK_MOST  50000
#define STOP_TRIES 200 /* milliseconds */

/* Not in the pool: see stop(). */
struct rl_watchdog {
    rl_watchdog_find_fn *find;
    void *context;
    int64_t interval_us;
    pthread_t thread;
    pthread_mutex_t mutex; /* held while looking */
    pthread_cond_t wake;
    _Atomic bool asleep;
    bool stop;
    bool is_over; /* the thread has ended */
    unsigned n;
    _Atomic int64_t deadlines[]; /* 0: no wait */
};

/* Ends the wait of a slot. Finding the socket takes a while, and the wait may have ended by
 * itself in it, and another one begun: so the deadline is looked at once more. */
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

/* Cuts off what is late; returns whether there was any wait at all. */
static bool look(rl_watchdog_t *watchdog)
{
    const int64_t now = rl_monotonic_now();
    bool waits = false;
    for (unsigned i = 0; i < watchdog->n; i++) {
        const int64_t deadline = atomic_load(&watchdog->deadlines[i]);
        waits |= deadline != 0;
        if (deadline != 0 && now > deadline) {
            cut_off(watchdog, i, deadline);
        }
    }
    return waits;
}

static struct timespec after(int64_t us)
{
    const int64_t at = rl_monotonic_now() + us;
    return (struct timespec){.tv_sec = (time_t)(at / 1000000),
                             .tv_nsec = (long)(at % 1000000 * 1000)};
}

/* With the mutex held, which it gives up while it waits. */
static void sleep_until_needed(rl_watchdog_t *watchdog, unsigned *idle)
{
    if (*idle < IDLE_LOOKS) {
        const struct timespec next = after(watchdog->interval_us);
        pthread_cond_timedwait(&watchdog->wake, &watchdog->mutex, &next);
        return;
    }
    atomic_store(&watchdog->asleep, true);
    if (!look(watchdog)) { /* a wait that began before it could see that we sleep */
        pthread_cond_wait(&watchdog->wake, &watchdog->mutex);
    }
    atomic_store(&watchdog->asleep, false);
    *idle = 0;
}

static void *run(void *data)
{
    rl_watchdog_t *watchdog = data;
    unsigned idle = 0;
    pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->stop) {
        idle = look(watchdog) ? 0 : idle + 1;
        sleep_until_needed(watchdog, &idle);
    }
    pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

/* Starts the thread without any signal: they are for httpd's threads. */
static bool start(rl_watchdog_t *watchdog)
{
    sigset_t all, before;
    int failed;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&watchdog->thread, NULL, run, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static bool lock_soon(pthread_mutex_t *mutex)
{
    static const struct timespec millisecond = {.tv_nsec = 1000000};
    for (int i = 0; i < STOP_TRIES; i++) {
        if (pthread_mutex_trylock(mutex) == 0) {
            return true;
        }
        nanosleep(&millisecond, NULL);
    }
    return false;
}

/* Prefork's handler of SIGTERM destroys the child's pool, and so comes here, on top of whatever
 * the thread was doing; that thread may hold the mutex, and will never release it. Then the
 * watchdog's thread is left as it is: it can't get the mutex either, so it touches nothing but
 * its own memory, which is not the pool's, until the process exits. */
static apr_status_t stop(void *data)
{
    rl_watchdog_t *watchdog = data;
    if (!lock_soon(&watchdog->mutex)) {
        return APR_TIMEUP;
    }
    watchdog->stop = true;
    pthread_cond_signal(&watchdog->wake);
    pthread_mutex_unlock(&watchdog->mutex);
    pthread_join(watchdog->thread, NULL);
    watchdog->is_over = true;
    return APR_SUCCESS;
}

/* Later than stop(): HTTP/2's threads may still serve requests then. */
static apr_status_t release(void *data)
{
    rl_watchdog_t *watchdog = data;
    if (watchdog->is_over) {
        pthread_cond_destroy(&watchdog->wake);
        pthread_mutex_destroy(&watchdog->mutex);
        free(watchdog);
    }
    return APR_SUCCESS;
}

static void init_locks(rl_watchdog_t *watchdog)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&watchdog->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watchdog->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    watchdog->interval_us = interval_us;
    watchdog->n = n;
    init_locks(watchdog);
    if (!start(watchdog)) {
        free(watchdog);
        return NULL;
    }
    apr_pool_pre_cleanup_register(pool, watchdog, stop);
    apr_pool_cleanup_register(pool, watchdog, release, apr_pool_cleanup_null);
    return watchdog;
}

void rl_watchdog_begin(rl_watchdog_t *watchdog, unsigned n, int64_t deadline)
{
    if (watchdog == NULL) {
        return;
    }
    atomic_store(&watchdog->deadlines[n], deadline);
    if (atomic_load(&watchdog->asleep)) {
        pthread_mutex_lock(&watchdog->mutex);
        pthread_cond_signal(&watchdog->wake);
        pthread_mutex_unlock(&watchdog->mutex);
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
        pthread_mutex_lock(&watchdog->mutex);
    }
}

void rl_watchdog_release(rl_watchdog_t *watchdog)
{
    if (watchdog != NULL) {
        pthread_mutex_unlock(&watchdog->mutex);
    }
}
