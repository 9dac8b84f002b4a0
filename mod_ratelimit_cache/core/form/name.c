/* SPDX-License-Identifier: Apache-2.0 */
/* Compares names of fields with the wanted ones.
 *
 * A name that differs from the wanted one, but that some application takes for it, is its twin:
 *
 *   PHP           drops leading spaces, stops at NUL, turns space, `.` and an unclosed `[` into
 *                 `_`, and takes `user[x]` for an array that replaces `user`
 *   ASP, ASP.NET  ignore the case of letters
 *   Rack          drops brackets around a name (`[user]`, `user]`); so does qs (Node.js)
 *   Django        trims blanks of any kind, and control characters
 *   Express       drops a byte order mark
 *   C programs    stop at NUL
 *   Zope          takes what follows a `:` for the type of the value
 *   Spring        takes `!user` for what `user` is if it isn't sent
 *   some          decode a name twice
 *
 * A wanted name with brackets of its own, `user[email]`, has more: PHP ignores what follows the
 * `]`; Rack reads `user][email]`, `user[[email]` and `user[email` as well; and `user`, `user[]`
 * or `user[0]` makes another thing of `user`. So it is the other way round there: what begins
 * with `user` is a twin, unless it is plainly the name of a sibling such as `user[name]`.
 *
 * The comparison is wider than any of these. All it can do is make a field doubtful, so too
 * wide is safe, as long as names that a real form has side by side stay apart. */
#include "parser.h"

#include <string.h>

/* What is left of a name. */
typedef struct name_rest {
    const char *at;
    const char *end;
    bool cut; /* the name goes on after the end */
    bool gap; /* something was dropped right before */
} name_rest_t;

void rl_name_begin(rl_name_match_t *match, size_t nfields)
{
    match->all = nfields == 0 ? 0 : UINT32_MAX >> (RL_FORM_FIELDS_MAX - nfields);
    match->exact = match->all;
    match->len = 0;
}

void rl_name_byte(rl_name_match_t *match, const rl_form_field_t *fields, char c)
{
    for (uint32_t left = match->exact; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        if (match->len >= fields[i].name_len || fields[i].name[match->len] != c) {
            match->exact &= ~(UINT32_C(1) << i);
        }
    }
    if (match->len < RL_NAME_MAX) {
        match->bytes[match->len] = c;
    }
    match->len++;
}

uint32_t rl_name_exact(const rl_name_match_t *match, const rl_form_field_t *fields)
{
    uint32_t found = 0;
    for (uint32_t left = match->exact; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        found |= fields[i].name_len == match->len ? UINT32_C(1) << i : 0;
    }
    return found;
}

/* ---- twins ---- */

static char lower_letter(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_decimal(char c)
{
    return c >= '0' && c <= '9';
}

/* Dropped by somebody, wherever it stands: blanks, controls, dots, and what isn't ASCII, such
 * as a byte order mark. */
static bool is_dropped(char c)
{
    return (unsigned char)c >= 0x7f || (c > '\0' && c <= ' ') || c == '.';
}

static bool is_bracket(char c)
{
    return c == '[' || c == ']';
}

/* Signs in front of a name or behind it are marks to somebody, who takes them off. */
static bool is_mark(char c)
{
    return is_bracket(c) || (c != '\0' && strchr("!#$'()*+,/:@\\^`|~", c) != NULL);
}

static bool is_underscore_to_some(char c)
{
    return c == '_' || c == ' ' || c == '.' || c == '[';
}

static bool is_same_letter(char a, char b)
{
    return lower_letter(a) == lower_letter(b) ||
           (is_underscore_to_some(a) && is_underscore_to_some(b));
}

/* Reads the wanted name from the beginning of the rest, and drops what follows it and is
 * dropped. Returns false if it doesn't stand there. */
static bool take_name(name_rest_t *rest, const char *wanted, size_t len)
{
    const char *const end = wanted + len;
    while (rest->at < rest->end && *rest->at != *wanted &&
           (is_dropped(*rest->at) || is_mark(*rest->at))) {
        rest->at++;
    }
    for (;;) {
        const bool more = rest->at < rest->end;
        if (more && wanted < end && is_same_letter(*rest->at, *wanted)) {
            rest->at++;
            wanted++;
            rest->gap = false;
        }
        else if (more && is_dropped(*rest->at)) {
            rest->at++;
            rest->gap = true;
        }
        else if (wanted < end && is_dropped(*wanted)) {
            wanted++;
        }
        else {
            return wanted == end || (!more && rest->cut);
        }
    }
}

static bool is_key_char(char c)
{
    const char letter = lower_letter(c);
    return is_decimal(c) || (letter >= 'a' && letter <= 'z') || c == '_' || c == '-';
}

/* Reads [KEY] if it is written plainly. Returns false if not. */
static bool take_key(name_rest_t *rest, const char **key, size_t *len)
{
    if (rest->at == rest->end || *rest->at != '[') {
        return false;
    }
    *key = ++rest->at;
    while (rest->at < rest->end && is_key_char(*rest->at)) {
        rest->at++;
    }
    *len = (size_t)(rest->at - *key);
    return rest->at < rest->end && *rest->at++ == ']';
}

static bool are_same_keys(const char *a, size_t a_len, const char *b, size_t b_len)
{
    bool same = a_len == b_len;
    for (size_t i = 0; same && i < a_len; i++) {
        same = lower_letter(a[i]) == lower_letter(b[i]);
    }
    return same;
}

/* Returns true for the keys of arrays: `[]`, `[0]`. */
static bool is_index(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_decimal(key[i])) {
            return false;
        }
    }
    return true;
}

/* Returns true if the rest is keys, plainly written, that lead to something beside the wanted
 * field, not to it, above it or below it. */
static bool is_sibling(name_rest_t rest, name_rest_t wanted)
{
    const char *key, *wanted_key;
    size_t len, wanted_len;
    bool other = false;
    if (rest.cut) {
        return false;
    }
    while (rest.at < rest.end) {
        if (!take_key(&rest, &key, &len)) {
            return false;
        }
        if (!other) {
            if (is_index(key, len) || !take_key(&wanted, &wanted_key, &wanted_len)) {
                return false;
            }
            other = !are_same_keys(key, len, wanted_key, wanted_len);
        }
    }
    return other;
}

/* Returns true if what follows the base of `user[email]` makes it a twin; keys is `[email]`. */
static bool is_twin_of_keys(const name_rest_t *rest, const name_rest_t *keys)
{
    if (rest->at == rest->end || *rest->at == '\0' || *rest->at == ']') {
        return true;
    }
    if (*rest->at == '[') {
        return !is_sibling(*rest, *keys);
    }
    /* user.email is a twin, username isn't. */
    return rest->gap && keys->end - keys->at > 1 && is_same_letter(*rest->at, keys->at[1]);
}

static bool is_twin(const char *name, size_t len, bool cut, const rl_form_field_t *field)
{
    name_rest_t rest = {.at = name, .end = name + len, .cut = cut};
    name_rest_t keys = {.at = memchr(field->name + 1, '[', field->name_len - 1),
                        .end = field->name + field->name_len};
    const bool plain = keys.at == NULL;
    const char *const base_end = plain ? keys.end : keys.at;
    if (!take_name(&rest, field->name, (size_t)(base_end - field->name))) {
        return false;
    }
    if (plain) {
        return rest.at == rest.end || *rest.at == '\0' || is_mark(*rest.at);
    }
    return is_twin_of_keys(&rest, &keys);
}

/* Decodes %XX in the kept part of a name into `decoded`. Returns the length. */
static size_t decode_again(const rl_name_match_t *match, size_t len, char decoded[RL_NAME_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        const char *const at = match->bytes + i;
        if (*at == '%' && i + 2 < len && rl_hex_digit(at[1]) >= 0 && rl_hex_digit(at[2]) >= 0) {
            decoded[n++] = (char)(rl_hex_digit(at[1]) << 4 | rl_hex_digit(at[2]));
            i += 2;
        }
        else {
            decoded[n++] = *at;
        }
    }
    return n;
}

static bool is_twin_match(const rl_name_match_t *match, const rl_form_field_t *field)
{
    const bool cut = match->len > RL_NAME_MAX;
    const size_t len = cut ? RL_NAME_MAX : match->len;
    char decoded[RL_NAME_MAX];
    if (is_twin(match->bytes, len, cut, field)) {
        return true;
    }
    return memchr(match->bytes, '%', len) != NULL &&
           is_twin(decoded, decode_again(match, len, decoded), cut, field);
}

uint32_t rl_name_twins(const rl_name_match_t *match, const rl_form_field_t *fields)
{
    uint32_t twins = 0;
    for (uint32_t left = match->all & ~rl_name_exact(match, fields); left != 0;
         left &= left - 1) {
        const unsigned i = rl_first_field(left);
        twins |= is_twin_match(match, &fields[i]) ? UINT32_C(1) << i : 0;
    }
    return twins;
}

bool rl_form_name_is_like(const char *text, size_t len, const char *wanted)
{
    const rl_form_field_t field = {.name = wanted, .name_len = strlen(wanted)};
    rl_name_match_t match;
    rl_name_begin(&match, 1);
    for (size_t i = 0; i < len; i++) {
        rl_name_byte(&match, &field, text[i]);
    }
    return len > 0 && (rl_name_exact(&match, &field) | rl_name_twins(&match, &field)) != 0;
}

bool rl_name_is_charset(const rl_name_match_t *match)
{
    static const rl_form_field_t charset = {.name = "_charset_", .name_len = 9};
    return match->len >= charset.name_len && is_twin_match(match, &charset);
}
