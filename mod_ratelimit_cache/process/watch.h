/* SPDX-License-Identifier: Apache-2.0 */
/* Outages of a shared store's servers: what is counted meanwhile, and what a child does about
 * them when no request comes. */
#ifndef RL_PROCESS_WATCH_H
#define RL_PROCESS_WATCH_H

#include "../config/store_directive.h"

/* For child_init, once the store is made: starts the thread that asks servers which are away if
 * they are back, and compares this server with others that use the store (muster.h). Without
 * the thread another child's does it. */
void rl_watch_child_init(rl_store_config_t *store, apr_pool_t *pchild);

/* Counts a request that was decided without the store's answer with those of the outage that is
 * under way, if one is: of each of the store's servers that has failed since its last answer.
 */
void rl_watch_count_local(const rl_store_config_t *store);

#endif
