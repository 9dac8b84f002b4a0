#include "watchdog.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>

#include "monotonic.h"

#define IDLE_LOOKS 100 /* looks at nothing but empty slots before the thread sleeps */
#define FD_MAX     65536

struct rl_watchdog {
    rl_watchdog_cut_fn *cut;
    void *context;
    int64_t interval_us;
    apr_thread_t *thread;
    apr_thread_mutex_t *mutex; /* held while cutting off */
    apr_thread_cond_t *wake;
    _Atomic bool asleep;
    bool stop;
    unsigned n;
    _Atomic int64_t *deadlines; /* 0: no wait */
};

/* Cuts off what is late; returns whether there was any wait at all. */
static bool look(rl_watchdog_t *watchdog)
{
    const int64_t now = rl_monotonic_now();
    bool waits = false;
    for (unsigned i = 0; i < watchdog->n; i++) {
        const int64_t deadline = atomic_load(&watchdog->deadlines[i]);
        waits |= deadline != 0;
        if (deadline != 0 && now > deadline) {
            watchdog->cut(watchdog->context, i);
        }
    }
    return waits;
}

/* With the mutex held, which it gives up while it waits. */
static void sleep_until_needed(rl_watchdog_t *watchdog, unsigned *idle)
{
    if (*idle < IDLE_LOOKS) {
        apr_thread_cond_timedwait(watchdog->wake, watchdog->mutex, watchdog->interval_us);
        return;
    }
    atomic_store(&watchdog->asleep, true);
    if (!look(watchdog)) { /* a wait that began before it could see that we sleep */
        apr_thread_cond_wait(watchdog->wake, watchdog->mutex);
    }
    atomic_store(&watchdog->asleep, false);
    *idle = 0;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    rl_watchdog_t *watchdog = data;
    unsigned idle = 0;
    sigset_t all;
    (void)thread;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); /* they are for httpd's threads */
    apr_thread_mutex_lock(watchdog->mutex);
    while (!watchdog->stop) {
        idle = look(watchdog) ? 0 : idle + 1;
        sleep_until_needed(watchdog, &idle);
    }
    apr_thread_mutex_unlock(watchdog->mutex);
    return NULL;
}

static apr_status_t stop(void *data)
{
    rl_watchdog_t *watchdog = data;
    apr_status_t rv;
    apr_thread_mutex_lock(watchdog->mutex);
    watchdog->stop = true;
    apr_thread_cond_signal(watchdog->wake);
    apr_thread_mutex_unlock(watchdog->mutex);
    return apr_thread_join(&rv, watchdog->thread);
}

rl_watchdog_t *rl_watchdog_create(apr_pool_t *pool, unsigned n, int64_t interval_us,
                                  rl_watchdog_cut_fn *cut, void *context)
{
    rl_watchdog_t *watchdog = apr_pcalloc(pool, sizeof(*watchdog));
    watchdog->cut = cut;
    watchdog->context = context;
    watchdog->interval_us = interval_us;
    watchdog->n = n;
    watchdog->deadlines = apr_pcalloc(pool, n * sizeof(*watchdog->deadlines));
    if (apr_thread_mutex_create(&watchdog->mutex, APR_THREAD_MUTEX_DEFAULT, pool) !=
            APR_SUCCESS ||
        apr_thread_cond_create(&watchdog->wake, pool) != APR_SUCCESS ||
        apr_thread_create(&watchdog->thread, NULL, run, watchdog, pool) != APR_SUCCESS) {
        return NULL;
    }
    apr_pool_pre_cleanup_register(pool, watchdog, stop);
    return watchdog;
}

void rl_watchdog_begin(rl_watchdog_t *watchdog, unsigned n, int64_t deadline)
{
    atomic_store(&watchdog->deadlines[n], deadline);
    if (atomic_load(&watchdog->asleep)) {
        apr_thread_mutex_lock(watchdog->mutex);
        apr_thread_cond_signal(watchdog->wake);
        apr_thread_mutex_unlock(watchdog->mutex);
    }
}

void rl_watchdog_end(rl_watchdog_t *watchdog, unsigned n)
{
    atomic_store_explicit(&watchdog->deadlines[n], 0, memory_order_release);
}

void rl_watchdog_hold(rl_watchdog_t *watchdog)
{
    apr_thread_mutex_lock(watchdog->mutex);
}

void rl_watchdog_release(rl_watchdog_t *watchdog)
{
    apr_thread_mutex_unlock(watchdog->mutex);
}

/* ---- sockets ---- */

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *len);

/* The port at one end of a socket, 0 for what is no TCP socket. */
static uint16_t port_of(int fd, name_fn *name)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(address);
    if (name(fd, (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    if (address.ss_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)&address)->sin_port);
    }
    return address.ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)&address)->sin6_port)
               : 0;
}

static bool is_between(int fd, uint16_t local_port, uint16_t peer_port)
{
    return port_of(fd, getsockname) == local_port && port_of(fd, getpeername) == peer_port;
}

/* The descriptor may be closed and mean something else at any moment, so a copy of it is looked
 * at again before anything is done. */
static bool cut_if_between(int fd, uint16_t local_port, uint16_t peer_port)
{
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    const bool found = copy >= 0 && is_between(copy, local_port, peer_port);
    if (found) {
        shutdown(copy, SHUT_RDWR);
    }
    if (copy >= 0) {
        close(copy);
    }
    return found;
}

void rl_socket_cut(uint16_t local_port, uint16_t peer_port)
{
    struct rlimit limit = {.rlim_cur = 1024};
    int most;
    getrlimit(RLIMIT_NOFILE, &limit);
    most = limit.rlim_cur < FD_MAX ? (int)limit.rlim_cur : FD_MAX;
    for (int fd = 0; fd < most; fd++) {
        if (is_between(fd, local_port, peer_port) &&
            cut_if_between(fd, local_port, peer_port)) {
            return;
        }
    }
}
