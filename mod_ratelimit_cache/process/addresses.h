/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of memcached servers: found once, at the start of the server. */
#ifndef RL_PROCESS_ADDRESSES_H
#define RL_PROCESS_ADDRESSES_H

#include "../config/store_directive.h"

/* Resolves the names of the store's servers, chooses the first address of each that answers,
 * and logs whether it answers. Also finds each server's slot in the table that limits how often
 * it is logged about. For post_config. */
void rl_addresses_look_up(rl_store_config_t *store, apr_pool_t *pconf);

#endif
