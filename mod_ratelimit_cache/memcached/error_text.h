/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an error with which a server answers a command. */
#ifndef RL_MEMCACHED_ERROR_TEXT_H
#define RL_MEMCACHED_ERROR_TEXT_H

#include <stdbool.h>

#define RL_ERROR_TEXT_MAX 120

/* Extracts what the server said from libmemcached's message, which has an address before it,
 * and the host and a line of libmemcached's source after it. Replaces what isn't printable, and
 * cuts at RL_ERROR_TEXT_MAX bytes. Returns text, or `otherwise` if the server said nothing. */
const char *rl_error_text(const char *message, const char *otherwise,
                          char text[RL_ERROR_TEXT_MAX + 1]);

/* Returns true if such a text means that the server has no room. */
bool rl_error_text_says_no_memory(const char *text);

/* Returns true if such a text is what a proxy says of a memcached behind it that it can't
 * reach, or that gives it no answer. */
bool rl_error_text_says_backend_gone(const char *text);

#endif
