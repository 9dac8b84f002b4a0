/* SPDX-License-Identifier: Apache-2.0 */
/* httpd expressions in directives: compiling them, and evaluating those that give a string. */
#ifndef RL_HTTPD_EXPRESSION_H
#define RL_HTTPD_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>

typedef enum { RL_EXPR_BOOLEAN, RL_EXPR_STRING } rl_expr_kind_e;

/* Returns true if the directive stands in an .htaccess, whose author is a tenant. */
bool rl_cmd_is_tenant(const cmd_parms *cmd);

/* Compiles the text of an expression into *expr, in cmd->pool. Returns NULL, or the reason why
 * it can't be compiled. A tenant's expression is restricted: it may neither read files nor get
 * around access control. Evaluating the expression adds nothing to the response's Vary field,
 * because counting doesn't change what a URL means. */
const char *rl_expr_parse(cmd_parms *cmd, const char *text, rl_expr_kind_e kind,
                          const ap_expr_info_t **expr);

/* Evaluates a string expression for the request, and copies the result to text, without white
 * space at either end and with a NUL. Returns false, and sets text to "", if the expression
 * can't be evaluated or the result with its NUL takes more than size bytes. */
bool rl_expr_short_text(request_rec *r, const ap_expr_info_t *expr, char *text, size_t size);

/* Returns true if the text of an expression names what is asked for: the URI, the file, the
 * path info or the query string. */
bool rl_expr_reads_target(const char *text);

/* Returns true if the text of an expression reads REMOTE_USER, which is known only after
 * authentication. */
bool rl_expr_reads_user(const char *text);

/* Returns true if the text of an expression may read environment variables: %{env:NAME},
 * reqenv('NAME'), in any letter case. */
bool rl_expr_reads_env(const char *text);

/* Returns true if the text of an expression may read RATELIMIT_PASS. */
bool rl_expr_reads_pass(const char *text);

/* Returns true if the text of an expression may read header fields of the request:
 * %{HTTP:NAME},
 * %{req:NAME}, req('NAME'), %{HTTP_HOST}. */
bool rl_expr_reads_headers(const char *text);

#endif
