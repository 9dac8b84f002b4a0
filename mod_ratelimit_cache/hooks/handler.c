/* SPDX-License-Identifier: Apache-2.0 */
#include "handler.h"

#include "../answer/environment.h"
#include "../httpd/handler.h"
#include "../httpd/module.h"
#include "include.h"

/* What httpd sends a file with reads no variables. */
RL_RARELY static int show_program(request_rec *r)
{
    rl_environment_show(r, rl_request_get(r));
    return DECLINED;
}

RL_EACH_REQUEST int rl_handler_first(request_rec *r)
{
    if (r->main != NULL) {
        return rl_include_handler(r);
    }
    return rl_handler_is_for_files(r) ? DECLINED : show_program(r);
}
