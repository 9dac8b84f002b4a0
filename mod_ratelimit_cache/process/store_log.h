/* SPDX-License-Identifier: Apache-2.0 */
/* What the error log says about memcached servers. */
#ifndef RL_PROCESS_STORE_LOG_H
#define RL_PROCESS_STORE_LOG_H

#include "../config/store_directive.h"

/* Logs, at the start, that a server answers or, if reason isn't NULL, what it does instead. */
void rl_store_log_start(const rl_store_config_t *store, const rl_memcached_server_t *server,
                        const char *reason);

/* Logs an event, no more often than memcached/log_throttle.h allows. Is an rl_server_notify_fn,
 * whose context is the rl_store_config_t. From any thread. */
void rl_store_log_event(void *context, rl_server_event_e event, unsigned server,
                        const char *reason);

#endif
