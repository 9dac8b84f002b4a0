/* SPDX-License-Identifier: Apache-2.0 */
#include "set_cookie.h"

#include <apr_cstr.h>
#include <apr_date.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define DATE_MAX 64 /* bytes of an Expires, with its NUL; a date has up to 34 */

static rl_cookie_text_t trimmed(const char *at, size_t len)
{
    while (len > 0 && (*at == ' ' || *at == '\t')) {
        at++;
        len--;
    }
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) {
        len--;
    }
    return (rl_cookie_text_t){at, len};
}

/* Splits the text before the next semicolon at its first "=", and moves *rest behind the
 * semicolon. Returns false, with an empty value, if there is no "=". */
static bool next_pair(const char **rest, rl_cookie_text_t *name, rl_cookie_text_t *value)
{
    const char *text = *rest;
    const size_t len = strcspn(text, ";");
    const char *equals = memchr(text, '=', len);
    const size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
    *rest = text + len + (text[len] == ';');
    *name = trimmed(text, name_len);
    *value = equals != NULL ? trimmed(equals + 1, len - name_len - 1)
                            : (rl_cookie_text_t){text + len, 0};
    return equals != NULL;
}

static bool is_named(const rl_cookie_text_t *text, const char *name)
{
    return text->len == strlen(name) && apr_cstr_casecmpn(text->at, name, text->len) == 0;
}

static bool cookie_is_empty(const rl_cookie_text_t *value)
{
    return value->len == 0 || (value->len == 2 && memcmp(value->at, "\"\"", 2) == 0);
}

/* ---- when it is over ---- */

typedef enum { AGE_UNSAID, AGE_OVER, AGE_AHEAD } cookie_age_e;

/* Max-Age: seconds from now; over if there are none left. What isn't a number says nothing. */
static cookie_age_e age_of_max_age(const rl_cookie_text_t *value)
{
    cookie_age_e age = AGE_OVER;
    if (value->len == 0 || (!apr_isdigit(value->at[0]) && value->at[0] != '-')) {
        return AGE_UNSAID;
    }
    for (size_t i = 1; i < value->len; i++) {
        if (!apr_isdigit(value->at[i])) {
            return AGE_UNSAID;
        }
    }
    for (size_t i = 0; i < value->len && value->at[0] != '-'; i++) {
        age = value->at[i] != '0' ? AGE_AHEAD : age;
    }
    return age;
}

/* Expires: a date, in PHP's and Netscape's spelling with dashes. apr_date_parse_rfc() gives 0
 * for what isn't one, and for the epoch, with which many remove a cookie: both are over. */
static cookie_age_e age_of_expires(const rl_cookie_text_t *value, int64_t now_s)
{
    char date[DATE_MAX];
    const size_t len = value->len < DATE_MAX - 1 ? value->len : DATE_MAX - 1;
    for (size_t i = 0; i < len; i++) {
        date[i] = value->at[i] == '-' ? ' ' : value->at[i];
    }
    date[len] = '\0';
    return apr_time_sec(apr_date_parse_rfc(date)) > now_s ? AGE_AHEAD : AGE_OVER;
}

/* ---- fields ---- */

/* A browser ignores the dot that a domain begins with (RFC 6265, 5.2.3). */
static rl_cookie_text_t cookie_domain(rl_cookie_text_t text)
{
    const size_t dot = text.len > 0 && text.at[0] == '.';
    return (rl_cookie_text_t){text.at + dot, text.len - dot};
}

/* A path that doesn't begin with a slash is as good as none (5.2.4). */
static rl_cookie_text_t cookie_path(rl_cookie_text_t text)
{
    return text.len > 0 && text.at[0] == '/' ? text : (rl_cookie_text_t){text.at, 0};
}

bool rl_set_cookie_parse(const char *value, int64_t now_s, rl_set_cookie_t *cookie)
{
    cookie_age_e max_age = AGE_UNSAID, expires = AGE_UNSAID;
    rl_cookie_text_t name, text;
    *cookie = (rl_set_cookie_t){.live = false};
    if (!next_pair(&value, &cookie->name, &text) || cookie->name.len == 0) {
        return false;
    }
    cookie->live = !cookie_is_empty(&text);
    while (*value != '\0') {
        next_pair(&value, &name, &text);
        if (is_named(&name, "max-age")) {
            max_age = age_of_max_age(&text);
        }
        else if (is_named(&name, "expires")) {
            expires = age_of_expires(&text, now_s);
        }
        else if (is_named(&name, "domain")) {
            cookie->domain = cookie_domain(text);
        }
        else if (is_named(&name, "path")) {
            cookie->path = cookie_path(text);
        }
    }
    cookie->live &= (max_age != AGE_UNSAID ? max_age : expires) != AGE_OVER;
    return true;
}

static bool cookie_same_text(const rl_cookie_text_t *a, const rl_cookie_text_t *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->at, b->at, a->len) == 0);
}

bool rl_set_cookie_replaces(const rl_set_cookie_t *later, const rl_set_cookie_t *earlier)
{
    return cookie_same_text(&later->name, &earlier->name) &&
           cookie_same_text(&later->path, &earlier->path) &&
           later->domain.len == earlier->domain.len &&
           (later->domain.len == 0 ||
            apr_cstr_casecmpn(later->domain.at, earlier->domain.at, later->domain.len) == 0);
}
