/* SPDX-License-Identifier: Apache-2.0 */
/* A lock that nobody sleeps on for long. */
#ifndef RL_CONCURRENT_PATIENT_LOCK_H
#define RL_CONCURRENT_PATIENT_LOCK_H

#include <pthread.h>

/* Takes the lock. Waits for it for a fifth of a second at most. Returns 0, EOWNERDEAD as
 * pthread_mutex_lock() does, ETIMEDOUT, or another error. */
int rl_lock_patiently(pthread_mutex_t *lock);

#endif
