/* Shared by the form parsers only. */
#ifndef RL_CORE_FORM_PARSER_H
#define RL_CORE_FORM_PARSER_H

#include "form.h"

/* Sets of fields are bit masks, walked by `for (left = mask; left != 0; left &= left - 1)`. */
static inline unsigned rl_first_field(uint32_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

bool rl_form_fields_init(rl_form_field_t *fields, size_t nfields);

/* Adds doubts to the fields of a mask, or to all. */
void rl_form_fields_doubt(rl_form_field_t *fields, uint32_t mask, unsigned doubts);
void rl_form_fields_doubt_all(rl_form_field_t *fields, size_t nfields, unsigned doubts);

/* One occurrence of a value, for the fields of a mask: begin, any number of bytes, end. */
void rl_form_fields_begin(rl_form_field_t *fields, uint32_t mask);
void rl_form_fields_put(rl_form_field_t *fields, uint32_t mask, const char *data, size_t len);
void rl_form_fields_end(rl_form_field_t *fields, uint32_t mask);

void rl_name_begin(rl_name_match_t *match, size_t nfields);
void rl_name_byte(rl_name_match_t *match, const rl_form_field_t *fields, char c);

/* The fields whose name has been seen, and the ones that only look it. */
uint32_t rl_name_exact(const rl_name_match_t *match, const rl_form_field_t *fields);
uint32_t rl_name_twins(const rl_name_match_t *match, const rl_form_field_t *fields);

/* One header line of a part, without its CRLF. False: malformed. */
bool rl_part_header(rl_part_t *part, const rl_form_field_t *fields, size_t nfields,
                    const char *line, size_t len);

/* After the last header. False: malformed. */
bool rl_part_complete(const rl_part_t *part);

/* Parameters of a header value (RFC 9110 5.6.6, RFC 8187): *( OWS ";" OWS [ token "=" ( token /
 * quoted-string ) ] ). `extra` names characters that a value's token may hold beyond a token's.
 * A single quote ends neither a token nor a string, but PHP takes it for a quotation mark, so
 * it is no token character here. */
typedef struct rl_params {
    const char *at;
    const char *end;
    const char *extra;
} rl_params_t;

typedef struct rl_param {
    const char *name;
    size_t name_len;
    const char *value; /* of a quoted string: what is between the quotes, escapes as they are */
    size_t value_len;
    bool quoted;
} rl_param_t;

/* 1: a parameter, 0: no more, -1: malformed. */
int rl_params_next(rl_params_t *params, rl_param_t *param);

/* ASCII only, whatever the locale. */
bool rl_is_token_char(char c);
bool rl_equals_nocase(const char *text, size_t len, const char *word);
bool rl_contains_nocase(const char *text, size_t len, const char *word);
bool rl_charset_is_plain(const char *charset, size_t len);

#endif
