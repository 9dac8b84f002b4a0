/* Where the memcached servers of a store are. */
#ifndef RL_PROCESS_ADDRESSES_H
#define RL_PROCESS_ADDRESSES_H

#include "../config/store_directive.h"

/* Resolves the names of the store's servers, chooses of several addresses the first that
 * answers, and tells in the log if a server answers. Finds each server's place in the table
 * that limits how often the log hears of it. For post_config. */
void rl_addresses_look_up(rl_store_config_t *store, apr_pool_t *pconf);

#endif
