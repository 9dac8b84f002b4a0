/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <ap_expr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "../httpd/expression.h"

#define STATUS_MIN 100
#define STATUS_MAX 599

struct rl_outcomes {
    const ap_expr_info_t *expr;               /* NULL: status[] decides */
    bool status[STATUS_MAX - STATUS_MIN + 1]; /* in the set? From STATUS_MIN on */
};

static void outcomes_add(rl_outcomes_t *outcomes, int first, int n)
{
    memset(outcomes->status + (first - STATUS_MIN), true, (size_t)n);
}

/* Adds a status, 100 to 599, or a class, 1xx to 5xx. Returns false if the word is neither. */
static bool add_word(rl_outcomes_t *outcomes, const char *word, size_t len)
{
    if (len != 3 || word[0] < '1' || word[0] > '5') {
        return false;
    }
    if (ap_cstr_casecmpn(word + 1, "xx", 2) == 0) {
        outcomes_add(outcomes, (word[0] - '0') * 100, 100);
        return true;
    }
    if (!apr_isdigit(word[1]) || !apr_isdigit(word[2])) {
        return false;
    }
    outcomes_add(outcomes, (word[0] - '0') * 100 + (word[1] - '0') * 10 + (word[2] - '0'), 1);
    return true;
}

static const char *parse_list(const char *text, rl_outcomes_t *outcomes)
{
    for (;; text++) {
        const size_t len = strcspn(text, ",");
        if (!add_word(outcomes, text, len)) {
            return "must be all, a list of statuses and classes such as 401,403,5xx, or "
                   "expr=EXPR";
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
    return strncmp(text, "expr=", 5) == 0
               ? rl_expr_parse(cmd, text + 5, RL_EXPR_BOOLEAN, &outcomes->expr)
               : parse_list(text, outcomes);
}

bool rl_outcomes_include(const rl_outcomes_t *outcomes, request_rec *r, bool unknown)
{
    if (outcomes->expr != NULL) {
        const char *error = NULL;
        const int result = ap_expr_exec(r, outcomes->expr, &error);
        return result < 0 ? unknown : result > 0;
    }
    return r->status >= STATUS_MIN && r->status <= STATUS_MAX &&
           outcomes->status[r->status - STATUS_MIN];
}
