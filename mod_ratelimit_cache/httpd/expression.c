#include "expression.h"

#include <apr_strings.h>
#include <http_log.h>

#include "config.h"

APLOG_USE_MODULE(ratelimit_cache);

#ifndef AP_EXPR_FLAG_RESTRICTED_FILE_FUNC
#define AP_EXPR_FLAG_RESTRICTED_FILE_FUNC 0
#endif

bool rl_cmd_is_tenant(const cmd_parms *cmd)
{
    return cmd->pool == cmd->temp_pool; /* as ap_check_cmd_context() knows an .htaccess */
}

const char *rl_expr_parse(cmd_parms *cmd, const char *text, rl_expr_kind_e kind,
                          const ap_expr_info_t **expr)
{
    const char *error = NULL;
    unsigned flags = AP_EXPR_FLAG_DONT_VARY;
    if (kind == RL_EXPR_STRING) {
        flags |= AP_EXPR_FLAG_STRING_RESULT;
    }
    if (rl_cmd_is_tenant(cmd)) {
        flags |= AP_EXPR_FLAG_RESTRICTED | AP_EXPR_FLAG_RESTRICTED_FILE_FUNC;
    }
    if (*text == '\0') {
        return "the expression is empty";
    }
    *expr = ap_expr_parse_cmd(cmd, text, flags, &error, NULL);
    return error == NULL ? NULL
                         : apr_psprintf(cmd->pool, "not a valid httpd expression: %s", error);
}

bool rl_expr_reads_user(const char *text)
{
    return ap_strcasestr(text, "REMOTE_USER") != NULL;
}
