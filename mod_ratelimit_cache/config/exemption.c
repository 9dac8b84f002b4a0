/* SPDX-License-Identifier: Apache-2.0 */
#include "exemption.h"

#include <apr_strings.h>
#include <string.h>

#include "../httpd/client.h"
#include "../httpd/expression.h"

/* Reads NAME or NAME=LABEL, a table of networks. Returns NULL or the reason. */
static const char *parse_networks(cmd_parms *cmd, const char *text, rl_exemption_t *exemption)
{
    const ap_directive_t *at = cmd->directive;
    const char *equals = strchr(text, '=');
    const char *name =
        equals != NULL ? apr_pstrmemdup(cmd->pool, text, (apr_size_t)(equals - text)) : text;
    const char *by = apr_psprintf(cmd->pool, "%s \"network:%s\" (%s:%d)", cmd->cmd->name, text,
                                  at->filename, at->line_num);
    if (*name == '\0' || (equals != NULL && equals[1] == '\0')) {
        return "write network:NAME or network:NAME=LABEL";
    }
    exemption->label = equals != NULL ? equals + 1 : NULL;
    return rl_networks_want(cmd->pool, name, by, !rl_cmd_is_tenant(cmd), &exemption->networks);
}

const char *rl_exemption_parse(cmd_parms *cmd, const char *text, rl_exemption_t *exemption)
{
    const char *reason;
    memset(exemption, 0, sizeof(*exemption));
    if (strncmp(text, "env=", 4) == 0) {
        exemption->env = text + 4;
        exemption->reads_env = true;
        return text[4] == '\0' ? "a variable's name must follow env=" : NULL;
    }
    if (strncmp(text, "expr=", 5) == 0) {
        exemption->after_auth = rl_expr_reads_user(text + 5);
        exemption->reads_env = rl_expr_reads_env(text + 5);
        exemption->reads_headers = rl_expr_reads_headers(text + 5);
        exemption->reads_pass = rl_expr_reads_pass(text + 5);
        return rl_expr_parse(cmd, text + 5, RL_EXPR_BOOLEAN, &exemption->expr);
    }
    if (strncmp(text, "network:", 8) == 0) {
        return parse_networks(cmd, text + 8, exemption);
    }
    reason = rl_address_parse_prefix(text, &exemption->network);
    return reason == NULL
               ? NULL
               : apr_pstrcat(cmd->temp_pool, reason,
                             "; write ADDR[/BITS], network:NAME[=LABEL], env=NAME or expr=EXPR",
                             NULL);
}

static bool is_in_networks(const rl_exemption_t *exempt, const rl_address_t *client)
{
    const char *label = rl_networks_label(exempt->networks, client);
    return label != NULL && (exempt->label == NULL || strcmp(label, exempt->label) == 0);
}

static bool matches(request_rec *r, const rl_exemption_t *exempt, const rl_address_t *client)
{
    if (exempt->env != NULL) {
        return apr_table_get(r->subprocess_env, exempt->env) != NULL;
    }
    if (exempt->expr != NULL) {
        const char *error = NULL;
        return ap_expr_exec(r, exempt->expr, &error) > 0;
    }
    if (exempt->networks != NULL) {
        return client != NULL && is_in_networks(exempt, client);
    }
    return client != NULL && rl_address_within(client, &exempt->network);
}

bool rl_exemption_reads_user(const apr_array_header_t *exemptions)
{
    for (int i = 0; exemptions != NULL && i < exemptions->nelts; i++) {
        if (APR_ARRAY_IDX(exemptions, i, rl_exemption_t).after_auth) {
            return true;
        }
    }
    return false;
}

bool rl_exemption_reads_env(const apr_array_header_t *exemptions)
{
    for (int i = 0; exemptions != NULL && i < exemptions->nelts; i++) {
        if (APR_ARRAY_IDX(exemptions, i, rl_exemption_t).reads_env) {
            return true;
        }
    }
    return false;
}

bool rl_exemption_reads_pass(const apr_array_header_t *exemptions)
{
    for (int i = 0; exemptions != NULL && i < exemptions->nelts; i++) {
        if (APR_ARRAY_IDX(exemptions, i, rl_exemption_t).reads_pass) {
            return true;
        }
    }
    return false;
}

bool rl_exemption_reads_headers(const apr_array_header_t *exemptions)
{
    for (int i = 0; exemptions != NULL && i < exemptions->nelts; i++) {
        if (APR_ARRAY_IDX(exemptions, i, rl_exemption_t).reads_headers) {
            return true;
        }
    }
    return false;
}

bool rl_exemption_applies(request_rec *r, const apr_array_header_t *exemptions, bool after_auth)
{
    rl_address_t address;
    const rl_address_t *client;
    if (exemptions == NULL) {
        return false;
    }
    client = rl_client_address(r, &address) ? &address : NULL;
    for (int i = 0; i < exemptions->nelts; i++) {
        const rl_exemption_t *one = &APR_ARRAY_IDX(exemptions, i, rl_exemption_t);
        if (one->after_auth == after_auth && matches(r, one, client)) {
            return true;
        }
    }
    return false;
}
