/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of one part of a multipart/form-data body.
 *
 * Applications read these with anything from a full MIME parser to one regular expression, and
 * the result decides which field the part is. So a header is either written as browsers write
 * it, apart from their order, or the whole body is malformed, since nobody can tell which name
 * the part goes by. Headers that browsers don't write make it malformed, too: Mojolicious
 * decodes a part by its Transfer-Encoding, and Rack names one by its Content-ID. The functions
 * here return false for a malformed header. */
#include "parser.h"

#include <string.h>

enum { SEEN_DISPOSITION = 1, SEEN_TYPE = 2 };

enum { PARAM_NAME = 1, PARAM_FILENAME = 2, PARAM_FILENAME_EXTENDED = 4 };

typedef struct form_name {
    rl_name_match_t plain;   /* with backslash escapes removed */
    rl_name_match_t percent; /* and with %22 %0D %0A decoded, too */
} form_name_t;

static char browser_escape(const char *text, size_t len)
{
    if (len < 3 || text[0] != '%') {
        return '\0';
    }
    return rl_equals_nocase(text, 3, "%22")   ? '"'
           : rl_equals_nocase(text, 3, "%0d") ? '\r'
           : rl_equals_nocase(text, 3, "%0a") ? '\n'
                                              : '\0';
}

/* Compares a part's name with the wanted names. Browsers write a name as it is, but with `"` CR
 * LF as %22 %0D %0A (WHATWG HTML, "multipart/form-data encoding algorithm"), older ones with
 * `\"`. They don't escape `%`, so both readings count. Returns false if a backslash stands
 * before any other character: PHP keeps such a backslash, Rack drops it. */
static bool match_name(const rl_param_t *param, const rl_form_field_t *fields,
                       form_name_t *name)
{
    size_t escaped = 0; /* bytes of a browser's escape that `percent` has yet to skip */
    for (size_t i = 0; i < param->value_len; i++) {
        if (param->value[i] == '\\') {
            i++;
            if (param->value[i] != '"' && param->value[i] != '\\') {
                return false;
            }
        }
        rl_name_byte(&name->plain, fields, param->value[i]);
        if (escaped > 0) {
            escaped--;
            continue;
        }
        const char special = browser_escape(param->value + i, param->value_len - i);
        escaped = special != '\0' ? 2 : 0;
        rl_name_byte(&name->percent, fields, special != '\0' ? special : param->value[i]);
    }
    return true;
}

/* Only commons-fileupload decodes an encoded word (RFC 2047); all others take it for a name.
 * CGI::Simple and HTTP::Body end a name at a `;`. */
static bool set_name(rl_part_t *part, const rl_param_t *param, const rl_part_terms_t *terms)
{
    const rl_form_field_t *const fields = terms->fields;
    form_name_t name;
    rl_name_begin(&name.plain, terms->nfields);
    rl_name_begin(&name.percent, terms->nfields);
    if (rl_contains_nocase(param->value, param->value_len, "=?") ||
        memchr(param->value, ';', param->value_len) != NULL ||
        !match_name(param, fields, &name)) {
        return false;
    }
    part->exact = rl_name_exact(&name.plain, fields) | rl_name_exact(&name.percent, fields);
    part->twins = (rl_name_twins(&name.plain, fields) | rl_name_twins(&name.percent, fields)) &
                  ~part->exact;
    part->charset = rl_name_is_charset(&name.plain);
    return true;
}

static bool is_param(const rl_param_t *param, const char *name)
{
    return param->name_len == strlen(name) && memcmp(param->name, name, param->name_len) == 0;
}

/* Returns which parameter this is, or 0 if no browser writes it so: CGI.pm wants small letters
 * and a blank in front. name* (RFC 5987) is forbidden in forms, and is a name to some
 * applications; other clients than browsers write filename*. */
static int which_param(const rl_param_t *param)
{
    if (param->name[-1] != ' ' || param->name[-2] != ';') {
        return 0;
    }
    return is_param(param, "name")        ? PARAM_NAME
           : is_param(param, "filename")  ? PARAM_FILENAME
           : is_param(param, "filename*") ? PARAM_FILENAME_EXTENDED
                                          : 0;
}

/* Some applications look for `name=` and ignore quotation marks. */
static bool hides_a_name(const rl_param_t *param)
{
    return param->quoted && rl_contains_nocase(param->value, param->value_len, "name=");
}

static bool disposition(rl_part_t *part, const rl_part_terms_t *terms, const char *value,
                        size_t len)
{
    static const char form_data[] = "form-data";
    const size_t type_len = sizeof(form_data) - 1;
    if (len < type_len || memcmp(value, form_data, type_len) != 0) {
        return false;
    }
    rl_params_t params = {value + type_len, value + len, ""};
    rl_param_t param;
    int seen = 0;
    int found;
    while ((found = rl_params_next(&params, &param)) == 1) {
        const int which = which_param(&param);
        if (which == 0 || (seen & which) != 0 || hides_a_name(&param)) {
            return false;
        }
        if (which == PARAM_NAME && !set_name(part, &param, terms)) {
            return false;
        }
        seen |= which;
    }
    part->file = (seen & (PARAM_FILENAME | PARAM_FILENAME_EXTENDED)) != 0;
    return found == 0 && (seen & PARAM_NAME) != 0;
}

/* Returns true if the part is text that is read as it stands. */
static bool is_plain_text(const char *value, size_t len, const char *charset)
{
    static const char text_plain[] = "text/plain";
    const size_t type_len = sizeof(text_plain) - 1;
    if (len < type_len || !rl_equals_nocase(value, type_len, text_plain)) {
        return false;
    }
    rl_params_t params = {value + type_len, value + len, ""};
    rl_param_t param;
    int found;
    while ((found = rl_params_next(&params, &param)) == 1) {
        if (!rl_equals_nocase(param.name, param.name_len, "charset") ||
            !rl_equals_nocase(param.value, param.value_len, charset)) {
            return false;
        }
    }
    return found == 0;
}

/* Python's cgi and CGI.pm take nested multiparts apart or keep them; other readers don't. */
static bool content_type(rl_part_t *part, const rl_part_terms_t *terms, const char *value,
                         size_t len)
{
    part->encoded |= !is_plain_text(value, len, terms->charset);
    return !rl_contains_nocase(value, len, "multipart");
}

static bool first_time(rl_part_t *part, unsigned header)
{
    const bool first = (part->seen & header) == 0;
    part->seen |= header;
    return first;
}

/* Splits `Name: value`. The blank is required because CGI.pm looks for one: it would take
 * `X:Content-Disposition: ...` for a Content-Disposition. The value is required for the same
 * reason. */
static bool split_header(const char *line, size_t len, size_t *name_len, size_t *value_at)
{
    size_t n = 0;
    while (n < len && rl_is_token_char(line[n])) {
        n++;
    }
    *name_len = n;
    if (n == 0 || n == len || line[n++] != ':') {
        return false;
    }
    const size_t blanks_at = n;
    while (n < len && (line[n] == ' ' || line[n] == '\t')) {
        n++;
    }
    *value_at = n;
    return n > blanks_at && n < len;
}

bool rl_part_header(rl_part_t *part, const rl_part_terms_t *terms, const char *line, size_t len)
{
    size_t name_len;
    size_t value_at;
    if (!split_header(line, len, &name_len, &value_at)) {
        return false;
    }
    const char *const value = line + value_at;
    const size_t value_len = len - value_at;
    if (rl_equals_nocase(line, name_len, "content-disposition")) {
        return first_time(part, SEEN_DISPOSITION) && disposition(part, terms, value, value_len);
    }
    return rl_equals_nocase(line, name_len, "content-type") && first_time(part, SEEN_TYPE) &&
           content_type(part, terms, value, value_len);
}

bool rl_part_complete(const rl_part_t *part)
{
    return (part->seen & SEEN_DISPOSITION) != 0;
}
