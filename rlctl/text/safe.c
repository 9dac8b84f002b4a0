/* SPDX-License-Identifier: Apache-2.0 */
#include "text/safe.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "memory.h"

#define ESCAPE_BYTES 4 /* \xHH */

static const char bare_marks[] = "%+,-./:=@_";

/* Reads the character at text. Returns its length in bytes, 1 if it isn't one. */
static size_t read_character(const char *text, size_t len, utf8proc_int32_t *character)
{
    const utf8proc_ssize_t n =
        utf8proc_iterate((const uint8_t *)text, (utf8proc_ssize_t)len, character);
    if (n <= 0) {
        *character = -1;
        return 1;
    }
    return (size_t)n;
}

static bool is_harmless(utf8proc_int32_t character)
{
    if (character < 0) {
        return false;
    }
    switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    default:
        return true;
    }
}

char *rlctl_safe(const char *text)
{
    const size_t len = strlen(text);
    char *safe = rlctl_allocate(len * ESCAPE_BYTES + 1);
    char *at = safe;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t character;
        const size_t n = read_character(text + i, len - i, &character);
        if (is_harmless(character)) {
            memcpy(at, text + i, n);
            at += n;
        }
        else {
            for (size_t byte = 0; byte < n; byte++) {
                at += sprintf(at, "\\x%02x", (unsigned char)text[i + byte]);
            }
        }
        i += n;
    }
    *at = '\0';
    return safe;
}

size_t rlctl_fitting(const char *safe, size_t columns)
{
    const size_t len = strlen(safe);
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t character;
        const size_t n = read_character(safe + i, len - i, &character);
        const int width = character < 0 ? 1 : utf8proc_charwidth(character);
        used += width > 0 ? (size_t)width : 0;
        if (used > columns) {
            return i;
        }
        i += n;
    }
    return len;
}

size_t rlctl_width(const char *safe)
{
    const size_t len = strlen(safe);
    size_t width = 0;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t character;
        i += read_character(safe + i, len - i, &character);
        width += character < 0 ? 1 : (size_t)utf8proc_charwidth(character);
    }
    return width;
}

static bool is_bare(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        const bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        if (!letter && !(*at >= '0' && *at <= '9') && strchr(bare_marks, *at) == NULL) {
            return false;
        }
    }
    return *text != '\0' && *text != '-';
}

/* In single quotes, with each single quote as '\''. */
static char *quoted(const char *text)
{
    char *word = rlctl_allocate(strlen(text) * ESCAPE_BYTES + 3);
    char *to = word;
    *to++ = '\'';
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            memcpy(to, "'\\''", ESCAPE_BYTES);
            to += ESCAPE_BYTES;
        }
        else {
            *to++ = *text;
        }
    }
    *to++ = '\'';
    *to = '\0';
    return word;
}

char *rlctl_shell_word(const char *text)
{
    char *safe = rlctl_safe(text);
    const bool meant = strcmp(safe, text) == 0 && strchr(text, '\\') == NULL;
    free(safe);
    if (!meant) {
        return NULL;
    }
    return is_bare(text) ? rlctl_copy(text) : quoted(text);
}

static int safe_hex_digit(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

/* Returns how much of a value is told of it: an address stands for its network without the
 * width. */
static size_t told_length(const char *shown)
{
    const bool address =
        strncmp(shown, "ip=", 3) == 0 || strncmp(shown, "user-or-ip=ip:", 14) == 0;
    return address ? strcspn(shown, "/") : strlen(shown);
}

char *rlctl_value_meant(const char *shown)
{
    char *meant, *to;
    const char *end;
    if (shown == NULL || strchr(shown, '=') == NULL || strchr(shown, '(') != NULL) {
        return NULL;
    }
    end = shown + told_length(shown);
    meant = to = rlctl_allocate(strlen(shown) + 1);
    for (; shown < end; shown++) {
        const int high = *shown == '%' ? safe_hex_digit(shown[1]) : -1;
        const int low = high >= 0 ? safe_hex_digit(shown[2]) : -1;
        if (low < 0) {
            *to++ = *shown;
        }
        else if (high + low == 0) {
            free(meant);
            return NULL;
        }
        else {
            *to++ = (char)(high << 4 | low);
            shown += 2;
        }
    }
    *to = '\0';
    return meant;
}
