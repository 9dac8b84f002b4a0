/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a file of networks. */
#ifndef RL_NETWORKS_FILE_H
#define RL_NETWORKS_FILE_H

#include <apr_pools.h>

#include "table.h"

/* Reads the file and sets *table, which is the caller's to free. Returns NULL; or the reason
 * why there is no table, in the pool, with the line's number if a line is at fault. The pool's
 * memory grows with the reason only. */
const char *rl_network_file_read(apr_pool_t *pool, const char *path,
                                 const rl_network_table_t **table);

#endif
