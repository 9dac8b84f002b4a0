/* SPDX-License-Identifier: Apache-2.0 */
/* The table of counters, in shared memory or in a file, with its random secret: made once,
 * found again after each reload. */
#ifndef RL_PROCESS_TABLE_H
#define RL_PROCESS_TABLE_H

#include <apr_pools.h>
#include <httpd.h>

#include "runtime.h"

/* Finds or makes the table as the configuration has it, and fills in ledger, table_state and
 * the secrets of *runtime. Returns OK or an httpd error, after logging it. For post_config. */
int rl_table_open(rl_runtime_t *runtime, apr_pool_t *pconf, server_rec *s);

/* Logs where the counters are, and how many there is room for. */
void rl_table_tell(const rl_runtime_t *runtime, server_rec *s);

/* child_init: closes what is the parent's alone. */
void rl_table_child_init(void);

#endif
