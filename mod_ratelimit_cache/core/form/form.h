/* Values of wanted fields out of a form body or a query string, fed in pieces.
 *
 * Nothing here allocates: the caller hands in the fields, their buffers and the parser. A
 * parser holds pointers to them, so all must stay where they are until finish. Bytes go in as
 * (pointer, length) pieces; where the pieces are cut never changes a result.
 *
 * Two questions are kept apart, because a limit per account needs both answered:
 *  - state: what the standard says the field's value is;
 *  - doubts: whether an application might read something else. Whoever guesses passwords
 *    chooses the bytes, and would send a body in which we count a fresh name each time while
 *    the login program behind us reads the victim's. PHP, CGI.pm, Rack, qs, commons-fileupload
 *    and old CGI programs in Perl and C each read sloppy input in their own way. Browsers never
 *    write such input, so doubt costs honest users nothing.
 * rl_form_field_sure() puts the two together; a field that isn't sure has no value. */
#ifndef RL_CORE_FORM_FORM_H
#define RL_CORE_FORM_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_FORM_FIELDS_MAX 32 /* wanted fields per parser */
#define RL_BOUNDARY_MAX    70 /* bytes, RFC 2046 5.1.1 */

typedef enum rl_field_state {
    RL_FIELD_ABSENT,
    RL_FIELD_ONE,      /* came once, or several times with the same value */
    RL_FIELD_CONFLICT, /* came with different values: CGI.pm takes the first, PHP the last */
    RL_FIELD_TOO_LONG  /* longer than value_cap */
} rl_field_state_e;

/* Why applications may read something else than we do. Bits of a field's doubts. */
enum {
    /* Body: the end wasn't seen, and a second, different value may stand behind the cut. */
    RL_DOUBT_CUT = 1 << 0,
    /* Body: multipart beyond what every reader agrees on; see rl_multipart_feed(). */
    RL_DOUBT_MALFORMED = 1 << 1,
    /* Body: the boundary's text without its dashes occurs in the data. CGI.pm splits there for
     * clients that call themselves `MSIE 3.02; Mac`. */
    RL_DOUBT_BOUNDARY = 1 << 2,
    /* Another name is in use that some application takes for this one: `User`, ` user`,
     * `user[`, `user%00`, and `us.er` for `us_er`. See rl_name_byte() in form_field.c. */
    RL_DOUBT_NAME = 1 << 3,
    /* urlencoded: a raw `;` in this field's value, or this name next to a raw `;`. CGI.pm also
     * splits on `;`. */
    RL_DOUBT_SEPARATOR = 1 << 4,
    /* urlencoded: a malformed escape in any name, or %u in this field's value; CGI.pm decodes
     * %u0075. Others stand for themselves in a value, as the standard has it. (The x2c() of
     * NCSA's CGI programs makes a letter of any two characters behind a %; it is beyond help.)
     */
    RL_DOUBT_ESCAPE = 1 << 5,
    /* The value holds a NUL byte, where a program written in C stops reading. */
    RL_DOUBT_NUL = 1 << 6,
    /* multipart: this name came with a filename parameter. Some read a file, some a field, and
     * with an empty filename CGI.pm reads a field. Its content isn't looked at. */
    RL_DOUBT_FILE = 1 << 7,
    /* multipart: this name came with a Content-Transfer-Encoding that encodes, a Content-Type
     * other than text/plain, or a charset beyond UTF-8, US-ASCII and ISO-8859-1. Its content
     * isn't looked at. */
    RL_DOUBT_ENCODING = 1 << 8,
    /* urlencoded: a raw `=` in this field's value. `split(/=/)` in Perl drops what follows it.
     */
    RL_DOUBT_EQUALS = 1 << 9
};

typedef struct rl_form_field {
    /* In. The name wanted, 1 byte or more, compared byte for byte with decoded names. */
    const char *name;
    size_t name_len;
    /* In: a buffer of the caller. Out, while state is RL_FIELD_ONE: value_len bytes, of any
     * kind, not terminated. In other states its content has no meaning. */
    char *value;
    size_t value_cap;
    size_t value_len;
    rl_field_state_e state;
    unsigned doubts; /* RL_DOUBT_ bits; complete only after finish */
    /* The occurrence being read. */
    size_t at;
    bool differs;
} rl_form_field_t;

/* Whether the field has one value on which the applications agree: state is RL_FIELD_ONE, and
 * no doubts but those in `tolerated` (RL_DOUBT_ bits, 0 for none). To be asked after finish. */
bool rl_form_field_sure(const rl_form_field_t *field, unsigned tolerated);

/* How the bytes of a name compare with the names wanted, so far. Sets of fields are bit masks.
 */
typedef struct rl_name_match {
    size_t len;    /* bytes seen */
    size_t folded; /* bytes seen after the leading ones that some reader drops */
    uint32_t exact;
    uint32_t alike;
    uint32_t twins; /* known to be taken for the wanted name by some reader */
} rl_name_match_t;

/* application/x-www-form-urlencoded, read as the WHATWG URL standard's parser does: pairs are
 * separated by `&` only, empty ones are skipped, the first `=` ends the name, a name without
 * `=` has the empty value, `+` is a space, %XX a byte in names and values, and a malformed
 * escape stands for itself. For query strings too (without the `?`). */
typedef struct rl_urlencoded {
    rl_form_field_t *fields;
    size_t nfields;
    rl_name_match_t name;
    rl_name_match_t after_semicolon;
    uint32_t wanted;      /* the fields that the value being read belongs to */
    unsigned doubts;      /* of the body */
    unsigned char escape; /* characters of an escape seen: 0, 1 (%), 2 (%X) */
    char escape_high;
    bool in_value;
    bool semicolon_in_name;
    bool semicolon_name; /* after_semicolon is being matched */
} rl_urlencoded_t;

/* Starts over and clears what came out of the fields before. False when nfields is beyond
 * RL_FORM_FIELDS_MAX or a name is empty. */
bool rl_urlencoded_init(rl_urlencoded_t *parser, rl_form_field_t *fields, size_t nfields);

void rl_urlencoded_feed(rl_urlencoded_t *parser, const char *data, size_t len);

/* To be called once, after the last piece. `ended` says that it was the last of the whole
 * input, and not only of what is looked at; otherwise every field gets RL_DOUBT_CUT. */
void rl_urlencoded_finish(rl_urlencoded_t *parser, bool ended);

/* multipart/form-data by RFC 7578 and RFC 2046. Limits of one part's headers, beyond which the
 * body counts as malformed: */
#define RL_PART_HEADERS_MAX 16
#define RL_PART_LINE_MAX    2048 /* bytes of one header line */
#define RL_PART_BYTES_MAX   8192 /* bytes of all header lines */

typedef struct rl_part {
    uint32_t exact; /* the fields that this part's name is, and is taken for by some */
    uint32_t twins;
    unsigned seen; /* which headers came */
    bool file;
    bool encoded;
} rl_part_t;

typedef struct rl_multipart {
    rl_form_field_t *fields;
    size_t nfields;
    uint32_t wanted;
    unsigned doubts;
    unsigned char state;
    unsigned char crlf;      /* bytes of a CR LF held back before the delimiter's start */
    unsigned char delimiter; /* bytes of `--boundary` matched, held back too */
    unsigned char bare;      /* bytes of `boundary` matched */
    unsigned char pattern_len;
    char pattern[2 + RL_BOUNDARY_MAX];                   /* --boundary */
    unsigned char delimiter_border[2 + RL_BOUNDARY_MAX]; /* see rl_border() */
    unsigned char bare_border[RL_BOUNDARY_MAX];
    rl_part_t part;
    unsigned header_lines;
    size_t header_bytes;
    size_t line_len;
    char line[RL_PART_LINE_MAX];
} rl_multipart_t;

/* Starts over and clears what came out of the fields before. The boundary is 1 to
 * RL_BOUNDARY_MAX bytes, is copied, and comes from rl_form_type(). False when it isn't, when
 * nfields is beyond RL_FORM_FIELDS_MAX or a name is empty. */
bool rl_multipart_init(rl_multipart_t *parser, const char *boundary, size_t boundary_len,
                       rl_form_field_t *fields, size_t nfields);

/* Returns whether further input can matter: false once the body is malformed.
 *
 * Malformed, because readers disagree about it, is: the delimiter's text anywhere but on a line
 * of its own between CRLFs (with blanks behind it, if any), also in a header or behind the last
 * part; a header with a bare CR or LF, a control character, a folded line, no blank after its
 * colon or one before it; Content-Disposition, Content-Type or Content-Transfer-Encoding twice
 * in a part; a Content-Disposition that is not form-data with a name and well-formed
 * parameters, or has name*, a parameter twice, an encoded word or a backslash that can be read
 * in two ways; a nested multipart. Text before the first and after the last delimiter is
 * ignored. */
bool rl_multipart_feed(rl_multipart_t *parser, const char *data, size_t len);

/* To be called once, after the last piece; `ended` as for rl_urlencoded_finish(). Without the
 * closing delimiter every field gets RL_DOUBT_CUT as well. */
void rl_multipart_finish(rl_multipart_t *parser, bool ended);

typedef enum rl_form_type {
    RL_FORM_NONE, /* no form, or not one that every reader takes for the same */
    RL_FORM_URLENCODED,
    RL_FORM_MULTIPART
} rl_form_type_e;

/* Reads a Content-Type value (RFC 9110 8.3.1, RFC 2046 5.1.1). For multipart/form-data the
 * boundary goes to `boundary`, and its length, 1 to RL_BOUNDARY_MAX, to `boundary_len`;
 * otherwise they are left alone.
 *
 * RL_FORM_NONE, because readers disagree, also for: a parameter whose value is no token or
 * quoted-string (though unquoted ones may hold ()/:=?' as some clients write them); a charset
 * beyond UTF-8, US-ASCII and ISO-8859-1, as UTF-16 and EBCDIC would hide the field; a boundary
 * that comes twice, is empty, too long, ends in a space or holds a comma, semicolon, quote or
 * backslash; the text `boundary` outside that parameter, for CGI.pm and PHP take the first they
 * find; and that parameter's name in another letter case, for CGI.pm then takes the body's
 * first line, whatever it is, for the boundary. */
rl_form_type_e rl_form_type(const char *content_type, size_t len,
                            char boundary[RL_BOUNDARY_MAX], size_t *boundary_len);

#endif
