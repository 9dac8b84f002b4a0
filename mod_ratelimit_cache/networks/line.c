/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include <string.h>

/* A prefix has 39 + 1 + 3 bytes at most; an IPv4-mapped one in full some more. */
#define PREFIX_TEXT_MAX 64

/* What is left of the line. */
typedef struct rl_rest {
    const char *at, *end;
} rl_rest_t;

static bool is_line_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool has_control(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)line[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_printable(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)word[i];
        if (c <= 0x20 || c >= 0x7f) {
            return false;
        }
    }
    return true;
}

/* Takes the next word. Returns its length, 0 at the end. */
static size_t next_word(rl_rest_t *rest, const char **word)
{
    while (rest->at < rest->end && is_line_blank(*rest->at)) {
        rest->at++;
    }
    *word = rest->at;
    while (rest->at < rest->end && !is_line_blank(*rest->at)) {
        rest->at++;
    }
    return (size_t)(rest->at - *word);
}

/* Reads ADDR or ADDR/BITS. Returns NULL or the reason. */
static const char *parse_prefix(const char *word, size_t len, rl_address_t *prefix)
{
    char text[PREFIX_TEXT_MAX], *slash;
    const char *reason;
    rl_address_t whole;
    if (len >= sizeof(text)) {
        return "not an IPv4 or IPv6 address";
    }
    memcpy(text, word, len);
    text[len] = '\0';
    reason = rl_address_parse_prefix(text, prefix);
    slash = strchr(text, '/');
    if (reason != NULL || slash == NULL) {
        return reason;
    }
    *slash = '\0';
    return rl_address_parse(text, &whole) &&
                   memcmp(whole.bytes, prefix->bytes, sizeof(whole.bytes)) != 0
               ? "the address has bits set beyond the prefix length"
               : NULL;
}

static const char *parse_label(rl_rest_t *rest, rl_network_line_t *parsed)
{
    const char *more;
    parsed->label_len = next_word(rest, &parsed->label);
    if (parsed->label_len == 0) {
        return "a label must follow the prefix";
    }
    if (!is_printable(parsed->label, parsed->label_len)) {
        return "the label must be of printable ASCII characters";
    }
    if (parsed->label_len > RL_NETWORK_LABEL_MAX) {
        return "the label is longer than 64 bytes";
    }
    parsed->token = parsed->label;
    parsed->token_len = parsed->label_len;
    return next_word(rest, &more) > 0
               ? "one label, without blanks, must follow the prefix; # begins a comment"
               : NULL;
}

const char *rl_network_line_parse(const char *line, size_t len, rl_network_line_t *parsed)
{
    const char *comment, *word, *reason;
    rl_rest_t rest;
    size_t word_len;
    *parsed = (rl_network_line_t){.blank = false};
    if (len > RL_NETWORK_LINE_MAX) {
        return "the line is longer than 1000 bytes";
    }
    len -= len > 0 && line[len - 1] == '\r';
    if (has_control(line, len)) {
        return "the line has a control character in it";
    }
    comment = memchr(line, '#', len);
    rest = (rl_rest_t){line, comment != NULL ? comment : line + len};
    word_len = next_word(&rest, &word);
    parsed->blank = word_len == 0;
    if (parsed->blank) {
        return NULL;
    }
    if (is_printable(word, word_len) && word_len <= RL_NETWORK_LABEL_MAX) {
        parsed->token = word;
        parsed->token_len = word_len;
    }
    reason = parse_prefix(word, word_len, &parsed->prefix);
    return reason != NULL ? reason : parse_label(&rest, parsed);
}
