/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <ap_expr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "../core/glob.h"
#include "../httpd/expression.h"

#define STATUS_MIN 100
#define STATUS_MAX 599
#define GLOB_MAX   200 /* bytes of a pattern; a match takes steps for each of them */
#define GLOBS_MAX  16  /* patterns of one set */

typedef struct rl_pattern {
    bool cookie; /* of the name of a cookie; else of a location */
    const char *glob;
} rl_pattern_t;

struct rl_outcomes {
    const ap_expr_info_t *expr; /* NULL: the members below decide */
    const char *expr_text;      /* as it is written */
    bool auth_failed, auth_ok;
    bool any_status;                          /* any of status[] is set */
    bool status[STATUS_MAX - STATUS_MIN + 1]; /* in the set? From STATUS_MIN on */
    int patterns_n;
    rl_pattern_t patterns[GLOBS_MAX];
};

/* ---- reading a set ---- */

static void outcomes_add(rl_outcomes_t *outcomes, int first, int n)
{
    memset(outcomes->status + (first - STATUS_MIN), true, (size_t)n);
    outcomes->any_status = true;
}

/* Adds a status, 100 to 599, or a class, 1xx to 5xx. Returns false if the word is neither. */
static bool add_status(rl_outcomes_t *outcomes, const char *word)
{
    if (strlen(word) != 3 || word[0] < '1' || word[0] > '5') {
        return false;
    }
    if (ap_cstr_casecmp(word + 1, "xx") == 0) {
        outcomes_add(outcomes, (word[0] - '0') * 100, 100);
        return true;
    }
    if (!apr_isdigit(word[1]) || !apr_isdigit(word[2])) {
        return false;
    }
    outcomes_add(outcomes, (word[0] - '0') * 100 + (word[1] - '0') * 10 + (word[2] - '0'), 1);
    return true;
}

/* Adds auth-failed or auth-ok. Returns false if the word is neither. */
static bool add_auth(rl_outcomes_t *outcomes, const char *word)
{
    const bool failed = ap_cstr_casecmp(word, "auth-failed") == 0;
    const bool ok = ap_cstr_casecmp(word, "auth-ok") == 0;
    outcomes->auth_failed |= failed;
    outcomes->auth_ok |= ok;
    return failed || ok;
}

static const char *add_pattern(rl_outcomes_t *outcomes, bool cookie, const char *glob)
{
    if (*glob == '\0' || strlen(glob) > GLOB_MAX) {
        return "needs a pattern of 1 to 200 characters, in which * and ? stand for any";
    }
    if (outcomes->patterns_n == GLOBS_MAX) {
        return "is one too many: a list has at most 16 patterns";
    }
    outcomes->patterns[outcomes->patterns_n++] = (rl_pattern_t){cookie, glob};
    return NULL;
}

/* Adds a word, which stays in use. Returns NULL, or the reason why it is refused. */
static const char *add_word(rl_outcomes_t *outcomes, const char *word)
{
    static const char cookie[] = "set-cookie:", location[] = "location:";
    if (ap_cstr_casecmpn(word, cookie, sizeof(cookie) - 1) == 0) {
        return add_pattern(outcomes, true, word + sizeof(cookie) - 1);
    }
    if (ap_cstr_casecmpn(word, location, sizeof(location) - 1) == 0) {
        return add_pattern(outcomes, false, word + sizeof(location) - 1);
    }
    return add_status(outcomes, word) || add_auth(outcomes, word)
               ? NULL
               : "must be all, expr=EXPR, or a comma list of statuses (401), classes (5xx), "
                 "auth-failed, auth-ok, set-cookie:GLOB and location:GLOB";
}

static const char *parse_list(apr_pool_t *pool, const char *text, rl_outcomes_t *outcomes)
{
    for (;; text++) {
        const size_t len = strcspn(text, ",");
        const char *word = apr_pstrmemdup(pool, text, len);
        const char *reason = add_word(outcomes, word);
        if (reason != NULL) {
            return apr_psprintf(pool, "\"%s\" %s", word, reason);
        }
        text += len;
        if (*text == '\0') {
            return NULL;
        }
    }
}

const char *rl_outcomes_parse(cmd_parms *cmd, const char *text, const rl_outcomes_t **parsed)
{
    rl_outcomes_t *outcomes = apr_pcalloc(cmd->pool, sizeof(*outcomes));
    *parsed = outcomes;
    if (ap_cstr_casecmp(text, "all") == 0) {
        outcomes_add(outcomes, STATUS_MIN, STATUS_MAX - STATUS_MIN + 1);
        return NULL;
    }
    if (strncmp(text, "expr=", 5) != 0) {
        return parse_list(cmd->pool, text, outcomes);
    }
    outcomes->expr_text = text + 5;
    return rl_expr_parse(cmd, text + 5, RL_EXPR_BOOLEAN, &outcomes->expr);
}

/* ---- telling a set ---- */

static int compare_patterns(const void *a, const void *b)
{
    const rl_pattern_t *left = a, *right = b;
    const int order = (int)left->cookie - (int)right->cookie;
    return order != 0 ? order : strcmp(left->glob, right->glob);
}

static const char *statuses_text(apr_pool_t *pool, const rl_outcomes_t *outcomes)
{
    const size_t n = sizeof(outcomes->status) / sizeof(outcomes->status[0]);
    char *text = apr_palloc(pool, n + 1);
    for (size_t i = 0; i < n; i++) {
        text[i] = outcomes->status[i] ? '1' : '0';
    }
    text[n] = '\0';
    return text;
}

const char *rl_outcomes_text(apr_pool_t *pool, const rl_outcomes_t *outcomes)
{
    rl_outcomes_t sorted = *outcomes;
    const char *text;
    if (outcomes->expr != NULL) {
        return apr_pstrcat(pool, "expr ", outcomes->expr_text, NULL);
    }
    qsort(sorted.patterns, (size_t)sorted.patterns_n, sizeof(sorted.patterns[0]),
          compare_patterns);
    text = apr_psprintf(pool, "%d %d ", sorted.auth_failed, sorted.auth_ok);
    text = apr_pstrcat(pool, text, statuses_text(pool, outcomes), NULL);
    for (int i = 0; i < sorted.patterns_n; i++) {
        text = apr_pstrcat(pool, text, sorted.patterns[i].cookie ? " cookie " : " location ",
                           sorted.patterns[i].glob, NULL);
    }
    return text;
}

/* ---- asking a set ---- */

bool rl_outcomes_read_auth(const rl_outcomes_t *outcomes)
{
    return outcomes->auth_failed || outcomes->auth_ok;
}

bool rl_outcomes_read_only_auth(const rl_outcomes_t *outcomes)
{
    return outcomes->expr == NULL && !outcomes->any_status && outcomes->patterns_n == 0;
}

bool rl_outcomes_read_header(const rl_outcomes_t *outcomes)
{
    return outcomes->patterns_n > 0;
}

static bool includes_auth(const rl_outcomes_t *outcomes, rl_auth_e auth)
{
    return (auth == RL_AUTH_FAILED && outcomes->auth_failed) ||
           (auth == RL_AUTH_OK && outcomes->auth_ok);
}

static bool includes_status(const rl_outcomes_t *outcomes, int status)
{
    return status >= STATUS_MIN && status <= STATUS_MAX &&
           outcomes->status[status - STATUS_MIN];
}

static bool matches_cookie(const char *glob, const apr_array_header_t *cookies)
{
    for (int i = 0; cookies != NULL && i < cookies->nelts; i++) {
        const char *name = APR_ARRAY_IDX(cookies, i, const char *);
        if (rl_glob_matches(glob, name, strlen(name))) {
            return true;
        }
    }
    return false;
}

static bool is_redirect(int status)
{
    return status >= 300 && status < 400 && status != HTTP_NOT_MODIFIED;
}

static bool includes_header(const rl_outcomes_t *outcomes, const rl_answer_header_t *header,
                            int status)
{
    const char *location = is_redirect(status) ? header->location : NULL;
    for (int i = 0; i < outcomes->patterns_n; i++) {
        const rl_pattern_t *pattern = &outcomes->patterns[i];
        if (pattern->cookie ? matches_cookie(pattern->glob, header->cookies)
                            : location != NULL &&
                                  rl_glob_matches(pattern->glob, location, strlen(location))) {
            return true;
        }
    }
    return false;
}

static bool includes_answer(const rl_outcomes_t *outcomes, const rl_ending_t *ending,
                            bool unknown)
{
    if (includes_status(outcomes, ending->r->status)) {
        return true;
    }
    if (outcomes->patterns_n > 0 && ending->header == NULL) {
        return unknown;
    }
    return outcomes->patterns_n > 0 &&
           includes_header(outcomes, ending->header, ending->r->status);
}

bool rl_outcomes_include(const rl_outcomes_t *outcomes, const rl_ending_t *ending, bool unknown)
{
    if (includes_auth(outcomes, ending->auth)) {
        return true;
    }
    if (rl_outcomes_read_only_auth(outcomes)) {
        return false;
    }
    if (ending->r == NULL) {
        return unknown;
    }
    if (outcomes->expr != NULL) {
        const char *error = NULL;
        const int result = ap_expr_exec(ending->r, outcomes->expr, &error);
        return result < 0 ? unknown : result > 0;
    }
    return includes_answer(outcomes, ending, unknown);
}
