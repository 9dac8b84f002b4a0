/* SPDX-License-Identifier: Apache-2.0 */
#include "filters.h"

#include <stdbool.h>

#include "../answer/denial.h"
#include "../answer/known_cookie.h"
#include "../answer/response_fields.h"
#include "../config/config.h"
#include "../httpd/module.h"
#include "../request/holdings.h"
#include "../request/outcome_watch.h"

/* Returns true if a filter may be wanted. A request that plain rules have admitted needs none
 * but for response fields. */
static inline bool may_want_filters(const request_rec *r)
{
    const rl_request_t *request = rl_request_get(r);
    return request != NULL && r->main == NULL &&
           (request->special || request->denied.r != NULL || r->prev != NULL ||
            rl_dir_response_fields(rl_dir_config(r)) != 0);
}

RL_RARELY static void filters_insert(request_rec *r)
{
    rl_outcome_watch_insert(r);
    rl_holdings_insert_filter(r);
    rl_denial_insert_filter(r);
    rl_response_fields_insert(r);
    rl_known_cookie_insert(r);
}

RL_RARELY static void filters_insert_error(request_rec *r)
{
    rl_outcome_watch_insert(r);
    rl_holdings_insert_filter(r);
    rl_known_cookie_insert(r);
    rl_denial_insert_error_filter(r);
    rl_response_fields_insert(r);
}

RL_EACH_REQUEST void rl_filters_insert(request_rec *r)
{
    if (may_want_filters(r)) {
        filters_insert(r);
    }
}

void rl_filters_insert_error(request_rec *r)
{
    if (may_want_filters(r)) {
        filters_insert_error(r);
    }
}
