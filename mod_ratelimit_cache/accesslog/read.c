/* SPDX-License-Identifier: Apache-2.0 */
#include "read.h"

#include <apr_lib.h>
#include <string.h>

#include "../core/number.h"
#include "item.h"
#include "moment.h"

struct rl_log_reader {
    const rl_log_format_t *format;
    rl_second_t second;
    size_t used;                 /* bytes of plain */
    char plain[RL_LOG_LINE_MAX]; /* fields without their escapes */
};

/* One line while it is being read. */
typedef struct rl_log_pass {
    rl_log_reader_t *reader;
    const char *at, *end; /* what is left */
    bool escaped;         /* there is a backslash in it */
    bool only_time;       /* other fields are passed over */
    rl_moment_t moment;
    rl_log_line_t *line;
} rl_log_pass_t;

/* ---- where a field ends ---- */

static const char *find_byte(const char *at, const char *end, char byte)
{
    const char *found = memchr(at, byte, (size_t)(end - at));
    return found != NULL ? found : end;
}

/* Returns the first `byte` that no backslash stands before; else the end. */
static const char *find_unescaped(const rl_log_pass_t *pass, const char *at, char byte)
{
    if (!pass->escaped) {
        return find_byte(at, pass->end, byte);
    }
    for (; at < pass->end && *at != byte; at++) {
        at += *at == '\\' && at + 1 < pass->end;
    }
    return at < pass->end ? at : pass->end;
}

/* Returns where the text of a literal begins, or NULL. */
static const char *find_literal(const rl_log_pass_t *pass, const rl_item_t *literal)
{
    const char *at = pass->at, *end = pass->end;
    while ((at = find_unescaped(pass, at, literal->text[0])) < end) {
        if ((size_t)(end - at) >= literal->len &&
            (literal->len == 1 || memcmp(at, literal->text, literal->len) == 0)) {
            return at;
        }
        at++;
    }
    return NULL;
}

/* Returns the end of the field at pass->at, or NULL. What follows a format's last field is
 * somebody else's. */
static const char *log_field_end(const rl_log_pass_t *pass, const rl_item_t *item,
                                 const rl_item_t *next)
{
    if (item->kind == RL_ITEM_TIME) {
        const char *end = find_byte(pass->at, pass->end, ']');
        return pass->at < pass->end && *pass->at == '[' && end < pass->end ? end + 1 : NULL;
    }
    if (next == NULL) {
        return find_byte(pass->at, pass->end, ' ');
    }
    if (next->kind == RL_ITEM_LITERAL) {
        return find_literal(pass, next);
    }
    return find_byte(pass->at, find_byte(pass->at, pass->end, ' '), '?'); /* %U%q */
}

/* ---- what a field says ---- */

static int hex_digit(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_isxdigit(c) ? apr_tolower(c) - 'a' + 10 : -1;
}

/* Reads one escape behind its backslash, as ap_escape_logitem() writes them. Returns what
 * follows. */
static const char *read_escape(const char *at, const char *end, char *to)
{
    static const char letters[] = "b\bn\nr\rt\tv\v";
    const char *letter = memchr(letters, *at, sizeof(letters) - 1);
    if (*at == 'x' && end - at >= 3 && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
        *to = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
        return at + 3;
    }
    *to = letter != NULL && (letter - letters) % 2 == 0 ? letter[1] : *at;
    return at + 1;
}

/* Sets *field to the bytes between at and end without their escapes: NULL for "-". There is
 * room for them: a field is at most as long as its line. */
static void take_text(const rl_log_pass_t *pass, const rl_log_text_t *text,
                      rl_log_text_t *field)
{
    rl_log_reader_t *reader = pass->reader;
    const char *at = text->at, *end = text->at + text->len;
    char *to = reader->plain + reader->used;
    *field = *text;
    if (text->len == 1 && *at == '-') {
        *field = (rl_log_text_t){.at = NULL};
        return;
    }
    if (!pass->escaped || find_byte(at, end, '\\') == end) {
        return;
    }
    field->at = to;
    while (at < end) {
        if (*at == '\\' && at + 1 < end) {
            at = read_escape(at + 1, end, to++);
        }
        else {
            *to++ = *at++;
        }
    }
    field->len = (size_t)(to - field->at);
    reader->used += field->len;
}

static bool take_int(const rl_log_text_t *text, int max, int *value)
{
    uint64_t number;
    if (text->len == 1 && *text->at == '-') {
        return true;
    }
    if (!rl_number_parse(text->at, text->len, (uint64_t)max, &number)) {
        return false;
    }
    *value = (int)number;
    return true;
}

/* %D is a whole number, as is %T; ms and us, too. */
static bool take_duration(rl_log_line_t *line, const rl_item_t *item, const rl_log_text_t *text)
{
    uint64_t number;
    if (!rl_number_parse(text->at, text->len, INT32_MAX * UINT64_C(1000000), &number)) {
        return text->len == 1 && *text->at == '-';
    }
    if (line->duration < 0 || item->unit < 1000000) {
        line->duration = (int64_t)number * item->unit;
    }
    return true;
}

static void take_word(const char **at, const char *end, rl_log_text_t *word)
{
    const char *stop = find_byte(*at, end, ' ');
    *word = (rl_log_text_t){.at = *at, .len = (size_t)(stop - *at)};
    *at = stop < end ? stop + 1 : end;
}

/* The query begins with its ?, as with %q. */
static void split_url(rl_log_text_t *url, rl_log_text_t *query)
{
    const char *mark = find_byte(url->at, url->at + url->len, '?');
    *query = (rl_log_text_t){.at = mark, .len = (size_t)(url->at + url->len - mark)};
    url->len = (size_t)(mark - url->at);
}

/* Reads METHOD URL PROTOCOL. What is no request line says no method and no URL. */
static void take_request(const rl_log_pass_t *pass, const rl_log_text_t *text,
                         rl_log_line_t *line)
{
    rl_log_text_t plain;
    const char *at, *end;
    take_text(pass, text, &plain);
    if (plain.at == NULL) {
        return;
    }
    at = plain.at;
    end = at + plain.len;
    take_word(&at, end, &line->method);
    if (at == end) {
        line->method = (rl_log_text_t){.at = NULL};
        return;
    }
    take_word(&at, end, &line->url);
    line->protocol = (rl_log_text_t){.at = at, .len = (size_t)(end - at)};
    split_url(&line->url, &line->query);
}

static bool take_field(rl_log_pass_t *pass, const rl_item_t *item, const rl_log_text_t *text)
{
    rl_log_line_t *line = pass->line;
    switch (item->kind) {
    case RL_ITEM_CLIENT:
        take_text(pass, text, &line->client);
        return line->client.at != NULL;
    case RL_ITEM_USER:
        take_text(pass, text, &line->user);
        return true;
    case RL_ITEM_REQUEST:
        take_request(pass, text, line);
        return true;
    case RL_ITEM_METHOD:
        take_text(pass, text, &line->method);
        return true;
    case RL_ITEM_URL:
        take_text(pass, text, &line->url);
        line->decoded = true;
        return true;
    case RL_ITEM_QUERY:
        take_text(pass, text, &line->query);
        return true;
    case RL_ITEM_PROTOCOL:
        take_text(pass, text, &line->protocol);
        return true;
    case RL_ITEM_VHOST:
        take_text(pass, text, &line->vhost);
        return true;
    case RL_ITEM_HEADER:
        take_text(pass, text, &line->headers[item->index]);
        return true;
    case RL_ITEM_STATUS:
        return take_int(text, 999, &line->status);
    case RL_ITEM_PORT:
        return take_int(text, 65535, &line->port);
    case RL_ITEM_DURATION:
        return take_duration(line, item, text);
    case RL_ITEM_TIME:
    case RL_ITEM_STRFTIME:
    case RL_ITEM_EPOCH:
    case RL_ITEM_FRACTION:
        return rl_moment_read(&pass->moment, &pass->reader->second, item, text);
    case RL_ITEM_LITERAL:
    case RL_ITEM_IGNORED:
        break;
    }
    return true;
}

static bool pass_item(rl_log_pass_t *pass, const rl_item_t *item, const rl_item_t *next)
{
    rl_log_text_t text = {.at = pass->at};
    const char *end;
    if (item->kind == RL_ITEM_LITERAL) {
        if ((size_t)(pass->end - pass->at) < item->len ||
            memcmp(pass->at, item->text, item->len) != 0) {
            return false;
        }
        pass->at += item->len;
        return true;
    }
    end = log_field_end(pass, item, next);
    if (end == NULL) {
        return false;
    }
    text.len = (size_t)(end - pass->at);
    pass->at = end;
    if (pass->only_time && item->kind < RL_ITEM_TIME && item->kind != RL_ITEM_DURATION) {
        return true;
    }
    return take_field(pass, item, &text);
}

static bool finish_times(const rl_log_pass_t *pass)
{
    rl_log_line_t *line = pass->line;
    if (!rl_moment_finish(&pass->moment, &line->began)) {
        return false;
    }
    if (pass->moment.at_end && line->duration > 0) {
        line->began -= line->duration;
    }
    return true;
}

/* Reads the first n items. Returns true if the line has them. */
static bool pass_items(rl_log_pass_t *pass, int n)
{
    const rl_log_format_t *format = pass->reader->format;
    memset(pass->line, 0,
           offsetof(rl_log_line_t, headers) +
               (size_t)format->headers * sizeof(pass->line->headers[0]));
    pass->line->duration = -1;
    pass->reader->used = 0;
    for (int i = 0; i < n; i++) {
        if (!pass_item(pass, &format->items[i],
                       i + 1 < format->n ? &format->items[i + 1] : NULL)) {
            return false;
        }
    }
    return true;
}

rl_log_reader_t *rl_log_reader_make(apr_pool_t *pool, const rl_log_format_t *format)
{
    rl_log_reader_t *reader = apr_palloc(pool, sizeof(*reader));
    reader->format = format;
    reader->second.len = 0;
    return reader;
}

static void pass_begin(rl_log_pass_t *pass, const char *text, size_t len)
{
    pass->at = text;
    pass->end = text + len;
    pass->escaped = find_byte(text, pass->end, '\\') < pass->end;
}

bool rl_log_read(rl_log_reader_t *reader, const char *text, size_t len, rl_log_line_t *line)
{
    rl_log_pass_t pass = {.reader = reader, .line = line};
    if (len > RL_LOG_LINE_MAX) {
        return false;
    }
    pass_begin(&pass, text, len);
    return pass_items(&pass, reader->format->n) && (pass.at == pass.end || *pass.at == ' ') &&
           finish_times(&pass);
}

bool rl_log_read_time(rl_log_reader_t *reader, const char *text, size_t len, int64_t *began)
{
    rl_log_line_t line;
    rl_log_pass_t pass = {.reader = reader, .line = &line, .only_time = true};
    if (len > RL_LOG_LINE_MAX) {
        return false;
    }
    pass_begin(&pass, text, len);
    if (!pass_items(&pass, reader->format->timed) || !finish_times(&pass)) {
        return false;
    }
    *began = line.began;
    return true;
}

const char *rl_log_guess(apr_pool_t *pool, const char *line, size_t len)
{
    const rl_named_format_t *named = rl_named_formats;
    const rl_log_format_t *format;
    rl_log_line_t parsed;
    apr_pool_t *tries;
    apr_pool_create(&tries, pool);
    while (named->name != NULL &&
           (rl_log_format_parse(tries, named->name, &format) != NULL ||
            !rl_log_read(rl_log_reader_make(tries, format), line, len, &parsed))) {
        named++;
    }
    apr_pool_destroy(tries);
    return named->name;
}
