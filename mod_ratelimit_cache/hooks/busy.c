/* SPDX-License-Identifier: Apache-2.0 */
#include "busy.h"

#include "../config/config.h"
#include "../process/busy.h"

int rl_busy_post_read_request(request_rec *r)
{
    if (rl_global_config()->busy != NULL) {
        apr_table_setn(r->subprocess_env, "RATELIMIT_BUSY", rl_busy_now() ? "1" : "0");
    }
    return DECLINED;
}
