/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

#include "number.h"

void rl_text_begin(rl_text_t *text, char *buffer, size_t size)
{
    *text = (rl_text_t){.start = buffer, .at = buffer, .end = buffer + size - 1};
}

static void add_bytes(rl_text_t *text, const char *bytes, size_t len)
{
    if (len > (size_t)(text->end - text->at)) {
        text->cut = true;
        return;
    }
    memcpy(text->at, bytes, len);
    text->at += len;
}

void rl_text_add(rl_text_t *text, const char *words)
{
    add_bytes(text, words, strlen(words));
}

void rl_text_add_number(rl_text_t *text, uint64_t number)
{
    char digits[RL_DIGITS_MAX];
    char *end = digits + RL_DIGITS_MAX;
    const char *first = rl_number_write(end, number);
    add_bytes(text, first, (size_t)(end - first));
}

size_t rl_text_end(rl_text_t *text)
{
    if (text->cut) {
        text->at = text->start;
    }
    *text->at = '\0';
    return (size_t)(text->at - text->start);
}
