/* Memory that all processes of a server share, and that outlives reloads. */
#ifndef RL_LEDGER_SEGMENT_H
#define RL_LEDGER_SEGMENT_H

#include <apr_errno.h>
#include <apr_pools.h>

/* Makes size bytes of zeroed anonymous shared memory, aligned to a cache line, that children
 * inherit over fork and that lives as long as the pool: give it the process's pool. It holds no
 * pointers, least of all to code: a reload loads the module at another address. */
apr_status_t rl_segment_create(void **memory, apr_size_t size, apr_pool_t *pool);

#endif
