/* SPDX-License-Identifier: Apache-2.0 */
/* LogFormat: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats */
#include "format.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "item.h"
#include "line.h"

#define ITEMS_MAX 64

/* A line of one fits those below it as well, up to their end. */
const rl_named_format_t rl_named_formats[] = {
    {"vhost_combined", "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""},
    {"combined", "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""},
    {"vhost_common", "%v %h %l %u %t \"%r\" %>s %b"},
    {"common", "%h %l %u %t \"%r\" %>s %b"},
    {NULL, NULL},
};

/* A format while it is being read. */
typedef struct rl_format_draft {
    apr_pool_t *pool;
    rl_log_format_t *format;
    bool client, time;
} rl_format_draft_t;

static rl_item_t *draft_add(rl_format_draft_t *draft, rl_item_kind_e kind)
{
    rl_item_t *item = &draft->format->items[draft->format->n++];
    *item = (rl_item_t){.kind = kind};
    return item;
}

static void add_literal(rl_format_draft_t *draft, const char *text, size_t len)
{
    rl_item_t *item = draft_add(draft, RL_ITEM_LITERAL);
    item->text = apr_pstrmemdup(draft->pool, text, len);
    item->len = len;
}

/* %{...}t */
static void add_time(rl_format_draft_t *draft, const char *argument)
{
    static const struct {
        const char *word;
        rl_item_kind_e kind;
        int64_t unit;
    } words[] = {{"sec", RL_ITEM_EPOCH, 1000000},
                 {"msec", RL_ITEM_EPOCH, 1000},
                 {"usec", RL_ITEM_EPOCH, 1},
                 {"msec_frac", RL_ITEM_FRACTION, 1000},
                 {"usec_frac", RL_ITEM_FRACTION, 1}};
    const bool at_end = strncmp(argument, "end:", 4) == 0;
    const char *text = argument + (at_end ? 4 : strncmp(argument, "begin:", 6) == 0 ? 6 : 0);
    rl_item_t *item = draft_add(draft, *text == '\0' ? RL_ITEM_TIME : RL_ITEM_STRFTIME);
    item->text = text;
    item->at_end = at_end;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i].word) == 0) {
            item->kind = words[i].kind;
            item->unit = words[i].unit;
            draft->format->fraction |= words[i].unit < 1000000;
        }
    }
    draft->time |= item->kind != RL_ITEM_FRACTION;
}

static void add_duration(rl_format_draft_t *draft, char directive, const char *argument)
{
    rl_item_t *item = draft_add(draft, RL_ITEM_DURATION);
    item->unit = directive == 'D' ? 1 : 1000000;
    if (strcmp(argument, "ms") == 0) {
        item->unit = 1000;
    }
    else if (strcmp(argument, "us") == 0) {
        item->unit = 1;
    }
    draft->format->duration = true;
}

static void format_add_header(rl_format_draft_t *draft, const char *name)
{
    rl_item_t *item;
    if (draft->format->headers == RL_LOG_HEADERS_MAX) {
        draft_add(draft, RL_ITEM_IGNORED);
        return;
    }
    item = draft_add(draft, RL_ITEM_HEADER);
    item->text = name;
    item->index = draft->format->headers++;
}

static void add_directive(rl_format_draft_t *draft, char directive, const char *argument)
{
    switch (directive) {
    case 'h':
    case 'a':
        draft->client |= strcmp(argument, "c") != 0;
        draft_add(draft, strcmp(argument, "c") != 0 ? RL_ITEM_CLIENT : RL_ITEM_IGNORED);
        break;
    case 'u':
        draft->format->user = true;
        draft_add(draft, RL_ITEM_USER);
        break;
    case 'r':
        draft_add(draft, RL_ITEM_REQUEST);
        break;
    case 'm':
        draft_add(draft, RL_ITEM_METHOD);
        break;
    case 'U':
        draft_add(draft, RL_ITEM_URL);
        break;
    case 'q':
        draft_add(draft, RL_ITEM_QUERY);
        break;
    case 'H':
        draft_add(draft, RL_ITEM_PROTOCOL);
        break;
    case 's':
        draft_add(draft, RL_ITEM_STATUS);
        break;
    case 'v':
    case 'V':
        draft_add(draft, RL_ITEM_VHOST);
        break;
    case 'p':
        draft_add(draft, *argument == '\0' || strcmp(argument, "canonical") == 0
                             ? RL_ITEM_PORT
                             : RL_ITEM_IGNORED);
        break;
    case 't':
        add_time(draft, argument);
        break;
    case 'D':
    case 'T':
        add_duration(draft, directive, argument);
        break;
    case 'i':
        format_add_header(draft, argument);
        break;
    default:
        draft_add(draft, RL_ITEM_IGNORED);
        break;
    }
}

/* Reads one directive behind its %: [!status,...][<>]{argument}letter, or ^letters. Returns
 * what follows, or NULL if it is none. */
static const char *parse_directive(rl_format_draft_t *draft, const char *at)
{
    const char *argument = "";
    bool first = false;
    for (; *at == '!' || *at == ',' || apr_isdigit(*at) || *at == '<' || *at == '>'; at++) {
        first |= *at == '<';
    }
    if (*at == '{') {
        const char *end = strchr(at, '}');
        if (end == NULL) {
            return NULL;
        }
        argument = apr_pstrmemdup(draft->pool, at + 1, (apr_size_t)(end - at) - 1);
        at = end + 1;
    }
    if (*at == '^') {
        draft_add(draft, RL_ITEM_IGNORED);
        return strlen(at) >= 3 ? at + 3 : NULL;
    }
    if (*at == '\0') {
        return NULL;
    }
    if (*at == 's' && first) {
        draft_add(draft, RL_ITEM_IGNORED); /* the status before an internal redirect */
    }
    else {
        add_directive(draft, *at, argument);
    }
    return at + 1;
}

/* In a LogFormat \n and \t stand for control characters, and a backslash for what follows. */
static const char *unescape(apr_pool_t *pool, const char *text)
{
    char *plain = apr_pstrdup(pool, text), *to = plain;
    for (; *text != '\0'; text++) {
        if (*text == '\\' && text[1] != '\0') {
            text++;
            *to++ = (char)(*text == 'n' ? '\n' : *text == 't' ? '\t' : *text);
        }
        else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return plain;
}

/* Returns true if where the item ends can be told: %U by the ? of %q, %t by its bracket, others
 * by the text that follows. */
static bool ends_somewhere(const rl_item_t *item, const rl_item_t *next)
{
    return item->kind == RL_ITEM_LITERAL || item->kind == RL_ITEM_TIME ||
           next->kind == RL_ITEM_LITERAL ||
           (item->kind == RL_ITEM_URL && next->kind == RL_ITEM_QUERY);
}

static const char *finish_format(rl_format_draft_t *draft)
{
    rl_log_format_t *format = draft->format;
    if (!draft->client || !draft->time) {
        return "it has to tell the client (%h or %a) and the time (%t)";
    }
    for (int i = 0; i < format->n; i++) {
        const rl_item_kind_e kind = format->items[i].kind;
        if (kind >= RL_ITEM_TIME || kind == RL_ITEM_DURATION) {
            format->timed = i + 1;
        }
    }
    for (int i = 0; i + 1 < format->n; i++) {
        if (!ends_somewhere(&format->items[i], &format->items[i + 1])) {
            return "two fields follow each other with nothing between them";
        }
    }
    return NULL;
}

static const char *parse_items(rl_format_draft_t *draft, const char *at)
{
    while (*at != '\0') {
        const size_t len = strcspn(at, "%");
        if (draft->format->n + 2 > ITEMS_MAX) {
            return "it has too many items";
        }
        if (len > 0) {
            add_literal(draft, at, len);
            at += len;
        }
        else if (at[1] == '%') {
            add_literal(draft, at, 1);
            at += 2;
        }
        else if ((at = parse_directive(draft, at + 1)) == NULL) {
            return "a % has no directive behind it";
        }
    }
    return finish_format(draft);
}

const char *rl_log_format_parse(apr_pool_t *pool, const char *text,
                                const rl_log_format_t **format)
{
    rl_format_draft_t draft = {.pool = pool, .format = apr_pcalloc(pool, sizeof(**format))};
    for (size_t i = 0; rl_named_formats[i].name != NULL; i++) {
        if (strcmp(text, rl_named_formats[i].name) == 0) {
            text = rl_named_formats[i].text;
        }
    }
    draft.format->items = apr_palloc(pool, ITEMS_MAX * sizeof(rl_item_t));
    *format = draft.format;
    return parse_items(&draft, unescape(pool, text));
}

const char *rl_log_format_header(const rl_log_format_t *format, int wanted)
{
    for (int i = 0; i < format->n; i++) {
        if (format->items[i].kind == RL_ITEM_HEADER && format->items[i].index == wanted) {
            return format->items[i].text;
        }
    }
    return NULL;
}

bool rl_log_format_has_duration(const rl_log_format_t *format)
{
    return format->duration;
}

bool rl_log_format_has_user(const rl_log_format_t *format)
{
    return format->user;
}

bool rl_log_format_has_fraction(const rl_log_format_t *format)
{
    return format->fraction;
}
