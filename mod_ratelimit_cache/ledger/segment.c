/* SPDX-License-Identifier: Apache-2.0 */
#include "segment.h"

#include <apr_shm.h>
#include <stdint.h>

#define PAGE 4096u

apr_status_t rl_segment_create(void **memory, apr_size_t size, apr_pool_t *pool)
{
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, size + PAGE, NULL, pool);
    if (rv == APR_SUCCESS) {
        const uintptr_t base = (uintptr_t)apr_shm_baseaddr_get(shm);
        *memory = (void *)((base + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    }
    return rv;
}

apr_status_t rl_segment_create_large(void **memory, apr_size_t size, apr_pool_t *pool,
                                     rl_pages_t *pages)
{
    *memory = rl_large_pages_map(size, pages);
    return *memory != NULL ? APR_SUCCESS : rl_segment_create(memory, size, pool);
}
