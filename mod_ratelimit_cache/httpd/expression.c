/* SPDX-License-Identifier: Apache-2.0 */
#include "expression.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

#include "../core/fold.h"
#include "module.h"

APLOG_USE_MODULE(ratelimit_cache);

#ifndef AP_EXPR_FLAG_RESTRICTED_FILE_FUNC
#define AP_EXPR_FLAG_RESTRICTED_FILE_FUNC 0
#endif

bool rl_cmd_is_tenant(const cmd_parms *cmd)
{
    return cmd->pool == cmd->temp_pool; /* how ap_check_cmd_context() recognizes an .htaccess */
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

bool rl_expr_short_text(request_rec *r, const ap_expr_info_t *expr, char *text, size_t size)
{
    const char *error = NULL;
    const char *value = ap_expr_str_exec(r, expr, &error);
    size_t len = value != NULL ? strlen(value) : 0;
    text[0] = '\0';
    if (error != NULL || value == NULL) {
        return false;
    }
    rl_trim(&value, &len);
    if (len >= size) {
        return false;
    }
    memcpy(text, value, len);
    text[len] = '\0';
    return true;
}

bool rl_expr_reads_target(const char *text)
{
    static const char *const parts[] = {"_URI", "FILENAME", "PATH_INFO", "QUERY_STRING"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (ap_strcasestr(text, parts[i]) != NULL) {
            return true;
        }
    }
    return false;
}

bool rl_expr_reads_user(const char *text)
{
    return ap_strcasestr(text, "REMOTE_USER") != NULL;
}

bool rl_expr_reads_env(const char *text)
{
    return ap_strcasestr(text, "env") != NULL;
}

bool rl_expr_reads_pass(const char *text)
{
    return ap_strcasestr(text, "RATELIMIT_PASS") != NULL;
}

bool rl_expr_reads_headers(const char *text)
{
    static const char *const words[] = {"http", "req:", "req(", "req_", "req "};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (ap_strcasestr(text, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}
