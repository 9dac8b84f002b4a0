/* SPDX-License-Identifier: Apache-2.0 */
#include "answer_header.h"

#include <apr_strings.h>
#include <stdbool.h>
#include <string.h>

#include "../core/set_cookie.h"

#define COOKIES_MAX 64 /* cookies of one answer that are looked at */

/* Fields are read one by one, as the client reads them: of several Set-Cookie fields for one
 * cookie the last counts. */
typedef struct rl_header_reader {
    apr_pool_t *pool;
    const char *location; /* of the first Location; NULL: none yet */
    rl_set_cookie_t cookies[COOKIES_MAX];
    int n;
} rl_header_reader_t;

/* Returns true if the cookie is one of this module's, which no outcome is about: it is set
 * because of one. */
static bool is_own_cookie(const rl_set_cookie_t *cookie)
{
    static const char prefix[] = "ratelimit-";
    const size_t len = sizeof(prefix) - 1;
    return cookie->name.len > len && memcmp(cookie->name.at, prefix, len) == 0;
}

static void reader_add_cookie(rl_header_reader_t *reader, const char *value)
{
    rl_set_cookie_t *cookies = reader->cookies;
    rl_set_cookie_t cookie;
    int i = 0;
    if (!rl_set_cookie_parse(value, apr_time_sec(apr_time_now()), &cookie) ||
        is_own_cookie(&cookie)) {
        return;
    }
    while (i < reader->n && !rl_set_cookie_replaces(&cookie, &cookies[i])) {
        i++;
    }
    if (i < COOKIES_MAX) {
        cookies[i] = cookie;
        reader->n += i == reader->n;
    }
}

/* For apr_table_do(): reads one field. The value stays in use. Returns 1: go on. */
static int reader_add(void *data, const char *name, const char *value)
{
    rl_header_reader_t *reader = data;
    if (ap_cstr_casecmp(name, "Set-Cookie") == 0) {
        reader_add_cookie(reader, value);
    }
    else if (reader->location == NULL && ap_cstr_casecmp(name, "Location") == 0) {
        reader->location = value;
    }
    return 1;
}

static const rl_answer_header_t *reader_end(const rl_header_reader_t *reader)
{
    rl_answer_header_t *header = apr_pcalloc(reader->pool, sizeof(*header));
    header->location = apr_pstrdup(reader->pool, reader->location);
    header->cookies = apr_array_make(reader->pool, reader->n, sizeof(const char *));
    for (int i = 0; i < reader->n; i++) {
        const rl_set_cookie_t *cookie = &reader->cookies[i];
        if (cookie->live) {
            APR_ARRAY_PUSH(header->cookies, const char *) =
                apr_pstrmemdup(reader->pool, cookie->name.at, cookie->name.len);
        }
    }
    return header;
}

const rl_answer_header_t *rl_answer_header_of(request_rec *r)
{
    rl_header_reader_t reader = {.pool = r->pool, .location = NULL, .n = 0};
    apr_table_do(reader_add, &reader, r->err_headers_out, NULL);
    apr_table_do(reader_add, &reader, r->headers_out, NULL);
    return reader_end(&reader);
}

/* Reads a line "name: value", to which it may write. */
static void reader_add_line(rl_header_reader_t *reader, char *line)
{
    char *colon = strchr(line, ':');
    if (colon != NULL) {
        const char *value = colon + 1;
        *colon = '\0';
        reader_add(reader, line, value + strspn(value, " \t"));
    }
}

const rl_answer_header_t *rl_answer_header_parse(apr_pool_t *pool, const char *text, size_t len)
{
    rl_header_reader_t reader = {.pool = pool, .location = NULL, .n = 0};
    char *line = apr_pstrmemdup(pool, text, len);
    char *end;
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (*line == '\0') {
            break;
        }
        reader_add_line(&reader, line);
        line = end + 1;
    }
    return reader_end(&reader);
}
