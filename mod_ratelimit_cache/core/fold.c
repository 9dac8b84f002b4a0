/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include <string.h>

#include <utf8proc.h>

#define STREAM_SAFE_MARKS 30

#define NFKC_CASEFOLD                                                                          \
    (UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE)

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void rl_trim(const char **text, size_t *len)
{
    while (*len > 0 && is_space((*text)[0])) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && is_space((*text)[*len - 1])) {
        (*len)--;
    }
}

/* Lowers ASCII letters into the scratch memory. Returns true if all bytes are ASCII. */
static bool lower_ascii(const char *text, size_t len, rl_fold_t *fold)
{
    unsigned char seen = 0;
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        seen |= (unsigned char)c;
        fold->scratch.bytes[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    fold->text = fold->scratch.bytes;
    fold->len = len;
    return seen < 0x80;
}

/* Returns true if no run of combining marks is longer than the bound. Ignorable code points do
 * not end a run, since folding drops them. Looks no further than the first byte that is not
 * UTF-8. */
static bool is_stream_safe(const char *text, size_t len)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
    unsigned marks = 0;
    while (len > 0) {
        utf8proc_int32_t codepoint;
        const utf8proc_ssize_t n = utf8proc_iterate(at, (utf8proc_ssize_t)len, &codepoint);
        if (n <= 0) {
            return true;
        }
        const utf8proc_property_t *property = utf8proc_get_property(codepoint);
        if (property->combining_class > 0) {
            marks++;
        }
        else if (!property->ignorable) {
            marks = 0;
        }
        if (marks > STREAM_SAFE_MARKS) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool normalize(const char *text, size_t len, rl_fold_t *fold)
{
    int32_t *codepoints = fold->scratch.codepoints;
    const utf8proc_ssize_t room = sizeof(fold->scratch.codepoints) / sizeof(codepoints[0]) - 1;
    utf8proc_ssize_t n = utf8proc_decompose(
        (const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, codepoints, room, NFKC_CASEFOLD);
    if (n == UTF8PROC_ERROR_INVALIDUTF8) {
        lower_ascii(text, len, fold);
        return true;
    }
    if (n < 0 || n > room) {
        return false;
    }
    n = utf8proc_reencode(codepoints, n, NFKC_CASEFOLD);
    if (n < 0) {
        return false;
    }
    fold->text = (const char *)codepoints;
    fold->len = (size_t)n;
    return true;
}

bool rl_fold(const char *text, size_t len, rl_fold_t *fold)
{
    rl_trim(&text, &len);
    if (len > RL_FOLD_INPUT_MAX) {
        return false;
    }
    if (!lower_ascii(text, len, fold)) {
        if (!is_stream_safe(text, len) || !normalize(text, len, fold)) {
            return false;
        }
        rl_trim(&fold->text, &fold->len);
    }
    return true;
}
