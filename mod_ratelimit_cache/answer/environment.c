#include "environment.h"

#include <apr_strings.h>
#include <http_log.h>
#include <stdio.h>
#include <string.h>

#include "../core/number.h"
#include "../core/meter/tally.h"
#include "../config/config.h"
#include "../process/runtime.h"

APLOG_USE_MODULE(ratelimit_cache);

#define PENALTY_BIT 0x80000000u

int64_t rl_seconds_until(int64_t time_us, int64_t now_us)
{
    const int64_t left = time_us - now_us;
    return left > RL_USEC_PER_SEC ? (left + RL_USEC_PER_SEC - 1) / RL_USEC_PER_SEC : 1;
}

/* A number and its NUL in front of *end, which moves there. printf is too slow for every
 * request. */
static const char *write_number(char **end, uint32_t number)
{
    *--*end = '\0';
    *end = rl_number_write(*end, number);
    return *end;
}

static const char *write_seconds(char **end, int64_t time_us, int64_t now_us)
{
    const int64_t seconds = rl_seconds_until(time_us, now_us);
    return write_number(end, seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX);
}

/* The quota as it was written down when the configuration was read, if it is known since. */
static const char *quota_text(char **end, const rl_settled_t *settled, const rl_claim_t *claim)
{
    const rl_rule_t *rule = settled->rule;
    return rule != NULL && rule->quota_text != NULL
               ? rule->quota_text
               : write_number(end, rl_meter_quota(&claim->meter));
}

int64_t rl_report_reset(const rl_step_t *step)
{
    return !step->granted && step->retry > step->reset ? step->retry : step->reset;
}

/* Room for a key's tag and four numbers. */
typedef struct rl_report_text {
    char tag[RL_TAG_LENGTH + 1];
    char numbers[4 * (RL_DIGITS_MAX + 1)];
} rl_report_text_t;

void rl_report_set(request_rec *r, rl_report_t *report, const char *status,
                   const rl_settled_t *settled, const rl_claim_t *claim, int64_t now)
{
    rl_report_text_t *text = apr_palloc(r->pool, sizeof(*text));
    char *end = text->numbers + sizeof(text->numbers);
    rl_digest_tag(&claim->key, text->tag);
    *report = (rl_report_t){.status = status, .rule = settled->name, .key = text->tag};
    if (!settled->invalid) {
        report->limit = quota_text(&end, settled, claim);
        report->remaining = write_number(&end, rl_claim_remaining(claim));
        report->reset = write_seconds(&end, rl_report_reset(&claim->step), now);
    }
    if (!claim->step.granted) {
        report->retry_after = write_seconds(&end, claim->step.retry, now);
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

const char *rl_report_rate(const request_rec *r, const rl_rule_t *rule, const rl_claim_t *claim)
{
    return rule->rate_expr == NULL
               ? rule->rate_text
               : apr_psprintf(r->pool, "%u/%" APR_INT64_T_FMT, claim->meter.limit,
                              claim->meter.period_us / RL_USEC_PER_SEC);
}

#define LOG_WINDOW (60 * RL_USEC_PER_SEC)

/* A denial's step, in the time that has one line: its window, or a minute if that is longer.
 * Under a penalty that isn't the window but the penalty, told by when it ends; one that each
 * try extends has no end, so its length is taken. The bit keeps these apart from windows'
 * numbers, which are less than the seconds since 1970.
 */
static rl_step_t logged_step(const rl_claim_t *claim, int64_t now)
{
    const rl_meter_t *meter = &claim->meter;
    rl_step_t step = claim->step;
    if (meter->penalty_us > 0) {
        const int64_t time =
            meter->extend ? now / meter->penalty_us : step.retry / RL_USEC_PER_SEC;
        step.window = (uint32_t)time | PENALTY_BIT;
    }
    else if (meter->period_us < LOG_WINDOW) { /* no line a second for a limit a second */
        step.window = (uint32_t)(now / LOG_WINDOW);
    }
    return step;
}

void rl_report_log_denial(request_rec *r, const rl_source_t *source, const rl_rule_t *rule,
                          const rl_claim_t *claim, int64_t now)
{
    const int level = rl_server_log_level(rl_server_config(r->server));
    char tag[RL_TAG_LENGTH + 1];
    char more[64] = "";
    const rl_step_t step = logged_step(claim, now);
    uint32_t repeats;
    if (rl_source_note_denial(source, &claim->key, &step, now, &repeats) != 1) {
        return;
    }
    rl_digest_tag(&claim->key, tag);
    if (repeats > 0) {
        snprintf(more, sizeof(more), "; %u more since the last such line", repeats);
    }
    ap_log_rerror(
        APLOG_MARK, level, 0, r,
        "ratelimit: rule %s, limit %s: %s, key %s, retry after %" APR_INT64_T_FMT " s%s",
        rule->name, rl_report_rate(r, rule, claim), claim->observe ? "would deny" : "denied",
        tag, rl_seconds_until(claim->step.retry, now), more);
}

/* Messages about a rule that come with every request, and are logged at most once a period,
 * whichever child asks. */
typedef struct rl_message {
    uint64_t number;
    int64_t period_us;
    bool per_vhost; /* for each virtual host that the rule is in */
} rl_message_t;

#define MINUTE (60 * RL_USEC_PER_SEC)
#define DAY    (86400 * RL_USEC_PER_SEC)

static const rl_message_t overruled = {1, DAY, true}, unshared = {2, DAY, true},
                          bad_rate = {3, MINUTE, false}, bad_cost = {4, MINUTE, false},
                          bad_handler = {5, DAY, true};

static bool is_due(const request_rec *r, const rl_rule_t *rule, const rl_message_t *message)
{
    static const rl_digest_t everywhere;
    const rl_digest_t *where =
        message->per_vhost ? &rl_server_config(r->server)->vhost : &everywhere;
    const rl_digest_t key = {.hi = rule->id.hi ^ where->hi,
                             .lo = rule->id.lo ^ where->lo ^ message->number << 32};
    rl_meter_t once = {.algorithm = RL_TOKEN_BUCKET,
                       .limit = 1,
                       .burst = 1,
                       .initial = 1,
                       .period_us = message->period_us};
    rl_step_t step;
    rl_meter_prepare(&once);
    rl_ledger_charge(&rl_runtime()->ledger, &key, &once, r->request_time, 1, &step);
    return step.granted;
}

void rl_report_log_overruled(request_rec *r, const rl_rule_t *rule)
{
    if (is_due(r, rule, &overruled)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s of an .htaccess has no effect here: the server's "
                      "configuration has a rule of that name",
                      rule->name);
    }
}

void rl_report_log_unshared(request_rec *r, const rl_rule_t *rule, const rl_claim_t *claim)
{
    if (is_due(r, rule, &unshared)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s, limit %s: a fleet can share limits up to %u, and "
                      "token buckets up to %" APR_INT64_T_FMT
                      " a second; each server counts this one by itself",
                      rule->name, rl_report_rate(r, rule, claim), RL_TALLY_LIMIT,
                      (int64_t)RL_TALLY_TICKS_MAX / (RL_TALLY_TIME_MAX / RL_USEC_PER_SEC));
    }
}

/* Neither tells the value: it may be somebody's. */
void rl_report_log_rate(request_rec *r, const rl_rule_t *rule, const char *reason)
{
    if (is_due(r, rule, &bad_rate)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s: %s is not a rate for this request: %s", rule->name,
                      rule->rate_text, reason);
    }
}

void rl_report_log_cost(request_rec *r, const rl_rule_t *rule)
{
    if (is_due(r, rule, &bad_cost)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s: cost=expr= is not an integer from 0 to 4294967295 "
                      "for this request, which costs 1",
                      rule->name);
    }
}

void rl_report_log_deny_handler(request_rec *r, const rl_rule_t *rule, const char *handler)
{
    if (is_due(r, rule, &bad_handler)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "ratelimit: rule %s: RateLimitDenyHandler %s failed; the denial has the "
                      "default answer",
                      rule->name, handler);
    }
}
