/* SPDX-License-Identifier: Apache-2.0 */
#include "charset.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_xlate.h>

/* UTF-8 takes at most this many bytes for each of another charset's. */
#define GROWTH 4

static const rl_charset_t utf8 = {"utf-8", true};

const rl_charset_t *rl_charset_default(void)
{
    return &utf8;
}

/* Sets *out, in the pool. Returns false if the charset is unknown or the text isn't valid. */
static bool convert(const char *charset, apr_pool_t *pool, const char *text, apr_size_t len,
                    const char **out, apr_size_t *out_len)
{
    const apr_size_t size = GROWTH * len + GROWTH;
    apr_size_t left = len, room = size;
    char *buffer = apr_palloc(pool, size);
    apr_xlate_t *converter;
    apr_status_t rv = apr_xlate_open(&converter, utf8.name, charset, pool);
    if (rv != APR_SUCCESS) {
        return false;
    }
    rv = apr_xlate_conv_buffer(converter, text, &left, buffer, &room);
    if (rv == APR_SUCCESS && left == 0) {
        rv = apr_xlate_conv_buffer(converter, NULL, NULL, buffer + (size - room), &room);
    }
    apr_xlate_close(converter);
    *out = buffer;
    *out_len = size - room;
    return rv == APR_SUCCESS && left == 0;
}

/* What form fields and their names are made of. */
static const char ascii[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                            " !#$%&()*+,-./:;<=>?@[]_";

const char *rl_charset_parse(apr_pool_t *pool, const char *name, const rl_charset_t **charset)
{
    rl_charset_t *made = apr_pcalloc(pool, sizeof(*made));
    char *lower = apr_pstrdup(pool, name);
    const char *text;
    apr_size_t len;
    for (char *c = lower; *c != '\0'; c++) {
        *c = (char)apr_tolower(*c);
    }
    if (strcmp(lower, "utf-8") == 0 || strcmp(lower, "utf8") == 0) {
        *charset = &utf8;
        return NULL;
    }
    /* To iconv an empty name is the locale's, and what follows a slash makes it lenient. */
    if (*lower == '\0' || strchr(lower, '/') != NULL ||
        !convert(lower, pool, "", 0, &text, &len)) {
        return "unknown charset; write one that iconv -l lists, such as utf-8, windows-1252 or "
               "shift_jis";
    }
    if (!convert(lower, pool, ascii, sizeof(ascii) - 1, &text, &len) ||
        len != sizeof(ascii) - 1 || memcmp(text, ascii, len) != 0) {
        return "a charset of forms must contain ASCII, such as utf-8, windows-1252 or "
               "shift_jis";
    }
    made->name = lower;
    *charset = made;
    return NULL;
}

/* Returns true for text that is the same in all these charsets: some shift by a control
 * character or a tilde. */
static bool is_ascii(const char *text, apr_size_t len)
{
    for (apr_size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] >= '~') {
            return false;
        }
    }
    return true;
}

bool rl_charset_decode(const rl_charset_t *charset, apr_pool_t *pool, const char **text,
                       apr_size_t *len)
{
    return charset->utf8 || is_ascii(*text, *len) ||
           convert(charset->name, pool, *text, *len, text, len);
}
