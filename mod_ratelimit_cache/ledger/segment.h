/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that all processes of a server share and that outlives reloads. */
#ifndef RL_LEDGER_SEGMENT_H
#define RL_LEDGER_SEGMENT_H

#include <apr_errno.h>
#include <apr_pools.h>

/* Makes size bytes of zeroed anonymous shared memory, aligned to a cache line, and sets *memory
 * to it. Children inherit it over fork. It lives as long as the pool, which should be the
 * process's pool. It must hold no pointers, least of all to code: a reload loads the module at
 * another address. */
apr_status_t rl_segment_create(void **memory, apr_size_t size, apr_pool_t *pool);

#endif
