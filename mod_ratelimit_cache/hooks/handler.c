/* SPDX-License-Identifier: Apache-2.0 */
#include "handler.h"

#include "../answer/environment.h"
#include "../httpd/handler.h"
#include "../httpd/module.h"
#include "include.h"

RL_EACH_REQUEST int rl_handler_first(request_rec *r)
{
    rl_request_t *request;
    if (r->main != NULL) {
        return rl_include_handler(r);
    }
    request = rl_request_get(r);
    if (request != NULL && !rl_handler_is_for_files(r)) { /* what sends a file reads none */
        rl_environment_show(r, request);
    }
    return DECLINED;
}
