/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <http_log.h>

#include "../config/config.h"
#include "../core/meter/tally.h"
#include "../process/runtime.h"

APLOG_USE_MODULE(ratelimit_cache);

/* Messages about a rule for which each request could give cause. Each is logged once in a
 * period, whichever child finds it due. */
typedef struct rl_message {
    uint64_t number;   /* tells the messages apart */
    int64_t period_us; /* microseconds */
    bool per_vhost;    /* once for each virtual host that the rule is in */
} rl_message_t;

#define MINUTE (60 * RL_USEC_PER_SEC)
#define DAY    (86400 * RL_USEC_PER_SEC)

static const rl_message_t overruled = {1, DAY, true}, unshared = {2, DAY, true},
                          bad_rate = {3, MINUTE, false}, bad_cost = {4, MINUTE, false},
                          bad_handler = {5, DAY, true}, surplus = {6, DAY, true};

/* Charges a token bucket of one unit, which the ledger keeps for this message, rule and virtual
 * host. Returns true if the unit was there. */
static bool message_is_due(const request_rec *r, const rl_rule_t *rule,
                           const rl_message_t *message)
{
    static const rl_digest_t everywhere;
    const rl_digest_t *where =
        message->per_vhost ? &rl_server_config(r->server)->vhost : &everywhere;
    const rl_digest_t key = {.hi = rule->id.hi ^ where->hi,
                             .lo = rule->id.lo ^ where->lo ^ message->number << 32};
    rl_operation_t op = {.key = key,
                         .ledger_key = rl_ledger_key(&key, rule->number),
                         .meter = {.algorithm = RL_TOKEN_BUCKET,
                                   .limit = 1,
                                   .burst = 1,
                                   .initial = 1,
                                   .period_us = message->period_us},
                         .now = r->request_time,
                         .cost = 1,
                         .rule = rule->number};
    rl_step_t step;
    rl_meter_prepare(&op.meter);
    rl_ledger_charge(&rl_runtime()->ledger, &op, &step);
    return step.granted;
}

void rl_log_overruled(request_rec *r, const rl_rule_t *rule)
{
    if (message_is_due(r, rule, &overruled)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            "ratelimit: rule %s of an .htaccess file has no effect here, because the "
            "server's configuration has a rule of this name; choose another name in the "
            ".htaccess file",
            rule->name);
    }
}

void rl_log_surplus(request_rec *r, const rl_rule_t *rule)
{
    if (message_is_due(r, rule, &surplus)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            "ratelimit: rule %s of an .htaccess file has no effect here: no more than %d "
            "rules, and %d form: and query: parts, are taken from .htaccess files; remove "
            "rules from "
            "the .htaccess files of this directory and those above it",
            rule->name, RL_TENANT_RULES_MAX, RL_TENANT_FIELDS_MAX);
    }
}

void rl_log_unshared(request_rec *r, const rl_claim_t *claim)
{
    if (message_is_due(r, claim->rule, &unshared)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s, limit %s: too high for a fleet to share, so each "
                      "server counts it by itself; a fleet can share limits up to %u, and "
                      "token buckets up to %" APR_INT64_T_FMT " tokens a second",
                      claim->name, rl_rule_rate_text(r->pool, claim->rule, &claim->op.meter),
                      RL_TALLY_LIMIT, (int64_t)RL_TALLY_TOKENS_PER_SEC);
    }
}

void rl_log_rate(request_rec *r, const rl_rule_t *rule, const char *reason)
{
    if (message_is_due(r, rule, &bad_rate)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            "ratelimit: rule %s: %s is not a rate for this request: %s; with "
            "on-error=deny the request is denied, otherwise the rule does not apply to it",
            rule->name, rule->rate_text, reason);
    }
}

void rl_log_cost(request_rec *r, const rl_rule_t *rule)
{
    if (message_is_due(r, rule, &bad_cost)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s: cost=expr= is not an integer from 0 to 4294967295 "
                      "for this request; the request costs 1 unit instead",
                      rule->name);
    }
}

void rl_log_deny_handler(request_rec *r, const rl_rule_t *rule, const char *handler)
{
    if (message_is_due(r, rule, &bad_handler)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            "ratelimit: rule %s: RateLimitDenyHandler %s failed, and the client got the "
            "default answer; check that it exists, may be accessed, and answers "
            "neither 500 nor 502 nor 504",
            rule->name, handler);
    }
}
