/* Text written into a caller's buffer, piece by piece: what goes into answers on the request
 * path, for which printf is too slow. */
#ifndef RL_CORE_TEXT_H
#define RL_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_text {
    char *start, *at;
    char *end; /* the last byte of the buffer, kept for the NUL */
    bool cut;  /* something didn't fit */
} rl_text_t;

/* Begins an empty text in size bytes, 1 or more, of the caller's. */
void rl_text_begin(rl_text_t *text, char *buffer, size_t size);

void rl_text_add(rl_text_t *text, const char *words);

/* A decimal integer. */
void rl_text_add_number(rl_text_t *text, uint64_t number);

/* Ends the text with a NUL and returns its length. A text that didn't fit is none: "" and 0. */
size_t rl_text_end(rl_text_t *text);

#endif
