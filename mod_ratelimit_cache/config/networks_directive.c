/* SPDX-License-Identifier: Apache-2.0 */
#include "networks_directive.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <http_core.h>
#include <http_log.h>
#include <string.h>

#include "../httpd/expression.h"
#include "../httpd/module.h"
#include "../networks/catalogue.h"
#include "../networks/file.h"
#include "../rule/draft.h"

APLOG_USE_MODULE(ratelimit_cache);

static const char *networks_error(const cmd_parms *cmd, const char *token, const char *reason)
{
    return apr_psprintf(cmd->pool, "%s \"%s\": %s", cmd->cmd->name, token, reason);
}

/* Reads the file, and notes how long that took. Returns NULL or the reason. */
static const char *read_networks(cmd_parms *cmd, rl_networks_t *networks)
{
    const apr_time_t began = apr_time_now();
    const char *reason;
    if (networks->path == NULL) {
        return "not a path";
    }
    reason = rl_network_file_read(cmd->pool, networks->path, &networks->table);
    networks->read_ms = (unsigned)apr_time_as_msec(apr_time_now() - began);
    return reason;
}

const char *rl_networks_directive(cmd_parms *cmd, void *dir, const char *name,
                                  const char *value)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *reason;
    rl_networks_t *networks;
    (void)dir;
    if (error != NULL || rl_cmd_is_tenant(cmd)) {
        return error != NULL
                   ? error
                   : apr_pstrcat(cmd->pool, cmd->cmd->name, ": not allowed in .htaccess", NULL);
    }
    if (!rl_is_name(name)) {
        return networks_error(cmd, name, rl_name_reason);
    }
    if (strncmp(value, "file:", 5) != 0 || value[5] == '\0') {
        return networks_error(cmd, value, "write NAME file:PATH");
    }
    networks = rl_networks_get(name, true);
    if (networks == NULL || networks->path != NULL) {
        return networks_error(cmd, name,
                              networks == NULL ? "there can be at most 64 tables of networks"
                                               : "another RateLimitNetworks has this name");
    }
    networks->path = ap_server_root_relative(cmd->pool, value + 5);
    reason = read_networks(cmd, networks);
    return reason != NULL ? networks_error(cmd, value, reason) : NULL;
}

static apr_status_t clear_networks(void *unused)
{
    (void)unused;
    rl_networks_clear();
    return APR_SUCCESS;
}

int rl_networks_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog, (void)ptemp;
    apr_pool_cleanup_register(pconf, NULL, clear_networks, apr_pool_cleanup_null);
    return OK;
}

int rl_networks_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                             server_rec *s)
{
    const rl_networks_t *networks;
    int result = OK;
    (void)pconf, (void)plog;
    for (unsigned i = 0; (networks = rl_networks_at(i)) != NULL; i++) {
        if (networks->table == NULL) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s, "%s: %s",
                         networks->wanted_by, rl_networks_unknown(ptemp));
            result = HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return result;
}

int rl_networks_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                            server_rec *s)
{
    const rl_networks_t *networks;
    (void)pconf, (void)plog, (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK; /* httpd is only checking the configuration, and will be back */
    }
    for (unsigned i = 0; (networks = rl_networks_at(i)) != NULL; i++) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                     "ratelimit: RateLimitNetworks %s: %" APR_SIZE_T_FMT
                     " prefixes, %" APR_SIZE_T_FMT " labels, %" APR_SIZE_T_FMT
                     " KB, read in %u ms from %s",
                     networks->name, networks->table->prefixes, networks->table->label_count,
                     networks->table->bytes / 1024, networks->read_ms, networks->path);
    }
    return OK;
}
