/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data: RFC 7578, RFC 2046 5.1.
 *
 *             delimiter                   CRLF
 *   PREAMBLE ───────────▶ DELIMITER ───────────────▶ HEADERS ──empty line──▶ BODY
 *                             │ ▲                                              │
 *                         `--`│ └──────────────────── delimiter ───────────────┘
 *                             ▼   CRLF, or the end
 *                          CLOSING ──────────────▶ EPILOGUE
 *
 * (Where a line ends, another state waits for the LF. MALFORMED is reached from anywhere.)
 *
 * A delimiter is CRLF `--boundary`; the very first stands at the beginning and lacks the CRLF.
 * Bytes of a body go to the
 * fields at once, except those that may begin a delimiter: these are held back. They need not
 * be stored, because they are a prefix of the delimiter: its length tells what they were, and
 * they are emitted from the pattern. The search is that of Knuth, Morris and Pratt: if a byte
 * does not continue the prefix, the border table gives the next shorter prefix that it could
 * continue. Each byte lengthens the prefix by at most one and each look into the table shortens
 * it, so n bytes cost at most 2n steps, whatever the boundary.
 *
 * The delimiter's text must stand nowhere else: not within a line, not after a bare LF, not in
 * a header, and not after the closing delimiter. CGI.pm finds it anywhere; PHP finds it after
 * an LF, and reads on after the closing one. Hence the search runs in all states that hold
 * text. Rack and PHP disagree about a delimiter with blanks behind it, formidable refuses a
 * body that begins with something else: then nobody wrote it but for that. */
#include "parser.h"

#include <string.h>

enum state {
    PREAMBLE,
    DELIMITER,     /* after --boundary */
    DELIMITER_END, /* after the CR of that line */
    HEADERS,
    HEADER_END, /* after the CR of a header */
    BODY,
    CLOSING,    /* after --boundary- */
    CLOSED,     /* after --boundary-- */
    CLOSED_END, /* after the CR of that line */
    EPILOGUE,
    MALFORMED
};

static const char crlf[] = "\r\n";

/* Sets border[i] to the length of the longest proper prefix of pattern[0..i] that is also its
 * suffix. */
static void fill_border(unsigned char *border, const char *pattern, size_t len)
{
    unsigned char k = 0;
    border[0] = 0;
    for (size_t i = 1; i < len; i++) {
        while (k > 0 && pattern[i] != pattern[k]) {
            k = border[k - 1];
        }
        if (pattern[i] == pattern[k]) {
            k++;
        }
        border[i] = k;
    }
}

/* Returns the length of the longest prefix of the pattern that ends with c, after `matched`
 * bytes of it. */
static unsigned char advance(const char *pattern, const unsigned char *border, size_t len,
                             unsigned char matched, char c)
{
    while (matched > 0 && (matched == len || pattern[matched] != c)) {
        matched = border[matched - 1];
    }
    return (unsigned char)(matched + (pattern[matched] == c));
}

static const char *bare_pattern(const rl_multipart_t *parser)
{
    return parser->pattern + 2;
}

static void search_from(rl_multipart_t *parser, unsigned char crlf_seen)
{
    parser->crlf = crlf_seen;
    parser->delimiter = 0;
    parser->bare = 0;
}

bool rl_multipart_init(rl_multipart_t *parser, const char *boundary, size_t boundary_len,
                       const rl_part_terms_t *terms)
{
    if (boundary_len == 0 || boundary_len > RL_BOUNDARY_MAX ||
        !rl_form_fields_init(terms->fields, terms->nfields)) {
        return false;
    }
    parser->terms = *terms;
    parser->wanted = 0;
    parser->doubts = 0;
    parser->parts = 0;
    parser->state = PREAMBLE;
    parser->pattern_len = (unsigned char)(2 + boundary_len);
    parser->pattern[0] = parser->pattern[1] = '-';
    memcpy(parser->pattern + 2, boundary, boundary_len);
    fill_border(parser->delimiter_border, parser->pattern, parser->pattern_len);
    fill_border(parser->bare_border, bare_pattern(parser), boundary_len);
    search_from(parser, 2); /* as if after a CRLF */
    return true;
}

static void malformed(rl_multipart_t *parser)
{
    parser->state = MALFORMED;
    parser->doubts |= RL_DOUBT_MALFORMED;
    parser->wanted = 0;
}

static void emit(rl_multipart_t *parser, const char *data, size_t len)
{
    if (parser->wanted != 0 && len > 0) {
        rl_form_fields_put(parser->terms.fields, parser->wanted, data, len);
    }
}

static void emit_held_crlf(rl_multipart_t *parser)
{
    emit(parser, crlf, parser->crlf);
    parser->crlf = 0;
}

static void end_part(rl_multipart_t *parser)
{
    rl_form_fields_end(parser->terms.fields, parser->wanted);
    parser->wanted = 0;
    parser->state = DELIMITER;
}

/* Advances the search by c. Returns true if `--boundary` ends with c. */
static bool found_delimiter(rl_multipart_t *parser, char c)
{
    const size_t bare_len = (size_t)parser->pattern_len - 2;
    parser->bare =
        advance(bare_pattern(parser), parser->bare_border, bare_len, parser->bare, c);
    const unsigned char before = parser->delimiter;
    parser->delimiter =
        advance(parser->pattern, parser->delimiter_border, parser->pattern_len, before, c);
    if (parser->delimiter == parser->pattern_len) {
        return true;
    }
    if (parser->bare == bare_len) {
        parser->doubts |= RL_DOUBT_BOUNDARY;
    }
    if (parser->delimiter <= before && before > 0) { /* some of the held bytes are text */
        emit_held_crlf(parser);
        emit(parser, parser->pattern,
             (size_t)before + (parser->delimiter > 0) - parser->delimiter);
    }
    return false;
}

/* Handles a byte before the first delimiter, where nothing but it may stand. */
static void preamble_byte(rl_multipart_t *parser, char c)
{
    const unsigned before = parser->delimiter;
    if (found_delimiter(parser, c)) {
        end_part(parser);
    }
    else if (parser->delimiter != before + 1) {
        malformed(parser);
    }
}

/* Handles a byte after the last delimiter: line ends do no harm. */
static void epilogue_byte(rl_multipart_t *parser, char c)
{
    if (c != '\r' && c != '\n') {
        malformed(parser);
    }
}

/* Handles a byte of a part's body. */
static void text_byte(rl_multipart_t *parser, char c)
{
    if (found_delimiter(parser, c)) {
        if (parser->crlf != 2) {
            malformed(parser);
            return;
        }
        end_part(parser);
    }
    else if (parser->delimiter > 0) {
        return; /* held back */
    }
    else if (c == '\n' && parser->crlf == 1) {
        parser->crlf = 2;
    }
    else {
        emit_held_crlf(parser);
        if (c == '\r') {
            parser->crlf = 1;
        }
        else {
            emit(parser, &c, 1);
        }
    }
}

/* Handles at once the next bytes that can begin neither a line end nor the delimiter nor the
 * boundary; returns their number. */
static size_t plain_text(rl_multipart_t *parser, const char *data, size_t len)
{
    if (parser->state != BODY || parser->crlf != 0 || parser->delimiter != 0 ||
        parser->bare != 0) {
        return 0;
    }
    const char first = parser->pattern[2];
    size_t n = 0;
    while (n < len && data[n] != '\r' && data[n] != '-' && data[n] != first) {
        n++;
    }
    emit(parser, data, n);
    return n;
}

static void begin_headers(rl_multipart_t *parser)
{
    parser->state = HEADERS;
    parser->part = (rl_part_t){0};
    parser->line_len = 0;
    if (++parser->parts > RL_FORM_PAIRS_MAX) {
        parser->doubts |= RL_DOUBT_MANY;
    }
    search_from(parser, 0);
}

static void begin_body(rl_multipart_t *parser)
{
    const rl_part_t *part = &parser->part;
    if (!rl_part_complete(part)) {
        malformed(parser);
        return;
    }
    const unsigned doubts = (part->file ? (unsigned)RL_DOUBT_FILE : 0) |
                            (part->encoded ? (unsigned)RL_DOUBT_ENCODING : 0);
    rl_form_fields_doubt(parser->terms.fields, part->exact, doubts);
    rl_form_fields_doubt(parser->terms.fields, part->twins, RL_DOUBT_NAME);
    parser->doubts |= part->charset ? (unsigned)RL_DOUBT_CHARSET : 0;
    parser->wanted = doubts == 0 ? part->exact : 0;
    rl_form_fields_begin(parser->terms.fields, parser->wanted);
    parser->state = BODY;
    search_from(parser, 0);
}

static void end_line(rl_multipart_t *parser)
{
    if (parser->line_len == 0) {
        begin_body(parser);
        return;
    }
    if (!rl_part_header(&parser->part, &parser->terms, parser->line, parser->line_len)) {
        malformed(parser);
        return;
    }
    parser->line_len = 0;
    parser->state = HEADERS;
}

static void header_byte(rl_multipart_t *parser, char c)
{
    if (c == '\r') {
        parser->state = HEADER_END;
        return;
    }
    const bool control = (c >= '\0' && c < ' ' && c != '\t') || c == '\x7f';
    if (control || parser->line_len == RL_PART_LINE_MAX || found_delimiter(parser, c)) {
        malformed(parser);
        return;
    }
    parser->line[parser->line_len++] = c;
}

/* Goes on to `then` if c is what the state waits for. */
static void expect(rl_multipart_t *parser, char c, char expected,
                   void (*then)(rl_multipart_t *))
{
    if (c == expected) {
        then(parser);
    }
    else {
        malformed(parser);
    }
}

static void close_body(rl_multipart_t *parser)
{
    parser->state = CLOSED;
}

static void begin_epilogue(rl_multipart_t *parser)
{
    parser->state = EPILOGUE;
}

static void await_delimiter_lf(rl_multipart_t *parser)
{
    parser->state = DELIMITER_END;
}

static void await_closing_lf(rl_multipart_t *parser)
{
    parser->state = CLOSED_END;
}

static void delimiter_byte(rl_multipart_t *parser, char c)
{
    if (c == '-') {
        parser->state = CLOSING;
    }
    else {
        expect(parser, c, '\r', await_delimiter_lf);
    }
}

static void next_byte(rl_multipart_t *parser, char c)
{
    switch ((enum state)parser->state) {
    case PREAMBLE:
        preamble_byte(parser, c);
        break;
    case BODY:
        text_byte(parser, c);
        break;
    case EPILOGUE:
        epilogue_byte(parser, c);
        break;
    case DELIMITER:
        delimiter_byte(parser, c);
        break;
    case DELIMITER_END:
        expect(parser, c, '\n', begin_headers);
        break;
    case HEADERS:
        header_byte(parser, c);
        break;
    case HEADER_END:
        expect(parser, c, '\n', end_line);
        break;
    case CLOSING:
        expect(parser, c, '-', close_body);
        break;
    case CLOSED:
        expect(parser, c, '\r', await_closing_lf);
        break;
    case CLOSED_END:
        expect(parser, c, '\n', begin_epilogue);
        break;
    case MALFORMED:
        break;
    }
}

bool rl_multipart_feed(rl_multipart_t *parser, const char *data, size_t len)
{
    for (size_t i = 0; i < len && parser->state != MALFORMED;) {
        i += plain_text(parser, data + i, len - i);
        if (i < len) {
            next_byte(parser, data[i++]);
        }
    }
    return parser->state != MALFORMED;
}

void rl_multipart_finish(rl_multipart_t *parser, bool ended)
{
    const bool closed = parser->state == CLOSED || parser->state == EPILOGUE;
    const bool whole = ended && (closed || parser->state == MALFORMED);
    rl_form_fields_doubt_all(parser->terms.fields, parser->terms.nfields,
                             parser->doubts | (whole ? 0u : (unsigned)RL_DOUBT_CUT));
}
