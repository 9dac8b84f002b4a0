/* SPDX-License-Identifier: Apache-2.0 */
/* What the two form parsers share: values of fields, names, headers of parts, and parameters of
 * headers. For the files of core/form/ only. */
#ifndef RL_CORE_FORM_PARSER_H
#define RL_CORE_FORM_PARSER_H

#include "form.h"

/* Returns the first field of a set. Sets of fields are bit masks; a loop walks one:
 *
 *     for (left = mask; left != 0; left &= left - 1) */
static inline unsigned rl_first_field(uint32_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

/* Clears the results of all fields. Returns false if they are too many or a name is empty. */
bool rl_form_fields_init(rl_form_field_t *fields, size_t nfields);

/* Adds doubts to the fields of a mask, or to all fields. */
void rl_form_fields_doubt(rl_form_field_t *fields, uint32_t mask, unsigned doubts);
void rl_form_fields_doubt_all(rl_form_field_t *fields, size_t nfields, unsigned doubts);

/* Read one occurrence of a value, for the fields of a mask: begin, put any number of times,
 * end. */
void rl_form_fields_begin(rl_form_field_t *fields, uint32_t mask);
void rl_form_fields_put(rl_form_field_t *fields, uint32_t mask, const char *data, size_t len);
void rl_form_fields_end(rl_form_field_t *fields, uint32_t mask);

/* Compare a name with the wanted names: begin, then one call for each of its decoded bytes. */
void rl_name_begin(rl_name_match_t *match, size_t nfields);
void rl_name_byte(rl_name_match_t *match, const rl_form_field_t *fields, char c);

/* Return the fields that have the name read so far, and those that do not have it but whose
 * name some application takes it for. */
uint32_t rl_name_exact(const rl_name_match_t *match, const rl_form_field_t *fields);
uint32_t rl_name_twins(const rl_name_match_t *match, const rl_form_field_t *fields);

/* Returns true if the name read so far is `_charset_` to some application. */
bool rl_name_is_charset(const rl_name_match_t *match);

/* Reads one header line of a part, without its CRLF. Returns false if it is malformed. */
bool rl_part_header(rl_part_t *part, const rl_part_terms_t *terms, const char *line,
                    size_t len);

/* Checks the part after its last header. Returns false if it is malformed. */
bool rl_part_complete(const rl_part_t *part);

/* The parameters of a header's value (RFC 9110 5.6.6, RFC 8187):
 *
 *     *( ";" OWS token "=" ( token / quoted-string ) )
 *
 * The RFC allows blanks before a semicolon and nothing after it, which no browser writes.
 *
 * `extra` names characters that the token of a value may hold besides a token's own. A single
 * quote, by the RFC a character of tokens, is none here, because PHP takes it for a quotation
 * mark. */
typedef struct rl_params {
    const char *at;
    const char *end;
    const char *extra;
} rl_params_t;

typedef struct rl_param {
    const char *name;
    size_t name_len;
    const char *value; /* of a quoted string: what is between the quotes, with its escapes */
    size_t value_len;
    bool quoted;
} rl_param_t;

/* Reads the next parameter. Returns 1, 0 if there are no more, or -1 if the rest is
 * malformed. */
int rl_params_next(rl_params_t *params, rl_param_t *param);

/* These look at ASCII letters only, whatever the locale; a word is written in lower case. */
bool rl_is_token_char(char c);
bool rl_equals_nocase(const char *text, size_t len, const char *word);
bool rl_contains_nocase(const char *text, size_t len, const char *word);

/* Returns the value of a hexadecimal digit, or -1. */
int rl_hex_digit(char c);

#endif
