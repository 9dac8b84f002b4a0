/* SPDX-License-Identifier: Apache-2.0 */
#include "fold.h"

#include <string.h>

#include <utf8proc.h>

#include "letters.h"

#define STREAM_SAFE_MARKS 30

#define HARD_FOLD                                                                              \
    (UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |              \
     UTF8PROC_IGNORE)

#define DROPPED         0xad /* a code point that UTF8PROC_IGNORE drops */
#define BMP_END         0x10000
#define UNKNOWN         0xfffd /* stands for any character without a weight */
#define CODEPOINT_BYTES 4      /* of UTF-8, at most */

/* ---- ASCII ---- */

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

/* ---- writing the result ---- */

/* The result so far. It never overtakes what is still to be read of the scratch memory: each
 * code point there takes as many bytes as its UTF-8 can have, and a blank is written only for
 * one that was read. */
typedef struct fold_writer {
    char *bytes;
    size_t len;
    bool blank; /* white space was read, which counts if something follows */
} fold_writer_t;

static void put_byte(fold_writer_t *writer, char c)
{
    if (writer->blank && writer->len > 0) {
        writer->bytes[writer->len++] = ' ';
    }
    writer->blank = false;
    writer->bytes[writer->len++] = c;
}

/* Programs that strip slashes take a backslash for nothing. An s after an s is dropped, because
 * ß is s to some and ss to others.
 */
static void put_ascii(fold_writer_t *writer, char c)
{
    if (is_space(c) || (c >= '\x1c' && c <= '\x1f')) {
        writer->blank = true;
        return;
    }
    const bool doubled =
        c == 's' && !writer->blank && writer->len > 0 && writer->bytes[writer->len - 1] == 's';
    if (c > ' ' && c != '\x7f' && c != '\\' && !doubled) {
        put_byte(writer, c);
    }
}

static void put_codepoint(fold_writer_t *writer, int32_t codepoint)
{
    char bytes[CODEPOINT_BYTES];
    const utf8proc_ssize_t len = utf8proc_encode_char(codepoint, (utf8proc_uint8_t *)bytes);
    for (utf8proc_ssize_t i = 0; i < len; i++) {
        put_byte(writer, bytes[i]);
    }
}

/* ---- refusing ---- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Returns true for %61 and for %u0061, which unescape() of JavaScript and its like decode. */
static bool is_percent_escape(const char *text, size_t len)
{
    const size_t at = len > 1 && text[1] == 'u' ? 2 : 1, digits = 2 * at;
    if (text[0] != '%' || len < at + digits) {
        return false;
    }
    for (size_t i = at; i < at + digits; i++) {
        if (!is_hex(text[i])) {
            return false;
        }
    }
    return true;
}

/* Returns true for &...; and for &#97 and &#x61, which many decode without the semicolon. */
static bool is_entity(const char *text, size_t len)
{
    return text[0] == '&' && len > 2 &&
           (memchr(text + 2, ';', len - 2) != NULL ||
            (text[1] == '#' && (text[2] == 'x' || (text[2] >= '0' && text[2] <= '9'))));
}

/* Returns true if the folded text has a tag, an entity or a percent escape in it. */
static bool has_markup(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '<' || is_percent_escape(text + i, len - i) ||
            is_entity(text + i, len - i)) {
            return true;
        }
    }
    return false;
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

/* Letters written above others, in medieval manuscripts and in no account's name. */
static bool is_letter_as_mark(int32_t codepoint)
{
    return (codepoint >= 0x363 && codepoint <= 0x36f) ||
           (codepoint >= 0x1dd3 && codepoint <= 0x1df4) ||
           (codepoint >= 0x2de0 && codepoint <= 0x2dff) ||
           (codepoint >= 0xa674 && codepoint <= 0xa67b) || codepoint == 0xa69e ||
           codepoint == 0xa69f || codepoint == 0x1abf || codepoint == 0x1ac0 ||
           (codepoint >= 0x1e000 && codepoint <= 0x1e02a);
}

/* ---- all other text ---- */

/* Before decomposition, which would make something else of these. WordPress removes the pound
 * sign. */
static utf8proc_int32_t before(utf8proc_int32_t codepoint, void *data)
{
    (void)data;
    switch (codepoint) {
    case 0xa3:
        return DROPPED;
    case 0x13f:
    case 0x140:
        return 'l';
    case 0x149:
        return 'n';
    default:
        return codepoint;
    }
}

static bool is_digit(int32_t codepoint)
{
    return utf8proc_category(codepoint) == UTF8PROC_CATEGORY_ND;
}

/* Digits of all scripts are 0 to 9, and dashes of any width one dash. The ten digits of a
 * script begin at a code point that ends in 0 or in 6. */
static int32_t plain(int32_t codepoint)
{
    const int32_t place = codepoint & 0xf;
    if (codepoint < 0x80) {
        return codepoint;
    }
    if (is_digit(codepoint)) {
        return '0' + (is_digit(codepoint - place) ? place : place - 6);
    }
    return utf8proc_category(codepoint) == UTF8PROC_CATEGORY_PD ? '-'
                                                                : rl_letter_plain(codepoint);
}

typedef enum kind { LETTER, MARK, BLANK, NOTHING, WEIGHTLESS } kind_e;

static kind_e kind(int32_t codepoint)
{
    switch (utf8proc_category(codepoint)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return MARK;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return BLANK;
    case UTF8PROC_CATEGORY_CC:
        return codepoint == 0x85 ? BLANK : NOTHING;
    case UTF8PROC_CATEGORY_CF:
        return NOTHING;
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
        return WEIGHTLESS;
    default: /* tatweel and the middle dot only lengthen or space what stands around them */
        return codepoint == 0x640 || codepoint == 0xb7 ? NOTHING
               : codepoint >= BMP_END                  ? WEIGHTLESS
                                                       : LETTER;
    }
}

static void put_letter(fold_writer_t *writer, int32_t codepoint)
{
    const char *others = codepoint < 0x80 ? NULL : rl_letter_others(codepoint);
    if (others != NULL) {
        for (; *others != '\0'; others++) {
            put_ascii(writer, *others);
        }
    }
    else if (codepoint < 0x80) {
        put_ascii(writer, (char)codepoint);
    }
    else {
        put_codepoint(writer, codepoint);
    }
}

/* Writes n code points, over themselves. Returns false if the text is to be refused. */
static bool write_codepoints(fold_writer_t *writer, const int32_t *codepoints, size_t n)
{
    size_t weightless = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t codepoint = plain(codepoints[i]);
        const kind_e is = codepoint < 0x80 ? LETTER : kind(codepoint);
        if (is == MARK && is_letter_as_mark(codepoint)) {
            return false;
        }
        if (is == LETTER) {
            put_letter(writer, codepoint);
        }
        writer->blank |= is == BLANK;
        weightless += is == WEIGHTLESS;
    }
    for (size_t i = writer->len == 0 ? 0 : weightless; i < weightless; i++) {
        put_codepoint(writer, UNKNOWN);
    }
    return true;
}

static rl_fold_result_e fold_unicode(const char *text, size_t len, rl_fold_t *fold)
{
    int32_t *codepoints = fold->scratch.codepoints;
    const utf8proc_ssize_t room = sizeof(fold->scratch.codepoints) / sizeof(codepoints[0]) - 1;
    const utf8proc_ssize_t n =
        utf8proc_decompose_custom((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len,
                                  codepoints, room, HARD_FOLD, before, NULL);
    fold_writer_t writer = {.bytes = (char *)codepoints};
    if (n == UTF8PROC_ERROR_INVALIDUTF8) {
        return RL_FOLD_NOT_UTF8;
    }
    if (n < 0 || n > room || !write_codepoints(&writer, codepoints, (size_t)n)) {
        return RL_FOLD_REFUSED;
    }
    fold->text = writer.bytes;
    fold->len = writer.len;
    return RL_FOLD_DONE;
}

/* Folds text as long as it is ASCII. Returns false if it isn't. */
static bool fold_ascii(const char *text, size_t len, rl_fold_t *fold)
{
    fold_writer_t writer = {.bytes = fold->scratch.bytes};
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        if ((unsigned char)c >= 0x80) {
            return false;
        }
        put_ascii(&writer, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
    fold->text = writer.bytes;
    fold->len = writer.len;
    return true;
}

rl_fold_result_e rl_fold(const char *text, size_t len, rl_fold_t *fold)
{
    rl_fold_result_e result = RL_FOLD_DONE;
    rl_trim(&text, &len);
    if (len > RL_FOLD_INPUT_MAX || memchr(text, '\0', len) != NULL) {
        return RL_FOLD_REFUSED;
    }
    if (!fold_ascii(text, len, fold)) {
        result = is_stream_safe(text, len) ? fold_unicode(text, len, fold) : RL_FOLD_REFUSED;
    }
    return result == RL_FOLD_DONE && has_markup(fold->text, fold->len) ? RL_FOLD_REFUSED
                                                                       : result;
}

rl_fold_result_e rl_fold_latin1(const char *text, size_t len, rl_fold_t *fold)
{
    char utf8[2 * RL_FOLD_INPUT_MAX];
    size_t n = 0;
    rl_trim(&text, &len);
    if (len > RL_FOLD_INPUT_MAX) {
        return RL_FOLD_REFUSED;
    }
    for (size_t i = 0; i < len; i++) {
        n += (size_t)utf8proc_encode_char((unsigned char)text[i], (utf8proc_uint8_t *)utf8 + n);
    }
    return rl_fold(utf8, n, fold);
}
