#include "report.h"

#include <apr_strings.h>
#include <http_log.h>
#include <stdio.h>
#include <string.h>

#include "../core/tally.h"
#include "config.h"
#include "runtime.h"

APLOG_USE_MODULE(ratelimit_cache);

#define DIGITS_MAX 10 /* of 32 bits */

int64_t rl_seconds_until(int64_t time_us, int64_t now_us)
{
    const int64_t left = time_us - now_us;
    return left > RL_USEC_PER_SEC ? (left + RL_USEC_PER_SEC - 1) / RL_USEC_PER_SEC : 1;
}

/* Writes a number and its NUL, moves *at behind, returns the start. printf is too slow for
 * every request. */
static const char *write_number(char **at, uint32_t number)
{
    char digits[DIGITS_MAX];
    const char *start = *at;
    int n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0) {
        *(*at)++ = digits[--n];
    }
    *(*at)++ = '\0';
    return start;
}

void rl_report_set(request_rec *r, rl_report_t *report, const char *status,
                   const rl_settled_t *settled, const rl_claim_t *claim, int64_t now)
{
    char *at = apr_palloc(r->pool, 3 * (DIGITS_MAX + 1) + RL_TAG_LENGTH + 1);
    rl_digest_tag(&claim->key, at);
    *report = (rl_report_t){
        .status = status, .rule = settled->name, .limit = settled->limit, .key = at};
    at += RL_TAG_LENGTH + 1;
    report->remaining = write_number(&at, rl_claim_remaining(claim));
    report->reset = write_number(&at, (uint32_t)rl_seconds_until(claim->step.reset, now));
    if (!claim->step.granted) {
        report->retry_after =
            write_number(&at, (uint32_t)rl_seconds_until(claim->step.retry, now));
    }
}

static const char *const variables[] = {
    "RATELIMIT_STATUS", "RATELIMIT_RULE",        "RATELIMIT_LIMIT", "RATELIMIT_REMAINING",
    "RATELIMIT_RESET",  "RATELIMIT_RETRY_AFTER", "RATELIMIT_KEY",
};

#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

/* Takes out what an earlier decision left, or somebody else's SetEnvIf made up. */
static void clear_variables(apr_table_t *env)
{
    const apr_array_header_t *entries = apr_table_elts(env);
    bool any = false;
    for (int i = 0; i < entries->nelts && !any; i++) {
        any = strncmp(APR_ARRAY_IDX(entries, i, apr_table_entry_t).key, "RATELIMIT_", 10) == 0;
    }
    for (size_t i = 0; any && i < VARIABLES; i++) {
        apr_table_unset(env, variables[i]);
    }
}

/* A table looks through all of its entries before it sets one, and ours all begin alike; so
 * they are added. */
void rl_report_publish(request_rec *r, const rl_report_t *report)
{
    const char *const values[VARIABLES] = {
        report->status, report->rule,        report->limit, report->remaining,
        report->reset,  report->retry_after, report->key,
    };
    clear_variables(r->subprocess_env);
    for (size_t i = 0; i < VARIABLES; i++) {
        if (values[i] != NULL) {
            apr_table_addn(r->subprocess_env, variables[i], values[i]);
        }
    }
}

void rl_report_log_denial(request_rec *r, const rl_source_t *source, const rl_rule_t *rule,
                          const rl_claim_t *claim, int64_t now)
{
    const int level = rl_server_log_level(rl_server_config(r->server));
    char tag[RL_TAG_LENGTH + 1];
    char more[64] = "";
    uint32_t repeats;
    if (rl_source_note_denial(source, &claim->key, &claim->step, now, &repeats) != 1) {
        return;
    }
    rl_digest_tag(&claim->key, tag);
    if (repeats > 0) {
        snprintf(more, sizeof(more), "; %u more since the last such line", repeats);
    }
    ap_log_rerror(APLOG_MARK, level, 0, r,
                  "ratelimit: rule %s, limit %s: %s, key %s, retry after %" APR_INT64_T_FMT
                  " s%s",
                  rule->name, rule->rate_text, claim->observe ? "would deny" : "denied", tag,
                  rl_seconds_until(claim->step.retry, now), more);
}

/* Whether a message about a rule is due: once a day and virtual host, whichever child asks. */
static bool is_daily(const request_rec *r, const rl_rule_t *rule, uint64_t message)
{
    const rl_meter_t once_a_day = {.limit = 1, .period_us = 86400 * RL_USEC_PER_SEC};
    const rl_digest_t *vhost = &rl_server_config(r->server)->vhost;
    const rl_digest_t key = {.hi = rule->id.hi ^ vhost->hi,
                             .lo = rule->id.lo ^ vhost->lo ^ message << 32};
    rl_step_t step;
    rl_ledger_charge(&rl_runtime()->ledger, &key, &once_a_day, r->request_time, 1, &step);
    return step.granted;
}

void rl_report_log_overruled(request_rec *r, const rl_rule_t *rule)
{
    if (is_daily(r, rule, 1)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s of an .htaccess has no effect here: the server's "
                      "configuration has a rule of that name",
                      rule->name);
    }
}

void rl_report_log_unshared(request_rec *r, const rl_rule_t *rule)
{
    if (is_daily(r, rule, 2)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s, limit %s: a fleet can share limits up to %u; each "
                      "server counts this one by itself",
                      rule->name, rule->rate_text, RL_TALLY_LIMIT);
    }
}

void rl_report_log_deny_handler(request_rec *r, const rl_rule_t *rule, const char *handler)
{
    if (is_daily(r, rule, 3)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s: RateLimitDenyHandler %s failed; the denial has the "
                      "default answer",
                      rule->name, handler);
    }
}
