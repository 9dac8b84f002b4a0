/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <apr_strings.h>
#include <http_log.h>

#include "../httpd/module.h"

APLOG_USE_MODULE(ratelimit_cache);

RL_EACH_REQUEST bool rl_trace_is_on(const request_rec *r)
{
    return APLOGrdebug(r);
}

static void trace_rule(request_rec *r, const rl_rule_t *rule, const char *text)
{
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "ratelimit: rule %s: %s", rule->name, text);
}

void rl_trace_idle(request_rec *r, const rl_rule_t *rule, bool decided)
{
    if (decided) {
        trace_rule(r, rule, "was decided on before; a request is charged once");
        return;
    }
    switch (rl_rule_hindrance(rule, r)) {
    case RL_HINDERED_BY_METHOD:
        trace_rule(r, rule, "does not apply: methods= does not name this method");
        break;
    case RL_HINDERED_BY_WHEN:
        trace_rule(r, rule, "does not apply: when= came to false");
        break;
    case RL_HINDERED_BY_UNLESS:
        trace_rule(r, rule, "does not apply: unless= came to true");
        break;
    case RL_APPLIES:
        break;
    }
}

void rl_trace_unclaimed(request_rec *r, const rl_rule_t *rule, const rl_claim_t *claim)
{
    if (claim->missing || claim->valueless) {
        trace_rule(r, rule,
                   "does not apply: a part of the key has no value (missing=, absent=)");
    }
    else if (rule->rate_expr != NULL) {
        trace_rule(r, rule, "does not apply: its expr= gave no rate, or there is no user");
    }
    else {
        trace_rule(r, rule, "does not apply: there is no authenticated user");
    }
}

/* ---- claims ---- */

static void trace_claim(request_rec *r, const rl_claim_t *claim, const char *text)
{
    char tag[RL_TAG_LENGTH + 1];
    rl_digest_tag(&claim->op.key, tag);
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "ratelimit: rule %s, key %s: %s", claim->name,
                  tag, text);
}

/* Returns what became of a claim that is over its limit or can't be counted. */
static const char *over_text(apr_pool_t *pool, const rl_claim_t *claim, int64_t now)
{
    const char *verb = claim->observe ? "observed" : "denied";
    if (claim->uncounted) {
        return claim->step.granted ? "not counted, on-error= admits"
                                   : "not counted, on-error= denies";
    }
    if (claim->refuse) {
        return apr_psprintf(pool, "%s: a part of the key has no value (missing=, absent=)",
                            verb);
    }
    return apr_psprintf(pool, "%s, fits again in %" APR_INT64_T_FMT " s", verb,
                        rl_seconds_until(claim->step.retry, now));
}

static const char *decision_text(apr_pool_t *pool, const rl_claim_t *claim, int64_t now)
{
    const char *text =
        claim->distinct.free ? "nothing charged, the value was before" : "charged";
    if (claim->uncounted || !claim->step.granted) {
        text = over_text(pool, claim, now);
    }
    else if (claim->excused) {
        return "over, but the key is exempt";
    }
    else if (!claim->charged) { /* its step says what a charge would have left */
        return claim->op.cost == 0 ? "nothing to charge" : "fits, not charged";
    }
    return apr_psprintf(pool, "%s, %u of %u left", text, rl_claim_remaining(claim),
                        rl_meter_quota(&claim->op.meter));
}

static const char *browser_text(const rl_claim_t *claim)
{
    if (claim->account == NULL) {
        return "";
    }
    return claim->known ? ", known browser" : ", stranger";
}

void rl_trace_decision(request_rec *r, const rl_claim_t *claims, int n, int64_t now)
{
    for (int i = 0; i < n; i++) {
        const rl_claim_t *claim = &claims[i];
        const char *text =
            apr_psprintf(r->pool, "limit %s, cost %u%s%s: %s",
                         rl_rule_rate_text(r->pool, claim->rule, &claim->op.meter),
                         claim->op.cost, claim->missing || claim->valueless ? ", no value" : "",
                         browser_text(claim), decision_text(r->pool, claim, now));
        trace_claim(r, claim, text);
    }
}

void rl_trace_refund(request_rec *r, const rl_claim_t *claim, const char *why)
{
    trace_claim(r, claim,
                claim->distinct.holds == RL_HOLDS_UNITS
                    ? apr_psprintf(r->pool, "given back %u, %s", claim->op.cost, why)
                    : apr_psprintf(r->pool,
                                   "the value given back unless another request holds "
                                   "it, %s",
                                   why));
}

void rl_trace_clear(request_rec *r, const rl_claim_t *claim, const char *why)
{
    trace_claim(r, claim, apr_psprintf(r->pool, "cleared, %s", why));
}

void rl_trace_exempt(request_rec *r)
{
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "ratelimit: exempt, no rule is looked at");
}
