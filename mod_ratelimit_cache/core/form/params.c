/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of header values; type and boundary of a form by its Content-Type. */
#include "parser.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
    return (c >= '\0' && c < ' ' && c != '\t') || c == '\x7f';
}

bool rl_is_token_char(char c)
{
    static const bool in_token[256] = {
        ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['!'] = true,
        ['#' ... '&'] = true, ['*' ... '+'] = true, ['-' ... '.'] = true, ['^' ... '`'] = true,
        ['|'] = true,         ['~'] = true};
    return in_token[(unsigned char)c];
}

bool rl_equals_nocase(const char *text, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        if (word[i] == '\0' || lower(text[i]) != word[i]) {
            return false;
        }
    }
    return word[len] == '\0';
}

bool rl_contains_nocase(const char *text, size_t len, const char *word)
{
    const size_t word_len = strlen(word);
    for (size_t i = 0; i + word_len <= len; i++) {
        if (rl_equals_nocase(text + i, word_len, word)) {
            return true;
        }
    }
    return false;
}

int rl_hex_digit(char c)
{
    const char small = lower(c);
    return c >= '0' && c <= '9'           ? c - '0'
           : small >= 'a' && small <= 'f' ? small - 'a' + 10
                                          : -1;
}

static void skip_blanks(rl_params_t *params)
{
    while (params->at < params->end && is_blank(*params->at)) {
        params->at++;
    }
}

static size_t take_token(rl_params_t *params, const char *extra)
{
    const char *const from = params->at;
    while (params->at < params->end &&
           (rl_is_token_char(*params->at) ||
            (*params->at != '\0' && strchr(extra, *params->at) != NULL))) {
        params->at++;
    }
    return (size_t)(params->at - from);
}

/* Steps over a backslash and what it escapes. Clients that know no escapes write file names
 * such as C:\x as they are, so a backslash may also stand for itself. Returns false if the two
 * readings would end the string at different places (`\\"`, or no quote follows). */
static bool skip_backslash(rl_params_t *params)
{
    const ptrdiff_t left = params->end - params->at;
    const bool pair = left > 1 && params->at[1] == '\\';
    if (left < 2 || (pair && (left < 3 || params->at[2] == '"'))) {
        return false;
    }
    params->at += pair || params->at[1] == '"' ? 2 : 1;
    return true;
}

static bool take_quoted(rl_params_t *params, rl_param_t *param)
{
    param->value = ++params->at;
    while (params->at < params->end && *params->at != '"') {
        if (is_control(*params->at)) {
            return false;
        }
        if (*params->at != '\\') {
            params->at++;
        }
        else if (!skip_backslash(params)) {
            return false;
        }
    }
    if (params->at == params->end) {
        return false;
    }
    param->value_len = (size_t)(params->at++ - param->value);
    return true;
}

/* RFC 8187: charset'[language]'text. PHP takes the quotes for quotation marks, which does no
 * harm if there are exactly two. */
static bool take_extended(rl_params_t *params, rl_param_t *param)
{
    param->value = params->at;
    param->value_len = take_token(params, "'");
    size_t quotes = 0;
    for (size_t i = 0; i < param->value_len; i++) {
        quotes += param->value[i] == '\'';
    }
    return quotes == 2;
}

static bool take_param(rl_params_t *params, rl_param_t *param)
{
    param->name = params->at;
    param->name_len = take_token(params, "");
    if (param->name_len == 0 || params->at == params->end || *params->at != '=') {
        return false;
    }
    params->at++;
    param->quoted = params->at < params->end && *params->at == '"';
    if (param->quoted) {
        return take_quoted(params, param);
    }
    if (param->name[param->name_len - 1] == '*') {
        return take_extended(params, param);
    }
    param->value = params->at;
    param->value_len = take_token(params, params->extra);
    return param->value_len > 0;
}

int rl_params_next(rl_params_t *params, rl_param_t *param)
{
    if (params->at == params->end) {
        return 0;
    }
    if (*params->at++ != ';') {
        return -1;
    }
    skip_blanks(params);
    return take_param(params, param) ? 1 : -1;
}

static const char boundary_extra[] = "'()/:=?"; /* bchars that are no token characters here */

static bool is_boundary_char(char c)
{
    return c == ' ' || rl_is_token_char(c) || (c != '\0' && strchr(boundary_extra, c) != NULL);
}

/* Returns true if a reader that searches the header for a type finds another in the boundary.
 */
static bool names_a_type(const rl_param_t *boundary)
{
    static const char *const words[] = {"json", "xml", "urlencoded"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (rl_contains_nocase(boundary->value, boundary->value_len, words[i])) {
            return true;
        }
    }
    return false;
}

/* Returns true if every reader finds this boundary. PHP and CGI.pm take the first one that
 * follows the text `boundary`; CGI.pm wants that text in lower case, and otherwise takes the
 * body's first line for the boundary. Both cut at `,` and `;`; CGI.pm does so in quotes,
 * too. */
static bool boundary_is_clear(const char *content_type, size_t len, const rl_param_t *param)
{
    const char *const value_end = param->value + param->value_len;
    if (param->value_len == 0 || param->value_len > RL_BOUNDARY_MAX || value_end[-1] == ' ') {
        return false;
    }
    for (const char *p = param->value; p < value_end; p++) {
        if (!is_boundary_char(*p)) {
            return false;
        }
    }
    const size_t before = (size_t)(param->name - content_type);
    const size_t behind = (size_t)(content_type + len - value_end);
    return memcmp(param->name, "boundary", param->name_len) == 0 &&
           !rl_contains_nocase(content_type, before, "boundary") &&
           !rl_contains_nocase(value_end, behind, "boundary");
}

/* Reads all parameters; `boundary` is given only for a multipart. Returns false if readers may
 * disagree about the body. */
static bool read_params(rl_params_t *params, const char *charset, rl_param_t *boundary)
{
    rl_param_t param;
    bool charset_seen = false;
    int found;
    while ((found = rl_params_next(params, &param)) == 1) {
        if (rl_equals_nocase(param.name, param.name_len, "charset") && !charset_seen &&
            rl_equals_nocase(param.value, param.value_len, charset)) {
            charset_seen = true;
        }
        else if (boundary != NULL && boundary->name == NULL &&
                 rl_equals_nocase(param.name, param.name_len, "boundary")) {
            *boundary = param;
        }
        else {
            return false;
        }
    }
    return found == 0;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

rl_form_type_e rl_form_type(const char *content_type, size_t len, const char *charset,
                            char boundary[RL_BOUNDARY_MAX], size_t *boundary_len)
{
    rl_params_t params = {content_type, content_type + len, boundary_extra};
    const size_t type_len = take_token(&params, "/");
    rl_param_t param = {0};
    if (is_word(content_type, type_len, "application/x-www-form-urlencoded")) {
        return read_params(&params, charset, NULL) ? RL_FORM_URLENCODED : RL_FORM_NONE;
    }
    if (!is_word(content_type, type_len, "multipart/form-data") ||
        !read_params(&params, charset, &param) || param.name == NULL ||
        !boundary_is_clear(content_type, len, &param) || names_a_type(&param)) {
        return RL_FORM_NONE;
    }
    memcpy(boundary, param.value, param.value_len);
    *boundary_len = param.value_len;
    return RL_FORM_MULTIPART;
}
