/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns with * and ?. */
#ifndef RL_CORE_GLOB_H
#define RL_CORE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Returns true if the pattern matches the whole text of len bytes: * stands for any bytes, none
 * too, ? for one byte, and anything else for itself. Takes at most about strlen(pattern) * len
 * steps, whatever the text is. */
bool rl_glob_matches(const char *pattern, const char *text, size_t len);

#endif
