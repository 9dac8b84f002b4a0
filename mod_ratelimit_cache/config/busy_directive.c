/* SPDX-License-Identifier: Apache-2.0 */
#include "busy_directive.h"

#include <apr_strings.h>
#include <errno.h>

#include "../busy/machine.h"
#include "config.h"

static const char *busy_error(const cmd_parms *cmd, const char *token, const char *reason)
{
    return apr_psprintf(cmd->pool, "%s \"%s\": %s", cmd->cmd->name, token, reason);
}

/* Returns NULL, or the reason why the measure that an argument has added can't be had here. */
static const char *not_measurable(const cmd_parms *cmd, const rl_busy_limits_t *limits)
{
    char text[120];
    if (limits->high[RL_BUSY_PRESSURE] > 0 &&
        rl_busy_pressure(RL_BUSY_PRESSURE_FILE) == RL_BUSY_UNKNOWN) {
        return apr_psprintf(cmd->pool,
                            "this system doesn't tell it: %s can't be read: %s; write workers= "
                            "or load=",
                            RL_BUSY_PRESSURE_FILE, apr_strerror(errno, text, sizeof(text)));
    }
    return limits->high[RL_BUSY_LOAD] > 0 && rl_busy_load() == RL_BUSY_UNKNOWN
               ? "this system doesn't tell its load average; write workers="
               : NULL;
}

const char *rl_busy_directive_parse(cmd_parms *cmd, int argc, char *const argv[])
{
    rl_busy_limits_t *limits = apr_pcalloc(cmd->pool, sizeof(*limits));
    const char *reason;
    for (int i = 0; i < argc; i++) {
        reason = rl_busy_limits_add(limits, argv[i]);
        if (reason == NULL) {
            reason = not_measurable(cmd, limits);
        }
        if (reason != NULL) {
            return busy_error(cmd, argv[i], reason);
        }
    }
    rl_global_config()->busy = limits;
    reason = rl_busy_limits_complete(limits);
    return reason != NULL ? busy_error(cmd, argc > 0 ? argv[0] : "", reason) : NULL;
}
