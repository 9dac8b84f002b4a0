/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "../core/meter/first_window.h"
#include "../core/number.h"
#include "../httpd/expression.h"
#include "../httpd/methods.h"
#include "words.h"

static const char first_limit[] =
    "a window that begins with the first request needs a COUNT of at most 16777215";
static const char bad_units[] = "must be an integer from 0 to 4294967295";

/* Reads an option's value. Returns NULL or the reason why it is refused, to which the caller
 * adds directive and token. */
typedef const char *rl_option_fn(rl_draft_t *draft, const char *value);

static bool is_one_of(const char *value, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (ap_cstr_casecmp(value, *words) == 0) {
            return true;
        }
    }
    return false;
}

static const char *option_key(rl_draft_t *draft, const char *value)
{
    return rl_key_parse(draft->cmd, value, &draft->rule->key);
}

/* Values are kept by the number of the window, which a window that begins with its first
 * request doesn't have. */
static const char no_distinct_first[] =
    "distinct= goes with window=staggered and window=clock, not with window=first";

/* `all` would be the same value for all requests. */
static const char *option_distinct(rl_draft_t *draft, const char *value)
{
    rl_key_spec_t *parts = apr_pcalloc(draft->cmd->pool, sizeof(*parts));
    const char *reason = rl_key_parse(draft->cmd, value, parts);
    draft->rule->distinct = parts;
    if (reason != NULL) {
        return reason;
    }
    if (draft->rule->meter.algorithm == RL_FIRST_WINDOW) {
        return no_distinct_first;
    }
    if (draft->rule->meter.algorithm != RL_FIXED_WINDOW) {
        return "needs algorithm=fixed-window";
    }
    return rl_key_has(parts, RL_PART_ALL) ? "all has no different values; name any other part"
                                          : NULL;
}

static const char *option_methods(rl_draft_t *draft, const char *value)
{
    return rl_methods_parse(draft->cmd->pool, value, &draft->rule->methods);
}

static const char *option_algorithm(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {[RL_FIXED_WINDOW] = "fixed-window",
                                        [RL_SLIDING_WINDOW] = "sliding-window",
                                        [RL_TOKEN_BUCKET] = "token-bucket"};
    for (int i = 0; i < (int)(sizeof(words) / sizeof(words[0])); i++) {
        if (ap_cstr_casecmp(value, words[i]) == 0) {
            draft->rule->meter.algorithm = (rl_algorithm_e)i;
            return NULL;
        }
    }
    return "must be fixed-window, sliding-window or token-bucket";
}

static const char *option_window(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {"staggered", "clock", "first", NULL};
    rl_meter_t *meter = &draft->rule->meter;
    meter->aligned = ap_cstr_casecmp(value, "clock") == 0;
    if (!is_one_of(value, words)) {
        return "must be staggered, clock or first";
    }
    if (meter->algorithm != RL_FIXED_WINDOW) {
        return "needs algorithm=fixed-window";
    }
    if (ap_cstr_casecmp(value, "first") == 0) {
        if (draft->rule->distinct != NULL) {
            return no_distinct_first;
        }
        meter->algorithm = RL_FIRST_WINDOW;
        return meter->limit > RL_FIRST_WINDOW_LIMIT ? first_limit : NULL;
    }
    return NULL;
}

static const char *parse_units(const char *value, uint64_t *units)
{
    return rl_number_parse(value, strlen(value), RL_COUNT_MAX, units) ? NULL : bad_units;
}

static const char *parse_bucket(rl_draft_t *draft, const char *value, int64_t *units)
{
    uint64_t n;
    const char *reason = parse_units(value, &n);
    if (reason != NULL) {
        return reason;
    }
    *units = (int64_t)n;
    return draft->rule->meter.algorithm == RL_TOKEN_BUCKET ? NULL
                                                           : "needs algorithm=token-bucket";
}

static const char *option_burst(rl_draft_t *draft, const char *value)
{
    return parse_bucket(draft, value, &draft->rule->burst);
}

/* If the rate is computed, the size of the bucket isn't known yet; if it turns out to be less
 * than initial=, a new bucket is full. */
static const char *option_initial(rl_draft_t *draft, const char *value)
{
    rl_rule_t *rule = draft->rule;
    const char *reason = parse_bucket(draft, value, &rule->initial);
    const int64_t burst = rule->burst >= 0 ? rule->burst : (int64_t)rule->meter.limit;
    const bool unknown = rule->unlimited || (rule->burst < 0 && rule->rate_expr != NULL);
    if (reason != NULL || unknown || rule->initial <= burst) {
        return reason;
    }
    return apr_psprintf(draft->cmd->pool,
                        "must be at most the size of the bucket, burst=%" APR_INT64_T_FMT,
                        burst);
}

/* If the rate is computed, COUNT isn't known yet; the lower of the two is the limit then. */
static const char *option_busy(rl_draft_t *draft, const char *value)
{
    rl_rule_t *rule = draft->rule;
    uint64_t n;
    const char *reason = parse_units(value, &n);
    if (reason != NULL) {
        return reason;
    }
    rule->busy = (int64_t)n;
    if (rule->meter.algorithm == RL_TOKEN_BUCKET) {
        return "goes with windows and with concurrent, not with algorithm=token-bucket";
    }
    if (rule->unlimited) {
        return "a rate of none has no limit that could be lower";
    }
    return rule->rate_expr != NULL || n <= rule->meter.limit
               ? NULL
               : apr_psprintf(draft->cmd->pool, "must be at most COUNT, %u", rule->meter.limit);
}

static const char *option_cost(rl_draft_t *draft, const char *value)
{
    uint64_t n;
    if (strncmp(value, "expr=", 5) == 0) {
        draft->cost_text = value + 5;
        return rl_draft_expr(draft, value + 5, RL_EXPR_STRING, &draft->rule->cost_expr);
    }
    if (parse_units(value, &n) != NULL) {
        return "must be an integer from 0 to 4294967295, or expr=EXPR";
    }
    draft->rule->cost = (uint32_t)n;
    return NULL;
}

static const char *option_when(rl_draft_t *draft, const char *value)
{
    draft->when_text = value;
    return rl_draft_expr(draft, value, RL_EXPR_BOOLEAN, &draft->rule->when);
}

static const char *option_unless(rl_draft_t *draft, const char *value)
{
    draft->unless_text = value;
    return rl_draft_expr(draft, value, RL_EXPR_BOOLEAN, &draft->rule->unless);
}

/* `all`, the default, leaves rule->count NULL: there is nothing to settle later. */
static const char *option_count(rl_draft_t *draft, const char *value)
{
    return ap_cstr_casecmp(value, "all") == 0
               ? NULL
               : rl_outcomes_parse(draft->cmd, value, &draft->rule->count);
}

static const char *option_clear(rl_draft_t *draft, const char *value)
{
    return rl_outcomes_parse(draft->cmd, value, &draft->rule->clear);
}

/* Only an account has an owner, and only a success tells who that is. */
static const char *option_known(rl_draft_t *draft, const char *value)
{
    int64_t duration;
    const char *reason = rl_duration_parse(value, &duration);
    if (reason != NULL) {
        return reason;
    }
    draft->rule->known_s = duration / RL_USEC_PER_SEC;
    if (!draft->rule->key.account) {
        return "needs an account in key=: form:FIELD, claimed-user, user, query:FIELD, "
               "header:NAME, cookie:NAME, env:NAME or expr:STRING";
    }
    return draft->rule->clear != NULL ? NULL : "needs clear=, which says what a success is";
}

static const char *option_group(rl_draft_t *draft, const char *value)
{
    draft->rule->group = value;
    return rl_is_name(value) ? NULL : rl_name_reason;
}

static const char *option_action(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {"deny", "observe", "challenge", NULL};
    draft->rule->observe = ap_cstr_casecmp(value, "observe") == 0;
    draft->rule->challenge = ap_cstr_casecmp(value, "challenge") == 0;
    return is_one_of(value, words) ? NULL : "must be deny, observe or challenge";
}

/* Reads what may follow the first DURATION. Returns NULL or the reason why it is refused. */
static const char *parse_penalty_word(rl_meter_t *meter, const char *word)
{
    const char *reason;
    if (ap_cstr_casecmp(word, "extend") == 0 && !meter->extend) {
        meter->extend = true;
        return NULL;
    }
    if (ap_cstr_casecmpn(word, "double=", 7) != 0 || meter->double_us > 0) {
        return "must be DURATION, and after it perhaps ,extend and ,double=DURATION, each once";
    }
    reason = rl_duration_parse(word + 7, &meter->double_us);
    return reason == NULL && meter->double_us < meter->penalty_us
               ? "double= must be at least as long as the penalty"
               : reason;
}

static const char *option_penalty(rl_draft_t *draft, const char *value)
{
    rl_meter_t *meter = &draft->rule->meter;
    const char *comma = strchr(value, ',');
    const size_t len = comma != NULL ? (size_t)(comma - value) : strlen(value);
    const char *reason = rl_duration_parse(apr_pstrmemdup(draft->cmd->temp_pool, value, len),
                                           &meter->penalty_us);
    while (reason == NULL && comma != NULL) {
        const char *word = comma + 1;
        comma = strchr(word, ',');
        reason = parse_penalty_word(meter, comma == NULL
                                               ? word
                                               : apr_pstrmemdup(draft->cmd->temp_pool, word,
                                                                (apr_size_t)(comma - word)));
    }
    return reason;
}

static const char *parse_missing(const char *value, rl_missing_e *missing)
{
    static const char *const words[] = {"share", "skip", "deny", NULL};
    *missing = ap_cstr_casecmp(value, "skip") == 0   ? RL_MISSING_SKIP
               : ap_cstr_casecmp(value, "deny") == 0 ? RL_MISSING_DENY
                                                     : RL_MISSING_SHARE;
    return is_one_of(value, words) ? NULL : "must be share, skip or deny";
}

/* absent= is the same unless it is given. */
static const char *option_missing(rl_draft_t *draft, const char *value)
{
    const char *reason = parse_missing(value, &draft->rule->missing);
    draft->rule->absent = draft->rule->missing;
    return reason;
}

static const char *option_absent(rl_draft_t *draft, const char *value)
{
    rl_rule_t *rule = draft->rule;
    const char *reason = parse_missing(value, &rule->absent);
    rule->key.absence = rule->absent != rule->missing;
    return reason;
}

static const char *option_fold(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {"on", "off", NULL};
    draft->rule->key.fold = ap_cstr_casecmp(value, "on") == 0;
    return is_one_of(value, words) ? NULL : "must be on or off";
}

/* ---- COUNT/concurrent ---- */

static const char needs_concurrent[] = "goes with COUNT/concurrent only";

static bool is_concurrent(const rl_draft_t *draft)
{
    return draft->rule->meter.algorithm == RL_CONCURRENT;
}

static const char *option_wait(rl_draft_t *draft, const char *value)
{
    return is_concurrent(draft) ? rl_wait_parse(value, &draft->rule->wait_us)
                                : needs_concurrent;
}

static const char *option_queue(rl_draft_t *draft, const char *value)
{
    uint64_t n;
    const char *reason = parse_units(value, &n);
    if (reason == NULL) {
        draft->rule->queue = (int64_t)n;
    }
    return reason != NULL || draft->rule->wait_us > 0 ? reason : "needs wait=";
}

static const char *option_reserve(rl_draft_t *draft, const char *value)
{
    uint64_t n;
    if (!is_concurrent(draft)) {
        return needs_concurrent;
    }
    if (parse_units(value, &n) != NULL) {
        return bad_units;
    }
    draft->rule->reserve = (uint32_t)n;
    return n < draft->rule->meter.limit ? NULL : "must be less than COUNT";
}

static const char *option_prefer(rl_draft_t *draft, const char *value)
{
    return draft->rule->reserve > 0
               ? rl_draft_expr(draft, value, RL_EXPR_BOOLEAN, &draft->rule->prefer)
               : "needs reserve= of 1 or more";
}

static const char *option_status(rl_draft_t *draft, const char *value)
{
    return rl_status_parse(value, &draft->rule->status);
}

static const char *option_on_error(rl_draft_t *draft, const char *value)
{
    return rl_on_error_parse(value, &draft->rule->on_error);
}

static const struct {
    const char *name;
    rl_option_fn *parse;
} options[] = {
    {"algorithm", option_algorithm}, /* first: window, burst and initial depend on it */
    {"key", option_key},
    {"distinct", option_distinct},
    {"methods", option_methods},
    {"window", option_window},
    {"burst", option_burst}, /* before initial */
    {"initial", option_initial},
    {"busy", option_busy},
    {"cost", option_cost},
    {"when", option_when},
    {"unless", option_unless},
    {"count", option_count},
    {"clear", option_clear},
    {"known", option_known}, /* after key and clear */
    {"group", option_group},
    {"action", option_action},
    {"penalty", option_penalty},
    {"missing", option_missing}, /* before absent */
    {"absent", option_absent},
    {"fold", option_fold},
    {"wait", option_wait},
    {"queue", option_queue}, /* after wait */
    {"reserve", option_reserve},
    {"prefer", option_prefer}, /* after reserve */
    {"status", option_status},
    {"on-error", option_on_error},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

static int find_option(const char *token, size_t len)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (strlen(options[i].name) == len && strncmp(options[i].name, token, len) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *not_an_option(apr_pool_t *pool)
{
    const char *names = options[0].name;
    for (size_t i = 1; i < OPTIONS; i++) {
        names = apr_pstrcat(pool, names, ", ", options[i].name, NULL);
    }
    return apr_pstrcat(pool, "not an option; write option=value, option one of ", names, NULL);
}

/* Returns the reason why a token is none, if it seems to be the rest of the option before it
 * (NULL: none), which a blank has split. */
static const char *not_the_rest(apr_pool_t *pool, const char *before, const char *token)
{
    return apr_psprintf(
        pool,
        "not an option; if it belongs to what stands before it, quote the whole "
        "option, \"%s %s ...\"",
        before, token);
}

/* Returns true if the token looks like option=value. */
static bool looks_like_option(const char *token)
{
    const size_t len = strspn(token, "abcdefghijklmnopqrstuvwxyz-");
    return len > 0 && token[len] == '=' && token[len + 1] != '=';
}

/* Finds out which option an argument is, after the argument `before` (NULL: none). Returns NULL
 * or the reason why it is none. */
static const char *identify_option(rl_draft_t *draft, const char *before, const char *token,
                                   int *which)
{
    const size_t len = strcspn(token, "=");
    *which = find_option(token, len);
    if (*which < 0 || token[len] != '=') {
        return before == NULL || looks_like_option(token)
                   ? not_an_option(draft->cmd->temp_pool)
                   : not_the_rest(draft->cmd->temp_pool, before, token);
    }
    if ((draft->seen & 1u << *which) != 0) {
        return "given twice";
    }
    if (token[len + 1] == '\0') {
        return "the value is missing; write option=value without a blank, or quote the whole "
               "option, \"option=value\"";
    }
    if (token[len + 1] == '"' || token[len + 1] == '\'') {
        return "put the quotes around the whole option, \"option=value\"";
    }
    draft->seen |= 1u << *which;
    return NULL;
}

/* Sets given[i] to the index of the argument that is option i, -1 for none. Returns NULL or the
 * error. */
static const char *sort_options(rl_draft_t *draft, int argc, char *const argv[],
                                int given[OPTIONS])
{
    for (size_t i = 0; i < OPTIONS; i++) {
        given[i] = -1;
    }
    const char *before = draft->rule->rate_expr != NULL ? draft->rule->rate_text : NULL;
    for (int i = 0; i < argc; i++) {
        int which;
        const char *reason = identify_option(draft, before, argv[i], &which);
        if (reason != NULL) {
            return rl_draft_error(draft, argv[i], reason);
        }
        given[which] = i;
        before = argv[i];
    }
    return NULL;
}

/* Reads the options in the order of the table, whatever order they are written in, because some
 * depend on earlier ones. */
static const char *parse_all(rl_draft_t *draft, char *const argv[], const int given[OPTIONS])
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const char *token = given[i] >= 0 ? argv[given[i]] : NULL;
        const char *reason =
            token != NULL ? options[i].parse(draft, strchr(token, '=') + 1) : NULL;
        if (reason != NULL) {
            return rl_draft_error(draft, token, reason);
        }
    }
    return NULL;
}

/* Options that say how requests over time are counted. */
static bool is_of_time(const char *option)
{
    static const char *const words[] = {"algorithm", "window",   "burst", "initial",
                                        "cost",      "count",    "clear", "known",
                                        "penalty",   "distinct", NULL};
    return is_one_of(option, words);
}

/* Returns the error if the rule counts requests at the same time, and an option doesn't go with
 * that; else NULL. */
static const char *check_concurrent_words(const rl_draft_t *draft, char *const argv[],
                                          const int given[OPTIONS])
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (is_concurrent(draft) && given[i] >= 0 && is_of_time(options[i].name)) {
            return rl_draft_error(draft, argv[given[i]],
                                  "doesn't go with COUNT/concurrent, which counts the requests "
                                  "that are being served");
        }
    }
    return NULL;
}

static void complete_meter(const rl_draft_t *draft)
{
    rl_rule_t *rule = draft->rule;
    const rl_rate_t rate = {.count = rule->meter.limit, .period_us = rule->meter.period_us};
    if (rule->rate_expr == NULL && !rule->unlimited) {
        rl_rule_meter(rule, &rate, &rule->meter);
        rule->quota_text = apr_psprintf(draft->cmd->pool, "%u", rl_meter_quota(&rule->meter));
    }
}

const char *rl_draft_options(rl_draft_t *draft, int argc, char *const argv[])
{
    int given[OPTIONS];
    const char *error = sort_options(draft, argc, argv, given);
    if (error == NULL) {
        error = check_concurrent_words(draft, argv, given);
    }
    if (error == NULL) {
        error = parse_all(draft, argv, given);
    }
    if (error == NULL && draft->rule->reserve > 0 && draft->rule->prefer == NULL) {
        error = rl_draft_error(draft, "reserve=", "needs prefer=, which says for whom");
    }
    if (error == NULL) {
        complete_meter(draft);
    }
    return error;
}
