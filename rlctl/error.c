/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

void rlctl_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("rlctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}
