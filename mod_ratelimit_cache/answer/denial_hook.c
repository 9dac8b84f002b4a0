/* SPDX-License-Identifier: Apache-2.0 */
#include "denial_hook.h"

#include <apr_strings.h>
#include <http_log.h>

#include "../config/config.h"
#include "../key/body.h"
#include "../mod_ratelimit_cache.h"
#include "environment.h"

APLOG_USE_MODULE(ratelimit_cache);

APR_IMPLEMENT_OPTIONAL_HOOK_RUN_ALL(ratelimit, RATELIMIT, int, ratelimit_denial,
                                    (request_rec * r, const ratelimit_denial_t *denial),
                                    (r, denial), OK, DECLINED)

static bool is_anybody_interested(void)
{
    return apr_optional_hook_get("ratelimit_denial") != NULL;
}

static void describe_denial(request_rec *r, const rl_claim_t *claim, int status, int64_t now,
                            ratelimit_denial_t *denial)
{
    char tag[RL_TAG_LENGTH + 1];
    rl_digest_tag(&claim->op.key, tag);
    *denial = (ratelimit_denial_t){
        .size = sizeof(*denial),
        .rule = claim->name,
        .limit_text = claim->invalid
                          ? claim->rule->rate_text
                          : rl_rule_rate_text(r->pool, claim->rule, &claim->op.meter),
        .key = apr_pstrdup(r->pool, tag),
        .status = status,
        .store_failed = claim->uncounted,
        .limit = rl_meter_quota(&claim->op.meter),
        .remaining = rl_claim_remaining(claim),
        .reset = rl_seconds_until(rl_step_free_at(&claim->step), now),
        .retry_after = rl_seconds_until(claim->step.retry, now),
    };
}

static bool is_error_status(int status)
{
    return status >= 400 && status <= 599;
}

/* Runs the hook. A module that writes the response must say in it that the connection ends, if
 * a part of the body is still to come; else httpd would wait for the body. So keepalive is off
 * while the hook runs, and stays off if a module has answered. */
static int run_denial_hook(request_rec *r, const rl_body_t *body,
                           const ratelimit_denial_t *denial)
{
    const ap_conn_keepalive_e keepalive = r->connection->keepalive;
    int result;
    if (rl_body_is_unread(r, body)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    result = ratelimit_run_ratelimit_denial(r, denial);
    if (result != DONE) {
        r->connection->keepalive = keepalive;
    }
    else if (rl_body_is_unread(r, body)) {
        rl_body_abandon(r);
    }
    return result;
}

int rl_denial_hook_ask(request_rec *r, rl_request_t *request, int i, int status, int64_t now)
{
    ratelimit_denial_t denial;
    int result;
    if (!is_anybody_interested()) {
        return status;
    }
    describe_denial(r, &request->claims[i], status, now, &denial);
    rl_environment_show(r, request);
    result = run_denial_hook(r, request->body, &denial);
    if (result == DONE || result == RATELIMIT_VETO || is_error_status(result)) {
        return result;
    }
    if (result != OK) {
        ap_log_rerror(
            APLOG_MARK, APLOG_DEBUG, 0, r,
            "ratelimit: rule %s: a module's ratelimit_denial hook returned %d, which is "
            "not a valid answer; the request is denied",
            denial.rule, result);
    }
    return status;
}
