/* What the error log says of memcached servers. */
#ifndef RL_PROCESS_STORE_LOG_H
#define RL_PROCESS_STORE_LOG_H

#include "../config/store_directive.h"

/* Tells, at the start, that a server answers; or why it doesn't, if reason isn't NULL. */
void rl_store_log_start(const rl_store_config_t *store, const rl_memcached_server_t *server,
                        const char *reason);

/* Tells of an event, no more often than memcached/log_throttle.h allows. An
 * rl_server_notify_fn, whose context is the rl_store_config_t. */
void rl_store_log_event(void *context, rl_server_event_e event, unsigned server,
                        const char *reason);

#endif
