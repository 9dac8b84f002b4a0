/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory in large pages. Who fetches lines of it at random has each page looked up by
 * the processor, which knows the pages of some megabytes by heart and has to look the others up
 * in memory: with pages of 4 kB that takes as long as to fetch the line. A page of 2 MB stands
 * for 512 of them.
 *
 * Linux gives large pages to shared memory if /sys/kernel/mm/transparent_hugepage/shmem_enabled
 * is advise, within_size or always; never is the default. It takes them from free memory, page
 * by page, when a page is first used, and small ones when there is no large one: so nothing can
 * fail by it, at the start or later. Pages that are reserved for hugetlb are left to those for
 * whom they were reserved. */
#ifndef RL_SYSTEM_LARGE_PAGES_H
#define RL_SYSTEM_LARGE_PAGES_H

#include <stddef.h>

/* What pages memory has. */
typedef struct rl_pages {
    unsigned kb;     /* the size of a page */
    const char *why; /* why it isn't a large one; NULL: it is */
} rl_pages_t;

/* Maps size bytes of zeroed anonymous memory that children share, in large pages where the
 * system gives any, and sets *pages to what it has. Returns NULL, with *pages set all the same,
 * if other memory will do as well, or there is none. */
void *rl_large_pages_map(size_t size, rl_pages_t *pages);

#endif
