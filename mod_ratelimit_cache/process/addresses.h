/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of memcached servers: found once, at the start of the server. */
#ifndef RL_PROCESS_ADDRESSES_H
#define RL_PROCESS_ADDRESSES_H

#include "../config/store_directive.h"

/* Resolves the names of the store's servers, chooses the first address of each that answers,
 * and logs whether it answers. Also finds each server's slots in the tables of how it is, and
 * of what was logged of it. For post_config. */
void rl_addresses_look_up(rl_store_config_t *store, apr_pool_t *pconf);

#endif
