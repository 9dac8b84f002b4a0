/* SPDX-License-Identifier: Apache-2.0 */
#include "handler.h"

#include "../answer/environment.h"
#include "../httpd/module.h"
#include "include.h"

RL_EACH_REQUEST int rl_handler_first(request_rec *r)
{
    if (r->main != NULL) {
        return rl_include_handler(r);
    }
    rl_environment_show_program(r);
    return DECLINED;
}
