/* SPDX-License-Identifier: Apache-2.0 */
#include "environment.h"

#include <apr_strings.h>
#include <string.h>

#include "../core/number.h"
#include "../httpd/env_readers.h"
#include "../httpd/module.h"

/* Writes a number and its NUL right before *end, and moves *end to its first digit. printf is
 * too slow for every request. */
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

/* Returns the quota as text: as made when the configuration was read, or, if the rate is
 * computed or lowered, made now. */
static const char *quota_text(char **end, const rl_claim_t *claim)
{
    const rl_rule_t *rule = claim->rule;
    return rule != NULL && rule->quota_text != NULL && !rl_meter_is_lowered(&claim->op.meter)
               ? rule->quota_text
               : write_number(end, rl_meter_quota(&claim->op.meter));
}

/* A key's tag, and room for four numbers. */
typedef struct rl_environment_text {
    char tag[RL_TAG_LENGTH + 1];
    char numbers[4 * (RL_DIGITS_MAX + 1)];
} rl_environment_text_t;

static void environment_set(request_rec *r, rl_environment_t *environment, const char *status,
                            const rl_claim_t *claim, int64_t now)
{
    rl_environment_text_t *text = apr_palloc(r->pool, sizeof(*text));
    char *end = text->numbers + sizeof(text->numbers);
    rl_digest_tag(&claim->op.key, text->tag);
    *environment = (rl_environment_t){.status = status, .rule = claim->name, .key = text->tag};
    if (!claim->invalid) {
        environment->limit = quota_text(&end, claim);
        environment->remaining = write_number(&end, rl_claim_remaining(claim));
        environment->reset = write_seconds(&end, rl_step_free_at(&claim->step), now);
    }
    if (!claim->step.granted) {
        environment->retry_after = write_seconds(&end, claim->step.retry, now);
    }
}

/* ---- what is told ---- */

void rl_environment_set(request_rec *r, rl_request_t *request, const char *status,
                        const rl_claim_t *claim, int64_t now)
{
    environment_set(r, &request->environment, status, claim, now);
    request->reported = 0;
    request->published = NULL;
}

void rl_environment_report(rl_request_t *request, int64_t now)
{
    request->reported = now;
    request->published = NULL;
}

void rl_environment_exempt(rl_request_t *request)
{
    request->environment = (rl_environment_t){.status = "exempt"};
    request->reported = 0;
    request->published = NULL;
}

/* Returns the claim to tell of: rl_environment_report(). */
static const rl_claim_t *told_claim(const rl_request_t *request)
{
    const rl_claim_t *closest = &request->claims[0];
    for (int i = 0; i < request->n; i++) {
        const rl_claim_t *claim = &request->claims[i];
        if (claim->uncounted || !claim->step.granted) {
            return claim;
        }
        if (i > 0 && rl_claim_is_closer(claim, closest)) {
            closest = claim;
        }
    }
    return closest;
}

static const char *status_of(const rl_claim_t *claim)
{
    if (claim->uncounted) {
        return "error";
    }
    return claim->step.granted ? "allowed" : "observed";
}

void rl_environment_make(request_rec *r, rl_request_t *request)
{
    if (request->reported != 0) {
        const rl_claim_t *claim = told_claim(request);
        environment_set(r, &request->environment, status_of(claim), claim, request->reported);
        request->reported = 0;
    }
}

/* ---- the table of variables ---- */

static const char *const variables[] = {
    "RATELIMIT_STATUS",    "RATELIMIT_RULE",      "RATELIMIT_LIMIT",
    "RATELIMIT_REMAINING", "RATELIMIT_RESET",     "RATELIMIT_RETRY_AFTER",
    "RATELIMIT_KEY",       "RATELIMIT_CHALLENGE", "RATELIMIT_CHALLENGE_PATH",
};

#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

/* Removes what an earlier decision left, or somebody's SetEnvIf made up. */
static void clear_variables(apr_table_t *env)
{
    const apr_array_header_t *entries = apr_table_elts(env);
    bool any = false;
    for (int i = 0; i < entries->nelts && !any; i++) {
        const char *key = APR_ARRAY_IDX(entries, i, apr_table_entry_t).key;
        any = strncmp(key, "RATELIMIT_", 10) == 0 && strcmp(key + 10, "PASS") != 0 &&
              strcmp(key + 10, "BUSY") != 0;
    }
    for (size_t i = 0; any && i < VARIABLES; i++) {
        apr_table_unset(env, variables[i]);
    }
}

/* The variables are added, not set: apr_table_set looks through all entries of the table first,
 * and ours all begin alike. */
static void environment_add(request_rec *r, const rl_environment_t *environment,
                            const char *prefix)
{
    const char *const values[VARIABLES] = {
        environment->status,    environment->rule,      environment->limit,
        environment->remaining, environment->reset,     environment->retry_after,
        environment->key,       environment->challenge, environment->challenge_path,
    };
    for (size_t i = 0; i < VARIABLES; i++) {
        if (values[i] != NULL) {
            apr_table_addn(r->subprocess_env,
                           prefix != NULL ? apr_pstrcat(r->pool, prefix, variables[i], NULL)
                                          : variables[i],
                           values[i]);
        }
    }
}

/* ---- when it is told ---- */

/* Returns true if there is something to tell. */
static bool environment_is_told(const rl_request_t *request)
{
    return request->reported != 0 || request->environment.status != NULL;
}

RL_RARELY static void publish(request_rec *r, rl_request_t *request)
{
    rl_environment_make(r, request);
    clear_variables(r->subprocess_env);
    environment_add(r, &request->environment, NULL);
    request->published = r;
}

void rl_environment_show(request_rec *r, rl_request_t *request)
{
    if (request != NULL && environment_is_told(request) && request->published != r) {
        publish(r, request);
    }
}

RL_EACH_REQUEST bool rl_environment_show_early(request_rec *r, rl_request_t *request)
{
    if (request->published == r || (request->denied.r == NULL && !rl_env_is_awaited(r))) {
        return true;
    }
    rl_environment_show(r, request);
    return request->published == r;
}

void rl_environment_redirected(request_rec *r)
{
    rl_request_t *request = rl_request_get(r);
    if (request != NULL && environment_is_told(request) &&
        request->progress.checked.r == r->prev && request->published != r->prev) {
        rl_environment_make(r, request);
        environment_add(r, &request->environment, "REDIRECT_");
    }
}
