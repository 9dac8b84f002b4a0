/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of Basic authentication (RFC 7617). */
#ifndef RL_CORE_BASIC_H
#define RL_CORE_BASIC_H

#include <stdbool.h>
#include <stddef.h>

/* Returns true if the value of an Authorization header is `Basic`, one blank and base64 as
 * RFC 4648 has it, padded and with nothing around it, and sets *bytes to the number of bytes
 * that it stands for. What is written otherwise, decoders read each in their own way: httpd
 * stops at the first character that it doesn't know, Werkzeug reads on behind it. */
bool rl_basic_is_clean(const char *value, size_t *bytes);

#endif
