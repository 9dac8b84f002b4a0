/* SPDX-License-Identifier: Apache-2.0 */
#include "denial_text.h"

#define MINUTE 60u
#define HOUR   3600u
#define DAY    86400u

const char *rl_denial_text_type(rl_media_e media)
{
    switch (media) {
    case RL_MEDIA_HTML:
        return "text/html; charset=utf-8";
    case RL_MEDIA_PROBLEM:
        return "application/problem+json";
    default:
        return "text/plain; charset=utf-8";
    }
}

static const char *title_of(const rl_denial_text_t *denial)
{
    return denial->uncounted ? "Service unavailable" : "Too many requests";
}

static void add_count(rl_text_t *text, uint32_t number, const char *unit)
{
    rl_text_add_number(text, number);
    rl_text_add(text, " ");
    rl_text_add(text, unit);
    if (number != 1) {
        rl_text_add(text, "s");
    }
}

static uint32_t rounded_up(uint32_t seconds, uint32_t unit)
{
    return seconds / unit + (seconds % unit > 0 ? 1 : 0);
}

/* Above two minutes people count in larger units; the exact seconds follow in brackets. */
void rl_denial_text_add_wait(rl_text_t *text, uint32_t seconds)
{
    if (seconds > 2 * MINUTE) {
        if (seconds > 2 * DAY) {
            add_count(text, rounded_up(seconds, DAY), "day");
        }
        else if (seconds > 2 * HOUR) {
            add_count(text, rounded_up(seconds, HOUR), "hour");
        }
        else {
            add_count(text, rounded_up(seconds, MINUTE), "minute");
        }
        rl_text_add(text, " (");
        add_count(text, seconds, "second");
        rl_text_add(text, ")");
        return;
    }
    add_count(text, seconds, "second");
}

static void add_what_happened(rl_text_t *text, const rl_denial_text_t *denial)
{
    rl_text_add(text, denial->uncounted ? "The server can't take this request at the moment."
                                        : "There were more requests than are allowed here.");
}

static void add_when(rl_text_t *text, const rl_denial_text_t *denial)
{
    rl_text_add(text, "Please try again in ");
    rl_denial_text_add_wait(text, denial->retry_s);
    rl_text_add(text, ".");
}

static void add_reference(rl_text_t *text, const rl_denial_text_t *denial, const char *before,
                          const char *after)
{
    rl_text_add(text, "If you ask for help with this, quote the reference ");
    rl_text_add(text, before);
    rl_text_add(text, denial->tag);
    rl_text_add(text, after);
}

static void write_text(rl_text_t *text, const rl_denial_text_t *denial)
{
    rl_text_add(text, title_of(denial));
    rl_text_add(text, "\n\n");
    add_what_happened(text, denial);
    rl_text_add(text, "\n");
    add_when(text, denial);
    rl_text_add(text, "\n\n");
    add_reference(text, denial, "", ".\n");
}

static void write_html(rl_text_t *text, const rl_denial_text_t *denial)
{
    rl_text_add(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    rl_text_add(text, title_of(denial));
    rl_text_add(text, "</title></head>\n<body>\n<h1>");
    rl_text_add(text, title_of(denial));
    rl_text_add(text, "</h1>\n<p>");
    add_what_happened(text, denial);
    rl_text_add(text, "</p>\n<p><strong>");
    add_when(text, denial);
    rl_text_add(text, "</strong></p>\n<p>");
    add_reference(text, denial, "<code>", "</code>.</p>\n</body>\n</html>\n");
}

static void add_violated_policies(rl_text_t *text, const rl_denial_text_t *denial)
{
    rl_text_add(text, ",\"violated-policies\":[");
    for (size_t i = 0; i < denial->rules_n; i++) {
        rl_text_add(text, i > 0 ? ",\"" : "\"");
        rl_text_add(text, denial->rules[i]);
        rl_text_add(text, "\"");
    }
    rl_text_add(text, "]");
}

static void write_problem(rl_text_t *text, const rl_denial_text_t *denial)
{
    rl_text_add(text, "{\"type\":\"https://iana.org/assignments/http-problem-types#");
    rl_text_add(text, denial->uncounted ? "temporary-reduced-capacity" : "quota-exceeded");
    rl_text_add(text, "\",\"title\":\"");
    rl_text_add(text, title_of(denial));
    rl_text_add(text, "\",\"status\":");
    rl_text_add_number(text, (uint64_t)denial->status);
    rl_text_add(text, ",\"detail\":\"");
    add_what_happened(text, denial);
    rl_text_add(text, " ");
    add_when(text, denial);
    rl_text_add(text, " ");
    add_reference(text, denial, "", ".\"");
    if (!denial->uncounted) {
        add_violated_policies(text, denial);
    }
    rl_text_add(text, "}\n");
}

void rl_denial_text_write(const rl_denial_text_t *denial, rl_media_e media, rl_text_t *text)
{
    switch (media) {
    case RL_MEDIA_HTML:
        write_html(text, denial);
        break;
    case RL_MEDIA_PROBLEM:
        write_problem(text, denial);
        break;
    default:
        write_text(text, denial);
    }
}
