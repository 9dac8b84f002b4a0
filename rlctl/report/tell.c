/* SPDX-License-Identifier: Apache-2.0 */
/* What `rlctl why` says of a key. */
#include "report/key.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text/paragraph.h"
#include "text/safe.h"
#include "text/words.h"

/* A key, and what the sentences about it need. */
typedef struct story {
    const rlctl_server_t *server;
    const json_t *key, *rule;
    const rlctl_aim_t *aim;
    int64_t now;
    rlctl_key_e state;
} story_t;

static void say(rlctl_style_e style, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(rlctl_style_e style, const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) >= 0) {
        rlctl_paragraph(style, text);
        free(text);
    }
    va_end(arguments);
}

static bool is_fixed(const json_t *rule)
{
    return strcmp(rlctl_text(rule, "algorithm"), "fixed-window") == 0;
}

/* Returns "until 14:03:22 (another 41 s)"; the caller frees it. */
static char *until(const story_t *story, int64_t seconds)
{
    char *moment = rlctl_moment(story->now + seconds, story->now);
    char *left = rlctl_duration(seconds);
    char *text = rlctl_format("until %s (another %s)", moment, left);
    free(moment);
    free(left);
    return text;
}

/* Returns " from 14:01:10 until ...", without what isn't known: when it began, or when it ends,
 * which 0 seconds don't tell. The caller frees it. */
static char *from_until(const story_t *story, int64_t seconds)
{
    const int64_t since = rlctl_count(story->key, "since");
    char *end = seconds > 0 ? until(story, seconds) : rlctl_copy("");
    char *begin = rlctl_moment(since, story->now);
    const bool begins = since > 0 && seconds > 0;
    char *text = rlctl_format("%s%s%s%s", begins ? " from " : "", begins ? begin : "",
                              seconds > 0 ? " " : "", end);
    free(begin);
    free(end);
    return text;
}

/* ---- the sentences ---- */

static void say_rule(const story_t *story)
{
    char *tag = rlctl_safe_text(story->key, "tag");
    char *name = rlctl_safe_text(story->key, "rule");
    char *rate = rlctl_safe_text(story->rule, "rate");
    char *parts = rlctl_safe_text(story->rule, "key");
    char *section = rlctl_safe_text(story->key, "section");
    char *vhost = rlctl_safe_text(story->key, "vhost");
    const bool all = strcmp(parts, "all") == 0;
    say(RLCTL_PLAIN, "%s is a key of the rule %s: %s%s%s%s%s%s.", tag, name,
        *rate != '\0' ? rate : "its limit is not told", all ? " for all clients together" : "",
        !all && *parts != '\0' ? " for each " : "", all ? "" : parts,
        *section != '\0' ? ", in " : "", section);
    if (*vhost != '\0' && rlctl_several_hosts(story->server->report, name)) {
        say(RLCTL_PLAIN, "The rule stands in several virtual hosts; this key is of %s.", vhost);
    }
    free(tag);
    free(name);
    free(rate);
    free(parts);
    free(section);
    free(vhost);
}

static void say_full(const story_t *story, const char *used, const char *limit)
{
    char *span = from_until(story, rlctl_count(story->key, "reset"));
    if (rlctl_observes(story->rule)) {
        say(RLCTL_DOUBT,
            "It is over its limit%s, with %s of %s used, but this rule only observes.", span,
            used, limit);
    }
    else {
        say(RLCTL_BAD, "It is denied%s%s: it has used %s of %s.",
            is_fixed(story->rule) || *span == '\0' ? "" : ", in part at least,", span, used,
            limit);
    }
    free(span);
}

static void say_penalty(const story_t *story, const char *used, const char *limit)
{
    char *span = from_until(story, rlctl_count(story->key, "penalty"));
    if (rlctl_observes(story->rule)) {
        say(RLCTL_DOUBT,
            "It has a penalty%s, but this rule only observes. It has used %s of %s.", span,
            used, limit);
    }
    else {
        say(RLCTL_BAD,
            "It is denied%s, which is a penalty for being over its limit. It has used "
            "%s of %s.",
            span, used, limit);
    }
    free(span);
}

static void say_exempt(const story_t *story, const char *used, const char *limit)
{
    char *span = until(story, rlctl_count(story->key, "exempt"));
    say(RLCTL_GOOD,
        "It is exempt %s: this rule doesn't limit it meanwhile. It has used %s of %s.", span,
        used, limit);
    free(span);
}

static void say_state(const story_t *story)
{
    char *used = rlctl_number(rlctl_count(story->key, "used"));
    char *limit = rlctl_number(rlctl_count(story->key, "limit"));
    switch (story->state) {
    case RLCTL_KEY_EXEMPT:
        say_exempt(story, used, limit);
        break;
    case RLCTL_KEY_PENALTY:
        say_penalty(story, used, limit);
        break;
    case RLCTL_KEY_FULL:
        say_full(story, used, limit);
        break;
    case RLCTL_KEY_CLOSED:
        say(rlctl_observes(story->rule) ? RLCTL_DOUBT : RLCTL_BAD,
            "This rule has a COUNT of 0: whatever comes is over its limit.");
        break;
    default:
        say(RLCTL_GOOD, "It is not denied: it has used %s of %s.", used, limit);
    }
    free(used);
    free(limit);
}

/* When what it has used began to count, and ceases to. */
static void say_window(const story_t *story)
{
    const int64_t reset = rlctl_count(story->key, "reset");
    const int64_t period = rlctl_period(rlctl_text(story->rule, "rate"));
    char *end, *begin;
    if (reset <= 0 || rlctl_count(story->key, "used") == 0) {
        return;
    }
    end = rlctl_moment(story->now + reset, story->now);
    begin = rlctl_moment(story->now + reset - period, story->now);
    if (period >= reset && is_fixed(story->rule)) {
        say(RLCTL_PLAIN, "Its window began at %s and ends at %s.", begin, end);
    }
    else if (story->state != RLCTL_KEY_FULL) {
        say(RLCTL_PLAIN, "Nothing is left of its use at %s.", end);
    }
    free(begin);
    free(end);
}

/* Of its requests only the report tells; of a key that isn't busy nothing. */
static void say_requests(const story_t *story)
{
    const json_t *told = rlctl_key_tagged(story->server->report, rlctl_text(story->key, "tag"));
    const int64_t requests = rlctl_count(told, "requests");
    const int64_t seen = rlctl_count(told, "seen");
    char *all = rlctl_number(requests);
    char *denied = rlctl_number(rlctl_count(told, "denied"));
    char *moment = rlctl_moment(seen, story->now);
    char *ago = rlctl_duration(story->now - seen);
    if (requests > 0 && seen > 0) {
        say(RLCTL_PLAIN,
            "It made %s request%s lately, %s of them over the limit; the last at %s, %s ago.",
            all, requests == 1 ? "" : "s", denied, moment, ago);
    }
    free(all);
    free(denied);
    free(moment);
    free(ago);
}

static void say_values(const story_t *story)
{
    char *values = rlctl_key_values(story->key);
    if (*values != '\0') {
        say(RLCTL_PLAIN, "Its values: %s", values);
    }
    else if (story->aim->tag != NULL) {
        say(RLCTL_FAINT,
            "Who it is isn't told: that takes the word 'keys' in RateLimitLog, and a "
            "denial since then.");
    }
    free(values);
}

/* ---- the commands ---- */

/* Appends " WORD" to words to paste, which are freed. Returns them, or NULL if the word can't
 * be pasted, or words is NULL already. */
static char *with_word(char *words, const char *meant)
{
    char *word = meant != NULL && words != NULL ? rlctl_shell_word(meant) : NULL;
    char *longer = word != NULL ? rlctl_format("%s %s", words, word) : NULL;
    free(word);
    free(words);
    return longer;
}

/* Returns the values as words to paste, each after a blank: those that were asked for, else
 * those that the server tells. NULL if there are none, or one can't be pasted. The caller frees
 * it. */
static char *words_of(const story_t *story)
{
    char *words = rlctl_copy("");
    size_t i;
    json_t *value;
    for (int n = 0; story->aim->tag == NULL && n < story->aim->nvalues; n++) {
        words = with_word(words, story->aim->values[n]);
    }
    if (story->aim->tag != NULL) {
        json_array_foreach(json_object_get(story->key, "values"), i, value)
        {
            char *meant = rlctl_value_meant(json_string_value(value));
            words = with_word(words, meant);
            free(meant);
        }
    }
    if (words != NULL && *words == '\0') {
        free(words);
        words = NULL;
    }
    return words;
}

/* Returns " NAME VALUE" to paste, "" for no value; the caller frees it. */
static char *option_of(const char *name, const char *value)
{
    char *word = value != NULL && *value != '\0' ? rlctl_shell_word(value) : NULL;
    char *text = word != NULL ? rlctl_format(" %s %s", name, word) : rlctl_copy("");
    free(word);
    return text;
}

/* Writes the two commands. By values they work on each server of a fleet; a tag is known to the
 * one that told it. What a COUNT of 0 denies, only an exemption lets in. */
static void put_commands(const story_t *story, const char *options, const char *rule,
                         const char *tag, const char *words)
{
    const bool asked = story->aim->tag == NULL;
    const bool denied = story->state != RLCTL_KEY_FREE && story->state != RLCTL_KEY_EXEMPT;
    const bool closed = story->state == RLCTL_KEY_CLOSED;
    printf("\nTo look closer: rlctl%s show %s%s\n", options, rule,
           asked || words == NULL ? "" : words);
    printf("%s rlctl%s %s %s%s%s\n", denied ? "To free it:    " : "To clear it:   ", options,
           closed ? "exempt" : "clear", words != NULL ? rule : tag, words != NULL ? words : "",
           closed ? " --for 1h" : "");
}

static void say_commands(const story_t *story)
{
    const rlctl_settings_t *settings = &story->server->settings;
    const char *name = rlctl_text(story->key, "rule");
    const bool several = rlctl_several_hosts(story->server->report, name);
    char *url = option_of("--url", settings->url_said ? settings->url : NULL);
    char *vhost = option_of("--vhost", several ? rlctl_text(story->key, "vhost") : NULL);
    char *options = rlctl_format("%s%s", url, vhost);
    char *rule = rlctl_shell_word(name);
    char *tag = rlctl_shell_word(rlctl_text(story->key, "tag"));
    char *words = words_of(story);
    if (rule != NULL && tag != NULL) {
        put_commands(story, options, rule, tag, words);
    }
    free(url);
    free(vhost);
    free(options);
    free(rule);
    free(tag);
    free(words);
}

void rlctl_key_tell(const rlctl_server_t *server, const json_t *key, const rlctl_aim_t *aim)
{
    story_t story = {.server = server,
                     .key = key,
                     .rule = rlctl_rule_of(server->report, key),
                     .aim = aim,
                     .now = rlctl_count(server->report, "time")};
    story.state = rlctl_key_state(key, story.rule);
    say_rule(&story);
    say_state(&story);
    say_window(&story);
    say_requests(&story);
    say_values(&story);
    say_commands(&story);
}

/* Of what the server says the first sentence tells how many keys were found; what follows is
 * what to keep in mind. */
static void say_caveat(const json_t *answer)
{
    const char *text = rlctl_text(answer, "text");
    const char *rest = strstr(text, ". ");
    char *safe = rest != NULL ? rlctl_safe(rest + 2) : NULL;
    if (safe != NULL) {
        putchar('\n');
        rlctl_paragraph(RLCTL_DOUBT, safe);
    }
    free(safe);
}

void rlctl_keys_tell(const rlctl_server_t *server, const json_t *answer, const rlctl_aim_t *aim)
{
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(answer, "keys"), i, key)
    {
        fputs(i > 0 ? "\n" : "", stdout);
        rlctl_key_tell(server, key, aim);
    }
    say_caveat(answer);
}
