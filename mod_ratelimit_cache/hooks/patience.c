/* SPDX-License-Identifier: Apache-2.0 */
#include "patience.h"

#include "../limiter/checks.h"
#include "../request/session.h"
#include "../rule/outcome.h"

static bool is_patient(const rl_claim_t *claim)
{
    const rl_rule_t *rule = claim->rule;
    return rule != NULL && rule->count != NULL && !claim->observe && !claim->refuse &&
           rl_outcomes_read_only_auth(rule->count);
}

bool rl_patience_begin(const request_rec *r, rl_request_t *request, int first, int64_t now)
{
    rl_session_t session;
    bool any = false;
    for (int i = first; i < request->n; i++) {
        rl_claim_t *claim = &request->claims[i];
        claim->patient = is_patient(claim);
        if (claim->patient) {
            if (!any) {
                rl_session_view(r->server, &session);
            }
            any = true;
            rl_checks_begin(&session.source, claim, now);
        }
    }
    return any;
}

void rl_patience_denied(const request_rec *r, rl_request_t *request, int first, int64_t now)
{
    rl_session_t session;
    rl_session_view(r->server, &session);
    for (int i = first; i < request->n; i++) {
        rl_checks_end(&session.source, &request->claims[i], now);
    }
}

bool rl_patience_helps(const request_rec *r, const rl_request_t *request, int first,
                       int64_t now)
{
    rl_session_t session;
    rl_session_view(r->server, &session);
    for (int i = first; i < request->n; i++) {
        const rl_claim_t *claim = &request->claims[i];
        if (!claim->step.granted && !claim->observe &&
            (!claim->patient || claim->uncounted ||
             !rl_checks_go_on(&session.source, claim, now))) {
            return false;
        }
    }
    return true;
}

void rl_patience_end(const rl_request_t *request, int first)
{
    for (int i = first; i < request->n; i++) {
        request->claims[i].patient = false;
    }
}

void rl_patience_checked(const request_rec *r, const rl_request_t *request)
{
    rl_session_t session;
    bool any = false;
    for (int i = 0; i < request->n; i++) {
        if (request->claims[i].checking) {
            if (!any) {
                rl_session_view(r->server, &session);
            }
            any = true;
            rl_checks_end(&session.source, &request->claims[i], apr_time_now());
        }
    }
}
