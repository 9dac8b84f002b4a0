/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The field is read once, from left to right, member by member:
 *
 *     member = range *( OWS ";" OWS name "=" ( token / quoted-string ) )
 *
 * Each form gets the q of what names it, in thousandths. A named type takes precedence over a
 * range that includes it, whatever their order (RFC 9110 12.5.1).
 */

#define Q_NONE (-1)
#define Q_FULL 1000
#define BLANKS " \t"

/* The highest q of each form that was named, and of the ranges that include plain text:
 * text/<any> and <any>/<any>. Q_NONE: not there. */
typedef struct rl_wishes {
    int named[RL_MEDIA];
    int any_text, any;
} rl_wishes_t;

static const struct {
    const char *type;
    rl_media_e media;
} types[] = {
    {"text/html", RL_MEDIA_HTML},
    {"application/xhtml+xml", RL_MEDIA_HTML},
    {"application/problem+json", RL_MEDIA_PROBLEM},
    {"application/json", RL_MEDIA_PROBLEM},
    {"text/plain", RL_MEDIA_TEXT},
};

static const char *skip_accept_blanks(const char *text)
{
    return text + strspn(text, BLANKS);
}

/* Returns what follows a token or a quoted string, NULL if the quotes aren't closed. */
static const char *skip_value(const char *text)
{
    if (*text != '"') {
        return text + strcspn(text, ",;" BLANKS);
    }
    for (text++; *text != '\0' && *text != '"'; text++) {
        if (*text == '\\' && text[1] != '\0') {
            text++;
        }
    }
    return *text == '"' ? text + 1 : NULL;
}

/* Reads 0 or 1, either with up to three decimals (RFC 9110 12.4.2). Returns thousandths, Q_NONE
 * for anything else. */
static int parse_q(const char *text, size_t len)
{
    int q = 0, unit = Q_FULL;
    if (len == 0 || len > 5 || (len > 1 && text[1] != '.')) {
        return Q_NONE;
    }
    for (size_t i = 0; i < len; i++) {
        if (i == 1) {
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return Q_NONE;
        }
        q += (text[i] - '0') * unit;
        unit /= 10;
    }
    return q <= Q_FULL ? q : Q_NONE;
}

/* Reads one parameter, after its semicolon; sets *q if it is one. Returns what follows, NULL if
 * it is malformed. */
static const char *read_parameter(const char *text, int *q)
{
    const size_t name_len = strcspn(text, "=,;" BLANKS);
    const char *value = text + name_len + 1, *end;
    if (name_len == 0 || text[name_len] != '=') {
        return NULL;
    }
    end = skip_value(value);
    if (end == NULL || end == value) {
        return NULL;
    }
    if (name_len == 1 && (*text == 'q' || *text == 'Q')) {
        *q = parse_q(value, (size_t)(end - value));
    }
    return end;
}

/* Returns the next comma that isn't in quotes, or the end. */
static const char *skip_member(const char *text)
{
    while (*text != '\0' && *text != ',') {
        const char *end = *text == '"' ? skip_value(text) : text + 1;
        text = end != NULL ? end : text + strlen(text);
    }
    return text;
}

static bool is(const char *range, size_t len, const char *type)
{
    return strlen(type) == len && strncasecmp(range, type, len) == 0;
}

static void raise_to(int *wish, int q)
{
    if (q > *wish) {
        *wish = q;
    }
}

static void note_member(rl_wishes_t *wishes, const char *range, size_t len, int q)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (is(range, len, types[i].type)) {
            raise_to(&wishes->named[types[i].media], q);
            return;
        }
    }
    if (is(range, len, "text/*")) {
        raise_to(&wishes->any_text, q);
    }
    else if (is(range, len, "*/*")) {
        raise_to(&wishes->any, q);
    }
}

/* Reads one member. Returns the comma after it, or the end. */
static const char *read_member(const char *text, rl_wishes_t *wishes)
{
    const char *range = text;
    const size_t len = strcspn(text, ",;" BLANKS);
    int q = Q_FULL;
    text = skip_accept_blanks(text + len);
    while (text != NULL && *text == ';') {
        text = skip_accept_blanks(text + 1);
        /* an empty parameter is tolerated */
        text = *text == ';' || *text == ',' || *text == '\0' ? text : read_parameter(text, &q);
        text = text != NULL ? skip_accept_blanks(text) : NULL;
    }
    if (text == NULL || (*text != ',' && *text != '\0')) {
        return skip_member(range);
    }
    if (q != Q_NONE) {
        note_member(wishes, range, len, q);
    }
    return text;
}

static int q_of_text(const rl_wishes_t *wishes)
{
    if (wishes->named[RL_MEDIA_TEXT] != Q_NONE) {
        return wishes->named[RL_MEDIA_TEXT];
    }
    return wishes->any_text != Q_NONE ? wishes->any_text : wishes->any;
}

rl_media_e rl_accept_choose(const char *accept)
{
    rl_wishes_t wishes = {{Q_NONE, Q_NONE, Q_NONE}, Q_NONE, Q_NONE};
    int html, problem, text;
    if (accept == NULL) {
        return RL_MEDIA_TEXT;
    }
    while (*accept != '\0') {
        accept = skip_accept_blanks(accept);
        accept = *accept == ',' ? accept + 1 : read_member(accept, &wishes);
    }
    html = wishes.named[RL_MEDIA_HTML];
    problem = wishes.named[RL_MEDIA_PROBLEM];
    text = q_of_text(&wishes);
    if (html > 0 && html >= problem && html >= text) {
        return RL_MEDIA_HTML;
    }
    return problem > 0 && problem >= text ? RL_MEDIA_PROBLEM : RL_MEDIA_TEXT;
}
