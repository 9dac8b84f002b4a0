/* What the files of rule.h share while a directive is read. */
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

/* Reads the options, and makes the meter complete. Returns NULL or the error. */
const char *rl_draft_options(rl_draft_t *draft, int argc, char *const argv[]);

/* Sets what the rule's counters are filed under. */
void rl_draft_identify(const rl_draft_t *draft);

#endif
