/* httpd expressions in directives. */
#ifndef RL_HTTPD_EXPRESSION_H
#define RL_HTTPD_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

typedef enum { RL_EXPR_BOOLEAN, RL_EXPR_STRING } rl_expr_kind_e;

/* Whether the directive stands in a tenant's .htaccess. */
bool rl_cmd_is_tenant(const cmd_parms *cmd);

/* Compiles an expression; a tenant's may neither read files nor look behind access control.
 * Returns NULL or the reason. Expressions of ours don't add to Vary: counting doesn't change
 * what a URL means. */
const char *rl_expr_parse(cmd_parms *cmd, const char *text, rl_expr_kind_e kind,
                          const ap_expr_info_t **expr);

/* Evaluates a string expression for the request, and trims the result. False when it can't be
 * evaluated, or is size bytes or longer; text is NUL-terminated then, too. */
bool rl_expr_short_text(request_rec *r, const ap_expr_info_t *expr, char *text, size_t size);

/* Whether the text reads the authenticated user, which is known only after authentication. */
bool rl_expr_reads_user(const char *text);

#endif
