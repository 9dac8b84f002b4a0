/* SPDX-License-Identifier: Apache-2.0 */
#include "large_pages.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYS "/sys/kernel/mm/transparent_hugepage/"

/* Reads the beginning of a small file. Returns "" if it can't be read. */
static const char *pages_read(const char *path, char text[128])
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, text, 127) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* Returns the size of a large page in bytes; 0: the system has none. */
static size_t large_page(void)
{
    char text[128];
    unsigned long size = 0;
    const bool found = sscanf(pages_read(SYS "hpage_pmd_size", text), "%lu", &size) == 1;
    return found && (size & (size - 1)) == 0 ? size : 0;
}

/* Maps size bytes at a multiple of `align`, a power of two. Returns NULL if there is no room.
 */
static void *map_aligned(size_t size, size_t align)
{
    const size_t room = size + align;
    char *all = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const size_t before = (align - (uintptr_t)all % align) % align;
    void *memory;
    if (all == MAP_FAILED) {
        return NULL;
    }
    memory = mmap(all + before, size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (memory == MAP_FAILED) {
        munmap(all, room);
        return NULL;
    }
    return memory;
}

/* Sets *in if a line of smaps begins the description of the mapping with this address; clears
 * it if the line begins that of another one. */
static void note_mapping(const char *line, uintptr_t address, bool *in)
{
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
        *in = from <= address && address < to;
    }
}

/* Returns true if any of the mapping's pages, which must have been used, is large. */
static bool has_large_page(const void *memory)
{
    FILE *smaps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool in = false;
    unsigned long kb = 0;
    while (smaps != NULL && kb == 0 && fgets(line, sizeof(line), smaps) != NULL) {
        note_mapping(line, (uintptr_t)memory, &in);
        if (in) {
            sscanf(line, "ShmemPmdMapped: %lu kB", &kb);
        }
    }
    if (smaps != NULL) {
        fclose(smaps);
    }
    return kb > 0;
}

static const char *why_not(size_t size, size_t large)
{
    char text[128];
    const char *enabled = pages_read(SYS "shmem_enabled", text);
    if (large == 0 || *enabled == '\0') {
        return "the system has no others";
    }
    if (strstr(enabled, "[never]") != NULL || strstr(enabled, "[deny]") != NULL) {
        return "the system gives no others to shared memory; write advise to " SYS
               "shmem_enabled before httpd starts";
    }
    return size < large ? "the table is too small for others" : "the system had no others left";
}

void *rl_large_pages_map(size_t size, rl_pages_t *pages)
{
    const size_t large = large_page();
    void *memory = large > 0 && size >= large ? map_aligned(size, large) : NULL;
    *pages = (rl_pages_t){.kb = (unsigned)(sysconf(_SC_PAGESIZE) / 1024)};
    if (memory != NULL) {
        madvise(memory, size, MADV_HUGEPAGE);
        *(volatile char *)memory = 0;
    }
    if (memory != NULL && has_large_page(memory)) {
        pages->kb = (unsigned)(large / 1024);
    }
    else {
        pages->why = why_not(size, large);
    }
    return memory;
}
