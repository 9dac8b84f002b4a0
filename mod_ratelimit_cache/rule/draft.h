/* A rule while its directive is being read. Private to rule/. */
#ifndef RL_RULE_DRAFT_H
#define RL_RULE_DRAFT_H

#include "../httpd/expression.h"
#include "rule.h"

/* What the arguments of one directive come to before they become a rule. */
typedef struct rl_draft {
    cmd_parms *cmd;
    rl_rule_t *rule;
    unsigned seen;   /* bits of options that were given */
    bool reads_user; /* an expression that decides how to count reads the authenticated user */
} rl_draft_t;

/* The error message about one argument. */
const char *rl_draft_complain(const rl_draft_t *draft, const char *token, const char *reason);

/* Compiles an expression that is evaluated when the request is checked, and notes whether it
 * has to wait for authentication. Returns NULL or the reason. */
const char *rl_draft_expr(rl_draft_t *draft, const char *text, rl_expr_kind_e kind,
                          const ap_expr_info_t **expr);

/* Whether text is a rule's or a group's name. */
bool rl_is_name(const char *text);
extern const char rl_bad_name[];

#endif
