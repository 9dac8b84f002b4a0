#include "text.h"

#include <string.h>

#define DIGITS_MAX 20 /* of 64 bits */

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
    char digits[DIGITS_MAX];
    size_t first = DIGITS_MAX;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add_bytes(text, digits + first, DIGITS_MAX - first);
}

size_t rl_text_end(rl_text_t *text)
{
    if (text->cut) {
        text->at = text->start;
    }
    *text->at = '\0';
    return (size_t)(text->at - text->start);
}
