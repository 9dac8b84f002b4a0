/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <stdbool.h>
#include <string.h>

#include "../../core/number.h"

void rl_output_begin(rl_output_t *out, rl_output_fn *take, void *context)
{
    out->take = take;
    out->context = context;
    out->len = 0;
}

void rl_output_end(rl_output_t *out)
{
    if (out->len > 0) {
        out->take(out->context, out->buffer, out->len);
    }
    out->len = 0;
}

static void out_bytes(rl_output_t *out, const char *bytes, size_t len)
{
    while (len > 0) {
        const size_t room = sizeof(out->buffer) - out->len;
        const size_t n = len < room ? len : room;
        memcpy(out->buffer + out->len, bytes, n);
        out->len += n;
        bytes += n;
        len -= n;
        if (out->len == sizeof(out->buffer)) {
            rl_output_end(out);
        }
    }
}

void rl_out(rl_output_t *out, const char *text)
{
    out_bytes(out, text, strlen(text));
}

void rl_out_number(rl_output_t *out, uint64_t number)
{
    char digits[RL_DIGITS_MAX];
    char *end = digits + RL_DIGITS_MAX;
    const char *first = rl_number_write(end, number);
    out_bytes(out, first, (size_t)(end - first));
}

void rl_out_seconds(rl_output_t *out, int64_t us)
{
    const uint64_t all = us > 0 ? (uint64_t)us : 0;
    char decimals[7] = ".000000";
    uint64_t rest = all % 1000000;
    for (int i = 6; i > 0; i--, rest /= 10) {
        decimals[i] = (char)('0' + rest % 10);
    }
    rl_out_number(out, all / 1000000);
    out_bytes(out, decimals, sizeof(decimals));
}

void rl_out_hundredths(rl_output_t *out, uint32_t hundredths)
{
    const char decimals[3] = {'.', (char)('0' + hundredths / 10 % 10),
                              (char)('0' + hundredths % 10)};
    rl_out_number(out, hundredths / 100);
    out_bytes(out, decimals, sizeof(decimals));
}

/* ---- escapes ---- */

static bool is_continued(const unsigned char *at, int n)
{
    for (int i = 1; i <= n; i++) {
        if ((at[i] & 0xc0) != 0x80) { /* a NUL ends the text */
            return false;
        }
    }
    return true;
}

/* Returns the bytes of the UTF-8 character at `at` (Unicode 15, table 3-7); 0: it is none. */
static size_t utf8_length(const unsigned char *at)
{
    if (at[0] < 0x80) {
        return 1;
    }
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        return is_continued(at, 1) ? 2 : 0;
    }
    if ((at[0] & 0xf0) == 0xe0 && is_continued(at, 2)) {
        const bool overlong = at[0] == 0xe0 && at[1] < 0xa0;
        const bool surrogate = at[0] == 0xed && at[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (at[0] >= 0xf0 && at[0] <= 0xf4 && is_continued(at, 3)) {
        return (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) ? 0 : 4;
    }
    return 0;
}

/* U+0080 to U+009F are control characters, too; U+2028 and the like turn lines, or text, round.
 */
static bool is_unseen(const unsigned char *at, size_t len)
{
    return (len == 1 && (at[0] < 0x20 || at[0] == 0x7f)) ||
           (len == 2 && at[0] == 0xc2 && at[1] < 0xa0) ||
           (len == 3 && at[0] == 0xe2 &&
            ((at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae) ||
             (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)));
}

/* Returns what stands for a byte in a form, NULL: itself. */
typedef const char *escape_fn(char byte);

static void out_escaped(rl_output_t *out, const char *text, escape_fn *escape)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        const size_t len = utf8_length(at);
        const char *instead = len == 1 ? escape((char)*at) : NULL;
        if (instead != NULL) {
            rl_out(out, instead);
        }
        else if (len == 0 || is_unseen(at, len)) {
            rl_out(out, "?");
        }
        else {
            out_bytes(out, (const char *)at, len);
        }
        at += len > 0 ? len : 1;
    }
}

static const char *escape_html(char byte)
{
    switch (byte) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* "<" is escaped, too, so that the text could stand in a page. */
static const char *escape_json(char byte)
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '<':
        return "\\u003c";
    default:
        return NULL;
    }
}

static const char *escape_label(char byte)
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    default:
        return NULL;
    }
}

void rl_out_html(rl_output_t *out, const char *text)
{
    out_escaped(out, text, escape_html);
}

void rl_out_json(rl_output_t *out, const char *text)
{
    rl_out(out, "\"");
    out_escaped(out, text, escape_json);
    rl_out(out, "\"");
}

void rl_out_label(rl_output_t *out, const char *text)
{
    rl_out(out, "\"");
    out_escaped(out, text, escape_label);
    rl_out(out, "\"");
}
