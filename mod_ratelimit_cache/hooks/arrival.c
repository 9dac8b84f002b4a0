/* SPDX-License-Identifier: Apache-2.0 */
#include "arrival.h"

#include "../answer/environment.h"
#include "../config/config.h"
#include "../httpd/module.h"
#include "../process/busy.h"
#include "../request/upgrade.h"

RL_EACH_REQUEST int rl_arrival_post_read_request(request_rec *r)
{
    if (rl_global_config()->busy != NULL) {
        apr_table_setn(r->subprocess_env, "RATELIMIT_BUSY", rl_busy_now() ? "1" : "0");
    }
    if (r->prev != NULL) {
        rl_environment_redirected(r);
    }
    else {
        rl_upgrade_forget(r->connection);
    }
    return DECLINED;
}
