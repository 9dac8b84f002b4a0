/* SPDX-License-Identifier: Apache-2.0 */
#include "patient_lock.h"

#include <errno.h>
#include <time.h>

#define LOCK_NSEC 200000000L /* how long the lock is waited for */
#define SPINS     64         /* tries before the system is asked to wait */

int rl_lock_patiently(pthread_mutex_t *lock)
{
    struct timespec until;
    for (int i = 0; i < SPINS; i++) {
        const int rv = pthread_mutex_trylock(lock);
        if (rv != EBUSY) {
            return rv;
        }
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOCK_NSEC;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return pthread_mutex_timedlock(lock, &until);
}
