/* SPDX-License-Identifier: Apache-2.0 */
#include "issue.h"

#include <apr_general.h>

#include "../config/config.h"
#include "../limiter/limiter.h"
#include "../process/runtime.h"
#include "../request/session.h"
#include "seal_of.h"

/* Passes are counted as a rule counts requests, in the table and in the shared store of the
 * virtual host. There is no rule, so it doesn't show in statistics. */

/* Returns the key of the counter: the site's, for the client's network. */
static rl_digest_t key_of_issues(const request_rec *r, const rl_pass_settings_t *settings)
{
    static const char what[] = "passes that a network has got";
    const rl_digest_t *site = &rl_server_config(r->server)->site;
    rl_digest_t id = rl_digest_public(what, sizeof(what) - 1);
    rl_address_t network;
    rl_key_builder_t builder;
    size_t size = 0;
    const uint8_t *identity = NULL;
    id.hi ^= site->hi;
    id.lo ^= site->lo;
    if (rl_challenge_network(r, settings, &network)) {
        identity = rl_address_identity(&network, &size);
    }
    rl_key_begin(&builder, rl_runtime_secret(r->server), &id);
    rl_key_add(&builder, 0, identity, size);
    return rl_key_finish(&builder);
}

/* Returns OK, or the status of a refusal. */
static int charge_issue(request_rec *r, const rl_pass_settings_t *settings, int64_t now,
                        int64_t *retry_s)
{
    rl_claim_t claim = {
        .op = {.key = key_of_issues(r, settings), .meter = settings->issue, .cost = 1},
        .on_error = (rl_on_error_e)rl_dir_on_error(rl_dir_config(r)),
        .distinct = {.holds = RL_HOLDS_UNITS},
        .step = {.word = -1},
        .name = "RateLimitPass",
    };
    rl_session_t session;
    int denied;
    rl_session_begin(r, 0, &session);
    denied = rl_limiter_decide(&session.source, &claim, 1, now);
    rl_session_end(&session);
    if (denied < 0) {
        return OK;
    }
    *retry_s = rl_seconds_until(claim.step.retry, now);
    return claim.uncounted ? HTTP_SERVICE_UNAVAILABLE : HTTP_TOO_MANY_REQUESTS;
}

int rl_pass_issue(request_rec *r, const rl_pass_settings_t *settings,
                  char text[RL_PASS_TEXT_LENGTH + 1], int64_t *retry_s)
{
    const apr_time_t now = apr_time_now();
    rl_pass_t pass = {.issued = apr_time_sec(now)};
    rl_seal_t seal;
    int status = settings->limited ? charge_issue(r, settings, now, retry_s) : OK;
    if (status == OK &&
        apr_generate_random_bytes(pass.nonce, sizeof(pass.nonce)) != APR_SUCCESS) {
        *retry_s = 1;
        status = HTTP_SERVICE_UNAVAILABLE;
    }
    if (status == OK) {
        rl_challenge_seal(r, settings, &seal);
        rl_pass_write(&seal, &pass, text);
    }
    return status;
}
