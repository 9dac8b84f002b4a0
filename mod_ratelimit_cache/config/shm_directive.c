/* SPDX-License-Identifier: Apache-2.0 */
#include "shm_directive.h"

#include <apr_strings.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

/* Returns the reason why no file of this name can be made, renamed and locked there, or NULL.
 * What the file is, if there is one, is looked at when httpd starts. */
static const char *unusable(apr_pool_t *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *folder =
        slash > path ? apr_pstrmemdup(pool, path, (apr_size_t)(slash - path)) : "/";
    struct stat status;
    if (slash[1] == '\0' || (stat(path, &status) == 0 && S_ISDIR(status.st_mode))) {
        return "is a directory; write the name of a file in it";
    }
    if (stat(folder, &status) != 0) {
        return apr_psprintf(pool, "the directory %s: %s; make it first", folder,
                            strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return apr_psprintf(pool, "%s is no directory", folder);
    }
    return access(folder, W_OK | X_OK) != 0
               ? apr_psprintf(pool, "no file can be made in the directory %s: %s", folder,
                              strerror(errno))
               : NULL;
}

static const char *shm_option_file(cmd_parms *cmd, const char *value)
{
    rl_global_config_t *global = rl_global_config();
    const char *path = *value != '\0' ? ap_server_root_relative(cmd->pool, value) : NULL;
    const char *reason;
    if (path == NULL || *path != '/') {
        return "must be the path of a file, absolute or relative to ServerRoot";
    }
    reason = unusable(cmd->pool, path);
    if (reason == NULL && global->table_file != NULL && strcmp(global->table_file, path) != 0) {
        reason = apr_psprintf(cmd->pool,
                              "another RateLimitStore has file=%s, and all virtual hosts "
                              "share one table",
                              global->table_file);
    }
    global->table_file = path;
    return reason;
}

static const char *parse_option(cmd_parms *cmd, const char *option)
{
    if (strncmp(option, "size=", 5) == 0) {
        return rl_table_size_raise(option + 5);
    }
    if (strncmp(option, "tenants=", 8) == 0) {
        return rl_table_tenants_raise(option + 8);
    }
    if (strncmp(option, "file=", 5) == 0) {
        return shm_option_file(cmd, option + 5);
    }
    return "not an option of shm; one of size, tenants, file";
}

const char *rl_shm_directive_parse(cmd_parms *cmd, int argc, char *const argv[])
{
    for (int i = 0; i < argc; i++) {
        const char *reason = parse_option(cmd, argv[i]);
        if (reason != NULL) {
            return apr_psprintf(cmd->pool, "%s \"%s\": %s", cmd->cmd->name, argv[i], reason);
        }
    }
    return NULL;
}
