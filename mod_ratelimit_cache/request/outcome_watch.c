/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome_watch.h"

#include <util_filter.h>

/* Streams of HTTP/2. mod_http2 tears a stream down, and marks its connection as aborted, as
 * soon as the client has the answer, which may be before log_transaction runs. So c->aborted
 * says nothing there; a filter sees whether the answer went out when it is written. */

static const char watch_name[] = "RL_WATCH_ANSWER";

static apr_status_t watch_answer(ap_filter_t *filter, apr_bucket_brigade *bb)
{
    rl_request_t *request = filter->ctx;
    const apr_status_t rv = ap_pass_brigade(filter->next, bb);
    request->outcome.unanswered |= rv != APR_SUCCESS;
    return rv;
}

void rl_outcome_watch_register(void)
{
    ap_register_output_filter(watch_name, watch_answer, NULL, AP_FTYPE_CONNECTION);
}

void rl_outcome_watch(request_rec *r, rl_request_t *request)
{
    if (!request->outcome.watched && r->connection->master != NULL) {
        ap_add_output_filter(watch_name, request, r, r->connection);
        request->outcome.watched = true;
    }
    request->outcome.matters = true;
}

bool rl_outcome_is_unknown(const conn_rec *c, const rl_request_t *request)
{
    return c->master != NULL ? request->outcome.unanswered : c->aborted != 0;
}
