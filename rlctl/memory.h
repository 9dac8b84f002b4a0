/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, or the end of the program. */
#ifndef RLCTL_MEMORY_H
#define RLCTL_MEMORY_H

#include <stddef.h>
#include <stdio.h>

/* Each returns what the caller frees, and ends the program if there is no memory. */
void *rlctl_allocate(size_t bytes);
void *rlctl_resize(void *memory, size_t bytes);
char *rlctl_copy(const char *text);
char *rlctl_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
