/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "error.h"

static void *checked(void *memory)
{
    if (memory == NULL) {
        rlctl_error("out of memory");
        exit(RLCTL_FAILS);
    }
    return memory;
}

void *rlctl_allocate(size_t bytes)
{
    return checked(calloc(1, bytes > 0 ? bytes : 1));
}

void *rlctl_resize(void *memory, size_t bytes)
{
    return checked(realloc(memory, bytes > 0 ? bytes : 1));
}

char *rlctl_copy(const char *text)
{
    return checked(strdup(text));
}

char *rlctl_format(const char *format, ...)
{
    va_list arguments;
    char *text;
    int len;
    va_start(arguments, format);
    len = vasprintf(&text, format, arguments);
    va_end(arguments);
    return checked(len < 0 ? NULL : text);
}
