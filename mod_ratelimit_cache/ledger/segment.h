/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that all processes of a server share and that outlives reloads. It must hold no
 * pointers, least of all to code: a reload loads the module at another address. */
#ifndef RL_LEDGER_SEGMENT_H
#define RL_LEDGER_SEGMENT_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "../system/large_pages.h"

/* Makes size bytes of zeroed anonymous shared memory, aligned to a page, and sets *memory to
 * it. Children inherit it over fork. It lives as long as the pool, which should be the
 * process's pool. */
apr_status_t rl_segment_create(void **memory, apr_size_t size, apr_pool_t *pool);

/* Does the same for a large table whose lines are looked up at random, in large pages where the
 * system gives them to shared memory. Where it doesn't, nothing is different but that *pages
 * says so. The memory lives as long as the process. */
apr_status_t rl_segment_create_large(void **memory, apr_size_t size, apr_pool_t *pool,
                                     rl_pages_t *pages);

#endif
