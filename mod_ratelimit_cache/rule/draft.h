/* SPDX-License-Identifier: Apache-2.0 */
/* A rule while its directive is being read: private to rule/. */
#ifndef RL_RULE_DRAFT_H
#define RL_RULE_DRAFT_H

#include "../httpd/expression.h"
#include "rule.h"

/* What is known of a rule while the arguments of its directive are read. */
typedef struct rl_draft {
    cmd_parms *cmd;
    rl_rule_t *rule; /* being filled in */
    unsigned seen;   /* options that were given: bit i is for the i-th of the table */
    const char *when_text, *unless_text, *cost_text; /* expressions as they are written; NULL:
                                                      * not given */
    bool reads_user; /* an expression that decides how to count reads the authenticated user */
    bool reads_env;  /* or environment variables, */
    bool reads_headers; /* or header fields */
    bool reads_pass;    /* or RATELIMIT_PASS */
} rl_draft_t;

/* Returns the error about one argument, in cmd->pool: directive, rule, token and reason. */
const char *rl_draft_error(const rl_draft_t *draft, const char *token, const char *reason);

/* Compiles an expression that is evaluated when a request is checked, and notes in the draft
 * what it reads; if that is the authenticated user, the rule has to wait for authentication.
 * Returns NULL or the reason why it can't be compiled. */
const char *rl_draft_expr(rl_draft_t *draft, const char *text, rl_expr_kind_e kind,
                          const ap_expr_info_t **expr);

/* Returns true if text can be the name of a rule or a group. rl_name_reason is the reason to
 * give if it can't. */
bool rl_is_name(const char *text);
extern const char rl_name_reason[];

#endif
