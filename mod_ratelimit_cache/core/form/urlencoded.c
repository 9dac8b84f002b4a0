/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded: https://url.spec.whatwg.org/#urlencoded-parsing
 *
 * The parser makes one pass, with a bounded amount of work per byte and wanted field, whatever
 * the bytes are. A name is compared as it comes and not kept; a value goes to its field's
 * buffer, or nowhere.
 *
 *              `=`                       raw bytes pass through the escape decoder:
 *     name ──────────▶ value                  0 ──`%`──▶ 1 ──hex──▶ 2 ──hex──▶ a byte, 0
 *      ▲ │`&`            │ `&`                any other character in 1 or 2 returns the `%` and
 *      └─┴───────────────┘                    the digit held as they are, and is read anew
 *
 * A second reading runs beside it that also splits at `;`, as HTML 4 recommended and CGI.pm
 * does. It looks at names only; a wanted name that it finds makes the field doubtful. */
#include "parser.h"

#include <string.h>

bool rl_urlencoded_init(rl_urlencoded_t *parser, rl_form_field_t *fields, size_t nfields)
{
    if (!rl_form_fields_init(fields, nfields)) {
        return false;
    }
    *parser = (rl_urlencoded_t){.fields = fields, .nfields = nfields};
    rl_name_begin(&parser->name, nfields);
    return true;
}

/* Handles a byte of a name or value, after decoding. */
static void decoded(rl_urlencoded_t *parser, char c)
{
    if (c == '\0') {
        parser->doubts |= RL_DOUBT_NUL;
    }
    if (parser->semicolon_name) {
        rl_name_byte(&parser->after_semicolon, parser->fields, c);
    }
    if (!parser->in_value) {
        rl_name_byte(&parser->name, parser->fields, c);
    }
    else {
        rl_form_fields_put(parser->fields, parser->wanted, &c, 1);
    }
}

/* Casts a doubt on what is being read: a name could be any field's. */
static void doubt_text(rl_urlencoded_t *parser, unsigned doubt)
{
    if (!parser->in_value || parser->semicolon_name) {
        parser->doubts |= doubt;
        return;
    }
    rl_form_fields_doubt(parser->fields, parser->wanted, doubt);
    rl_form_fields_doubt(parser->fields, parser->name.all & ~parser->wanted,
                         RL_DOUBT_ELSEWHERE);
}

/* Lets the held characters of an escape stand for themselves. */
static void give_up_escape(rl_urlencoded_t *parser)
{
    const unsigned held = parser->escape;
    if (held == 0) {
        return;
    }
    doubt_text(parser, RL_DOUBT_ESCAPE);
    parser->escape = 0;
    decoded(parser, '%');
    if (held == 2) {
        decoded(parser, parser->escape_high);
    }
}

/* HTTP::Body decodes %aa and %AA, but takes %aA for text. */
static bool is_mixed_case(char high, char low)
{
    return high > '9' && low > '9' && (high >= 'a') != (low >= 'a');
}

/* Continues the open escape with c. Returns false if c ended it without being part of it. */
static bool escape_took(rl_urlencoded_t *parser, char c)
{
    const int digit = rl_hex_digit(c);
    if (digit < 0) {
        give_up_escape(parser);
        return false;
    }
    if (parser->escape == 1) {
        parser->escape = 2;
        parser->escape_high = c;
        return true;
    }
    if (is_mixed_case(parser->escape_high, c)) {
        doubt_text(parser, RL_DOUBT_ESCAPE);
    }
    parser->escape = 0;
    decoded(parser, (char)((unsigned)rl_hex_digit(parser->escape_high) << 4 | (unsigned)digit));
    return true;
}

static uint32_t any_match(const rl_name_match_t *match, const rl_form_field_t *fields)
{
    return match->len == 0 ? 0 : rl_name_exact(match, fields) | rl_name_twins(match, fields);
}

static void end_semicolon_name(rl_urlencoded_t *parser)
{
    if (parser->semicolon_name) {
        rl_form_fields_doubt(parser->fields,
                             any_match(&parser->after_semicolon, parser->fields),
                             RL_DOUBT_SEPARATOR);
        parser->semicolon_name = false;
    }
}

static void begin_value(rl_urlencoded_t *parser)
{
    parser->in_value = true;
    parser->wanted = rl_name_exact(&parser->name, parser->fields);
    rl_form_fields_doubt(parser->fields, rl_name_twins(&parser->name, parser->fields),
                         RL_DOUBT_NAME);
    if (rl_name_is_charset(&parser->name)) {
        parser->doubts |= RL_DOUBT_CHARSET;
    }
    if (parser->semicolon_in_name) {
        rl_form_fields_doubt(parser->fields, parser->wanted, RL_DOUBT_SEPARATOR);
    }
    rl_form_fields_begin(parser->fields, parser->wanted);
}

static void end_pair(rl_urlencoded_t *parser)
{
    end_semicolon_name(parser);
    if (!parser->in_value) {
        begin_value(parser);
    }
    rl_form_fields_end(parser->fields, parser->wanted);
    if (++parser->pairs > RL_FORM_PAIRS_MAX) {
        parser->doubts |= RL_DOUBT_MANY;
    }
    parser->in_value = false;
    parser->wanted = 0;
    parser->semicolon_in_name = false;
    rl_name_begin(&parser->name, parser->nfields);
}

static void equals_sign(rl_urlencoded_t *parser)
{
    end_semicolon_name(parser);
    if (!parser->in_value) {
        begin_value(parser);
        return;
    }
    rl_form_fields_doubt(parser->fields, parser->wanted, RL_DOUBT_EQUALS);
    decoded(parser, '=');
}

/* A `;` is a byte like any other here, but ends a pair for CGI.pm. */
static void semicolon(rl_urlencoded_t *parser)
{
    const uint32_t pair =
        parser->in_value ? parser->wanted : any_match(&parser->name, parser->fields);
    rl_form_fields_doubt(parser->fields, pair, RL_DOUBT_SEPARATOR);
    parser->semicolon_in_name |= !parser->in_value;
    end_semicolon_name(parser);
    decoded(parser, ';');
    rl_name_begin(&parser->after_semicolon, parser->nfields);
    parser->semicolon_name = true;
}

/* JavaScript's URLSearchParams drops a `?` that a body begins with. */
static void question_mark(rl_urlencoded_t *parser)
{
    if (parser->pairs == 0 && !parser->in_value && parser->name.len == 0) {
        parser->doubts |= RL_DOUBT_NAME;
    }
    decoded(parser, '?');
}

static void raw_byte(rl_urlencoded_t *parser, char c)
{
    if (parser->escape != 0 && escape_took(parser, c)) {
        return;
    }
    if ((unsigned char)c >= 0x80) {
        doubt_text(parser, RL_DOUBT_RAW);
    }
    switch (c) {
    case '&':
        end_pair(parser);
        break;
    case '=':
        equals_sign(parser);
        break;
    case ';':
        semicolon(parser);
        break;
    case '?':
        question_mark(parser);
        break;
    case '"':
    case '<':
        parser->doubts |= RL_DOUBT_TYPE;
        decoded(parser, c);
        break;
    case '%':
        parser->escape = 1;
        break;
    default:
        decoded(parser, c == '+' ? ' ' : c);
    }
}

/* What a byte of a value is, by a table, because every byte of a body is looked at: one that
 * says more than itself in any value, or in a wanted one only; a hexadecimal digit. */
enum { SPECIAL = 1, SPECIAL_IF_WANTED = 2, HEX = 4 };

static const unsigned char byte_kinds[256] = {
    [0] = SPECIAL,
    ['"'] = SPECIAL,
    ['%'] = SPECIAL,
    ['&'] = SPECIAL,
    [';'] = SPECIAL,
    ['<'] = SPECIAL,
    ['+'] = SPECIAL_IF_WANTED,
    ['='] = SPECIAL_IF_WANTED,
    ['0' ... '9'] = HEX,
    ['A' ... 'F'] = HEX,
    ['a' ... 'f'] = HEX,
    [0x80 ... 0xff] = SPECIAL,
};

static bool is_kind(char c, unsigned kinds)
{
    return (byte_kinds[(unsigned char)c] & kinds) != 0;
}

/* Bytes that the compiler compares all at once. */
typedef unsigned char rl_chunk_t __attribute__((vector_size(16)));

/* Returns true if one of the bytes of a chunk is SPECIAL: its top bit is set then, whether by
 * itself or by a comparison. */
static bool has_special(const char *data)
{
    rl_chunk_t at;
    uint64_t halves[2];
    memcpy(&at, data, sizeof(at));
    at |= (rl_chunk_t)((at == '\0') | (at == '"') | (at == '%') | (at == '&') | (at == ';') |
                       (at == '<'));
    memcpy(halves, &at, sizeof(halves));
    return ((halves[0] | halves[1]) & UINT64_C(0x8080808080808080)) != 0;
}

static size_t plain_length(const char *data, size_t len, unsigned kinds)
{
    size_t n = 0;
    while (n < len && !is_kind(data[n], kinds)) {
        n++;
    }
    return n;
}

/* Steps over well-formed escapes, too, but for %00. */
static size_t unwanted_length(const char *data, size_t len)
{
    size_t n = 0;
    for (;;) {
        while (len - n >= sizeof(rl_chunk_t) && !has_special(data + n)) {
            n += sizeof(rl_chunk_t);
        }
        n += plain_length(data + n, len - n, SPECIAL);
        if (len - n < 3 || data[n] != '%' || !is_kind(data[n + 1], HEX) ||
            !is_kind(data[n + 2], HEX) || (data[n + 1] == '0' && data[n + 2] == '0')) {
            return n;
        }
        n += 3;
    }
}

/* Handles at once the next bytes of a value that need no look at each of them; returns their
 * number. */
static size_t plain_run(rl_urlencoded_t *parser, const char *data, size_t len)
{
    if (!parser->in_value || parser->escape != 0 || parser->semicolon_name) {
        return 0;
    }
    if (parser->wanted == 0) {
        return unwanted_length(data, len);
    }
    const size_t n = plain_length(data, len, SPECIAL | SPECIAL_IF_WANTED);
    if (n > 0) {
        rl_form_fields_put(parser->fields, parser->wanted, data, n);
    }
    return n;
}

void rl_urlencoded_feed(rl_urlencoded_t *parser, const char *data, size_t len)
{
    for (size_t i = 0; i < len;) {
        i += plain_run(parser, data + i, len - i);
        if (i < len) {
            raw_byte(parser, data[i++]);
        }
    }
}

void rl_urlencoded_finish(rl_urlencoded_t *parser, bool ended)
{
    give_up_escape(parser);
    end_pair(parser);
    rl_form_fields_doubt_all(parser->fields, parser->nfields,
                             parser->doubts | (ended ? 0u : (unsigned)RL_DOUBT_CUT));
}
