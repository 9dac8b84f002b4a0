/* SPDX-License-Identifier: Apache-2.0 */
#include "draft.h"

#include <apr_lib.h>
#include <apr_strings.h>

#define NAME_MAX_LENGTH 31 /* after the first letter */

const char rl_name_reason[] = "must be a letter followed by up to 31 letters, digits, _ or -";

bool rl_is_name(const char *text)
{
    size_t len = 0;
    if (!apr_isalpha(text[0])) {
        return false;
    }
    while (apr_isalnum(text[len]) || text[len] == '_' || text[len] == '-') {
        len++;
    }
    return len <= NAME_MAX_LENGTH + 1 && text[len] == '\0';
}

const char *rl_draft_error(const rl_draft_t *draft, const char *token, const char *reason)
{
    return apr_psprintf(draft->cmd->pool, "%s %s: \"%s\": %s", draft->cmd->cmd->name,
                        draft->rule->name, token, reason);
}

const char *rl_draft_expr(rl_draft_t *draft, const char *text, rl_expr_kind_e kind,
                          const ap_expr_info_t **expr)
{
    draft->reads_user |= rl_expr_reads_user(text);
    draft->reads_env |= rl_expr_reads_env(text);
    draft->reads_pass |= rl_expr_reads_pass(text);
    draft->reads_headers |= rl_expr_reads_headers(text);
    return rl_expr_parse(draft->cmd, text, kind, expr);
}
