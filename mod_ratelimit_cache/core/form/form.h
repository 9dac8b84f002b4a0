/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the values of wanted fields from a form body or a query string that comes in pieces.
 *
 * Nothing here allocates: the caller provides the parser, the fields and their buffers. The
 * parser keeps pointers to fields and buffers, so all of them must stay where they are until
 * finish. Input is fed as (pointer, length) pieces; where it is cut never changes a result. A
 * parser is used by one thread.
 *
 * Two questions are answered apart, because a limit per account needs both:
 * - state: what the standard says the field's value is;
 * - doubts: why an application might read another value. Someone who guesses passwords chooses
 *   the bytes, and would send a body in which this parser finds a fresh name each time while
 *   the login program reads the victim's name. PHP, CGI.pm, Rack, qs, commons-fileupload and
 *   old CGI programs in Perl and C each read sloppy input in their own way. Browsers never
 *   write such input, so doubts cost honest users nothing.
 *
 * rl_form_field_sure() combines the two answers. A field that is not sure has no value. */
#ifndef RL_CORE_FORM_FORM_H
#define RL_CORE_FORM_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RL_FORM_FIELDS_MAX 32 /* wanted fields of a parser */
#define RL_BOUNDARY_MAX    70 /* bytes (RFC 2046 5.1.1) */

typedef enum rl_field_state {
    RL_FIELD_ABSENT,
    RL_FIELD_ONE,      /* occurred once, or several times with the same value */
    RL_FIELD_CONFLICT, /* occurred with two values: CGI.pm takes the first, PHP the last */
    RL_FIELD_TOO_LONG  /* its first value is longer than value_cap */
} rl_field_state_e;

/* Why applications may read another value than this parser does: the bits of a field's
 * doubts. */
enum {
    /* Body: its end was not seen; a second, different value may follow. */
    RL_DOUBT_CUT = 1 << 0,
    /* Body: multipart that readers disagree about; see rl_multipart_feed(). */
    RL_DOUBT_MALFORMED = 1 << 1,
    /* Body: the boundary's text occurs in the data without its dashes. CGI.pm splits there for
     * clients that call themselves `MSIE 3.02; Mac`. */
    RL_DOUBT_BOUNDARY = 1 << 2,
    /* Another name occurs that some application takes for this one: `User`, ` user`, `user[`,
     * `user%00`, and `us.er` for `us_er`. See name.c. urlencoded: the body begins with `?`. */
    RL_DOUBT_NAME = 1 << 3,
    /* urlencoded: a raw `;` in this field's value, or this name next to a raw `;`. CGI.pm also
     * splits at `;`. */
    RL_DOUBT_SEPARATOR = 1 << 4,
    /* urlencoded: a malformed escape, or one in mixed case (%aB), in any name or in this
     * field's value. To the standard it stands for itself; CGI.pm decodes %u0075, the x2c() of
     * NCSA's programs (and mod_auth_form) makes a byte of any two characters after a %, and
     * others refuse the body and read the query string. */
    RL_DOUBT_ESCAPE = 1 << 5,
    /* The value holds a NUL byte, where a program written in C stops reading. urlencoded: any
     * name or value does. */
    RL_DOUBT_NUL = 1 << 6,
    /* multipart: this name occurs with a filename parameter. Some applications read a file,
     * some a field; with an empty filename, CGI.pm reads a field. The content is not read
     * here. */
    RL_DOUBT_FILE = 1 << 7,
    /* multipart: this name occurs with a Content-Type other than text/plain in the form's
     * charset. The content is not read here. */
    RL_DOUBT_ENCODING = 1 << 8,
    /* urlencoded: a raw `=` in this field's value. `split(/=/)` in Perl drops what follows the
     * `=`. */
    RL_DOUBT_EQUALS = 1 << 9,
    /* urlencoded: a raw byte from 0x80 on in any name or in this field's value. formidable
     * drops the high bit, Express a byte order mark. */
    RL_DOUBT_RAW = 1 << 10,
    /* A field `_charset_`: aiohttp, Jetty and Sling decode the others by what it says. */
    RL_DOUBT_CHARSET = 1 << 11,
    /* More than RL_FORM_PAIRS_MAX fields: PHP (max_input_vars) and qs stop there. */
    RL_DOUBT_MANY = 1 << 12,
    /* urlencoded: a malformed escape or a raw byte in another field's value. Some applications
     * then refuse a whole body; in a query string, which people write by hand, it does no
     * harm. */
    RL_DOUBT_ELSEWHERE = 1 << 13,
    /* urlencoded: a raw `"` or `<` anywhere. Programs that look at the body, not at its type,
     * read JSON or XML; forms have them escaped. */
    RL_DOUBT_TYPE = 1 << 14
};

#define RL_FORM_PAIRS_MAX 1000

typedef struct rl_form_field {
    /* In: the wanted name, 1 byte or more, compared byte for byte with decoded names. */
    const char *name;
    size_t name_len;
    /* In: the caller's buffer of value_cap bytes. Out, while state is RL_FIELD_ONE: value_len
     * arbitrary bytes, not terminated. In the other states its content has no meaning. */
    char *value;
    size_t value_cap;
    size_t value_len;
    rl_field_state_e state;
    unsigned doubts; /* RL_DOUBT_ bits; complete only after finish */
    /* The parser's: bytes of the current occurrence, and whether it differs from the value. */
    size_t at;
    bool differs;
} rl_form_field_t;

/* Returns true if the field has one value that applications agree on: its state is
 * RL_FIELD_ONE, and it has no doubts but those in `tolerated` (RL_DOUBT_ bits, 0 for none).
 * Call it after finish. */
bool rl_form_field_sure(const rl_form_field_t *field, unsigned tolerated);

/* Returns true if it is certain that the field is not there: its state is RL_FIELD_ABSENT, and
 * it has no doubts. Call it after finish. */
bool rl_form_field_absent(const rl_form_field_t *field);

/* Returns true if the len bytes at `text` are the wanted name, or if some application takes
 * them for it. */
bool rl_form_name_is_like(const char *text, size_t len, const char *wanted);

#define RL_NAME_MAX 255 /* bytes of a name that are compared with the names of others */

/* The comparison of a name with the wanted names. Sets of fields are bit masks. */
typedef struct rl_name_match {
    size_t len;              /* bytes of the name so far */
    uint32_t exact;          /* fields whose name begins with these bytes */
    uint32_t all;            /* the wanted fields */
    char bytes[RL_NAME_MAX]; /* the name, or its beginning */
} rl_name_match_t;

/* Parses application/x-www-form-urlencoded as the URL standard of the WHATWG does: pairs are
 * separated by `&` only, empty pairs are skipped, the first `=` ends the name, a name without
 * `=` has the empty value, `+` is a space, %XX is a byte in names and values, and a malformed
 * escape stands for itself. Query strings (without the `?`) are parsed alike. */
typedef struct rl_urlencoded {
    rl_form_field_t *fields;
    size_t nfields;
    rl_name_match_t name;
    rl_name_match_t after_semicolon; /* a name to readers that split at `;` */
    uint32_t wanted;                 /* the fields that the current value belongs to */
    unsigned doubts;                 /* of all fields */
    unsigned pairs;                  /* how many ended, empty ones too */
    unsigned char escape;            /* characters of an escape read so far: 0, 1 (%), 2 (%X) */
    char escape_high;
    bool in_value;
    bool semicolon_in_name;
    bool semicolon_name; /* after_semicolon is being read */
} rl_urlencoded_t;

/* Begins an input, and clears the results of the fields. Returns false if nfields exceeds
 * RL_FORM_FIELDS_MAX or a name is empty. */
bool rl_urlencoded_init(rl_urlencoded_t *parser, rl_form_field_t *fields, size_t nfields);

/* Parses the next piece of the input. */
void rl_urlencoded_feed(rl_urlencoded_t *parser, const char *data, size_t len);

/* Ends the input; call it once, after the last piece. `ended` tells that the input ended there
 * too; if only the rest is not looked at, pass false, and every field gets RL_DOUBT_CUT. */
void rl_urlencoded_finish(rl_urlencoded_t *parser, bool ended);

/* Parses multipart/form-data by RFC 7578 and RFC 2046. A body is malformed if a header line of
 * a part is longer than this: */
#define RL_PART_LINE_MAX 2048 /* bytes */

/* What the headers of a part say. */
typedef struct rl_part {
    uint32_t exact; /* the fields that have this part's name */
    uint32_t twins; /* the fields whose name some application takes it for */
    unsigned seen;  /* which headers came: see part.c */
    bool file;      /* RL_DOUBT_FILE */
    bool encoded;   /* RL_DOUBT_ENCODING */
    bool charset;   /* RL_DOUBT_CHARSET */
} rl_part_t;

/* What parts are read for. */
typedef struct rl_part_terms {
    rl_form_field_t *fields;
    size_t nfields;
    const char *charset; /* of the form, in lower case */
} rl_part_terms_t;

typedef struct rl_multipart {
    rl_part_terms_t terms;
    uint32_t wanted;
    unsigned doubts;
    unsigned parts;
    unsigned char state;
    unsigned char crlf;      /* bytes of a CR LF held back, which may begin a delimiter */
    unsigned char delimiter; /* bytes of `--boundary` matched and held back */
    unsigned char bare;      /* bytes of `boundary` matched */
    unsigned char pattern_len;
    char pattern[2 + RL_BOUNDARY_MAX];                   /* --boundary */
    unsigned char delimiter_border[2 + RL_BOUNDARY_MAX]; /* see fill_border() in multipart.c */
    unsigned char bare_border[RL_BOUNDARY_MAX];
    rl_part_t part;
    size_t line_len;
    char line[RL_PART_LINE_MAX];
} rl_multipart_t;

/* Begins a body, and clears the results of the fields. The boundary, 1 to RL_BOUNDARY_MAX
 * bytes, is that of rl_form_type(), and is copied. Returns false if the boundary has another
 * length, there are more fields than RL_FORM_FIELDS_MAX or a name is empty. */
bool rl_multipart_init(rl_multipart_t *parser, const char *boundary, size_t boundary_len,
                       const rl_part_terms_t *terms);

/* Parses the next piece of the body. Returns false once the body is malformed: further input no
 * longer matters.
 *
 * A body is malformed where readers disagree about it, which is wherever no browser would have
 * written it so:
 * - something stands before the first delimiter, or other than CRLFs after the last;
 * - the delimiter's text stands anywhere but on a line of its own between CRLFs, with nothing
 *   behind it, also in a header or after the last part;
 * - a header is neither Content-Disposition nor Content-Type, or one of these twice in a part;
 * - a header holds a bare CR or LF or a control character, is folded, or has no blank after its
 *   colon or one before it;
 * - a Content-Disposition is not `form-data` and `; name=` and perhaps `; filename=` or
 *   `; filename*=` with well-formed values, in small letters;
 * - a name has an encoded word, or a backslash that can be read in two ways;
 * - a multipart is nested. */
bool rl_multipart_feed(rl_multipart_t *parser, const char *data, size_t len);

/* Ends the body; call it once, after the last piece, with `ended` as for
 * rl_urlencoded_finish(). A body without the closing delimiter also gives every field
 * RL_DOUBT_CUT. */
void rl_multipart_finish(rl_multipart_t *parser, bool ended);

typedef enum rl_form_type {
    RL_FORM_NONE, /* no form, or one whose type readers disagree about */
    RL_FORM_URLENCODED,
    RL_FORM_MULTIPART
} rl_form_type_e;

/* Reads the value of a Content-Type header (RFC 9110 8.3.1, RFC 2046 5.1.1) and returns the
 * form's type. For RL_FORM_MULTIPART it sets `boundary`, and *boundary_len to 1 to
 * RL_BOUNDARY_MAX; otherwise it leaves both alone. `charset` is the form's, in lower case.
 *
 * Returns RL_FORM_NONE also where readers disagree:
 * - the type is not in small letters, as all browsers write it;
 * - there is a parameter but one `charset`, which says that charset, and the `boundary` of a
 *   multipart (Laravel takes a body for JSON if `/json` stands anywhere in the header);
 * - a parameter's value is no token or quoted-string (though an unquoted one may hold ()/:=?'
 *   as some clients write them);
 * - the boundary occurs twice, is empty or too long, ends in a space, holds a comma, semicolon,
 *   quote or backslash, or a word that some reader takes for a type;
 * - the text `boundary` occurs outside that parameter: CGI.pm and PHP take the first they find;
 * - that parameter's name is not in lower case: CGI.pm then takes the body's first line for the
 *   boundary, whatever it is. */
rl_form_type_e rl_form_type(const char *content_type, size_t len, const char *charset,
                            char boundary[RL_BOUNDARY_MAX], size_t *boundary_len);

#endif
