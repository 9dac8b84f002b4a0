/* SPDX-License-Identifier: Apache-2.0 */
#include "basic.h"

#include <string.h>

static const char scheme[] = "basic ";

#define SCHEME_LENGTH (sizeof(scheme) - 1)

static bool has_scheme(const char *value, size_t len)
{
    for (size_t i = 0; i < SCHEME_LENGTH; i++) {
        const char c = i < len ? value[i] : '\0';
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != scheme[i]) {
            return false;
        }
    }
    return true;
}

/* Returns the six bits that a character of base64 stands for, or -1. */
static int sextet(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static bool is_base64(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (sextet(text[i]) < 0) {
            return false;
        }
    }
    return true;
}

bool rl_basic_is_clean(const char *value, size_t *bytes)
{
    size_t len = strlen(value);
    size_t padding = 0;
    if (!has_scheme(value, len)) {
        return false;
    }
    value += SCHEME_LENGTH;
    len -= SCHEME_LENGTH;
    if (len == 0 || len % 4 != 0) {
        return false;
    }
    while (padding < 2 && value[len - 1 - padding] == '=') {
        padding++;
    }
    /* The bits of the last character that no byte takes are zero. */
    const int unused = padding == 2 ? 0x0f : padding == 1 ? 0x03 : 0;
    *bytes = len / 4 * 3 - padding;
    return is_base64(value, len - padding) && (sextet(value[len - 1 - padding]) & unused) == 0;
}
