/* SPDX-License-Identifier: Apache-2.0 */
/* Builds short text piece by piece in a buffer of the caller. It writes what goes into
 * responses on the request path, where printf is too slow. */
#ifndef RL_CORE_TEXT_H
#define RL_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_text {
    char *start, *at;
    char *end; /* the buffer's last byte, kept for the NUL */
    bool cut;  /* a piece did not fit */
} rl_text_t;

/* Begins an empty text in the size bytes at buffer, 1 or more. The buffer stays the caller's.
 */
void rl_text_begin(rl_text_t *text, char *buffer, size_t size);

/* Appends NUL-terminated words. A piece that does not fit makes the whole text too long. */
void rl_text_add(rl_text_t *text, const char *words);

/* Appends the number in decimal. */
void rl_text_add_number(rl_text_t *text, uint64_t number);

/* Ends the text with a NUL and returns its length in bytes. If a piece did not fit, the text is
 * "" and the length 0. */
size_t rl_text_end(rl_text_t *text);

#endif
