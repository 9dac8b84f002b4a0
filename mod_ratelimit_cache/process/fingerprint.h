/* SPDX-License-Identifier: Apache-2.0 */
/* The fingerprint of this server's configuration, as far as a fleet must have it in common. */
#ifndef RL_PROCESS_FINGERPRINT_H
#define RL_PROCESS_FINGERPRINT_H

#include "../config/store_directive.h"

/* For post_config, once rules have their identities: returns the fingerprint for the servers
 * that use this store, too. */
rl_print_t rl_fingerprint(apr_pool_t *pool, const rl_store_config_t *store);

#endif
