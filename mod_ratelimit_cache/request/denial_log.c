/* SPDX-License-Identifier: Apache-2.0 */
#include "denial_log.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

#include "../config/config.h"
#include "../httpd/client.h"
#include "../key/request_values.h"
#include "../key/shown.h"
#include "../process/runtime.h"
#include "../process/figures.h"
#include "../system/clock.h"
#include "record.h"
#include "server_view.h"

APLOG_USE_MODULE(ratelimit_cache);

#define PENALTY_BIT 0x80000000u

#define LOG_WINDOW (60 * RL_USEC_PER_SEC)

/* Returns a copy of the denial's step, whose `window` is changed to number the span in which
 * denials are counted for the log: the key's window, or the minute if the period is shorter
 * than that.
 *
 * Under a penalty the span is not the window but the penalty, named by the second in which it
 * ends. A penalty that each try extends has no fixed end; it is named by how many of its
 * lengths have passed since the epoch. PENALTY_BIT keeps penalties apart from windows, whose
 * numbers are less than the seconds since 1970.
 */
static rl_step_t logged_step(const rl_claim_t *claim, int64_t now)
{
    const rl_meter_t *meter = &claim->op.meter;
    rl_step_t step = claim->step;
    if (meter->penalty_us > 0) {
        const int64_t longest = meter->double_us > 0 ? meter->double_us : meter->penalty_us;
        const int64_t time = meter->extend ? now / longest : step.retry / RL_USEC_PER_SEC;
        step.window = (uint32_t)time | PENALTY_BIT;
    }
    else if (meter->period_us < LOG_WINDOW) { /* not a line a second for a limit a second */
        step.window = (uint32_t)(now / LOG_WINDOW);
    }
    return step;
}

/* Returns the values of the claim's key, as rl_key_shown() does; NULL if it has none. They are
 * read from the request once more, which has not changed since the claim was made. */
static const char *values_of_key(request_rec *r, const rl_claim_t *claim)
{
    const rl_dir_config_t *conf = rl_dir_config(r);
    const rl_rule_t *rule = claim->rule;
    rl_request_t *request = rl_request_get(r);
    const rl_view_needs_t needs = {.env = rule->reads_env && !rule->tenant,
                                   .headers = rule->reads_headers && !rule->tenant};
    const rl_own_view_t view = rl_server_view_enter(r, request, needs);
    const rl_key_terms_t terms = {
        .spec = &rule->key,
        .bits = {.v4bits = rl_dir_v4bits(conf), .v6bits = rl_dir_v6bits(conf)},
        .charset = rl_dir_form_charset(conf),
        .secret = rl_runtime_secret(r->server),
        .scope = &rule->scope};
    rl_key_values_t values = {.spec = NULL, .body = request->body, .pass = &request->pass};
    rl_digest_t unused;
    const rl_key_result_e result = rl_key_of_request(r, &terms, &values, &unused);
    rl_server_view_leave(r, &view);
    return result != RL_KEY_ANONYMOUS ? rl_key_shown(r->pool, &rule->key, &values.builder)
                                      : NULL;
}

/* Returns " (PART=VALUE, ...)" for the line, and keeps the values for the status page; "" where
 * RateLimitLog doesn't ask for them. */
static const char *tell_values(request_rec *r, const rl_claim_t *claim)
{
    const char *values = NULL, *in_line = "";
    if (rl_server_logs_keys(rl_server_config(r->server))) {
        values = values_of_key(r, claim);
    }
    if (values == NULL) {
        return "";
    }
    if (rl_runtime()->stats != NULL) {
        rl_values_put(&rl_runtime()->stats->values, &claim->op.key, rl_clock_seconds(), values);
    }
    for (const char *at = values, *end; at != NULL; at = end != NULL ? end + 1 : NULL) {
        end = strchr(at, '\n');
        in_line = apr_pstrcat(
            r->pool, in_line, *in_line != '\0' ? ", " : "",
            end != NULL ? apr_pstrmemdup(r->pool, at, (apr_size_t)(end - at)) : at, NULL);
    }
    return apr_pstrcat(r->pool, " (", in_line, ")", NULL);
}

/* Keeps what the tag in the line stands for. */
static void keep_tag(const request_rec *r, const rl_claim_t *claim)
{
    rl_stats_t *stats = rl_runtime()->stats;
    const rl_figures_t *figures = rl_figures_of_rule(r->server, claim->rule);
    if (figures != NULL) {
        const rl_tagged_key_t key = {.key = claim->op.key,
                                     .meter = claim->op.meter,
                                     .figures_number = (uint32_t)(figures - stats->figures),
                                     .rule = claim->op.rule,
                                     .seen_s = rl_clock_seconds()};
        rl_tags_put(&stats->tags, &key);
    }
}

/* The last of the denials 1 to n that has a line: lines are written for the first, the tenth,
 * the hundredth and so on. 0 if n is 0. */
static uint32_t last_with_line(uint32_t n)
{
    uint32_t last = n > 0;
    while (last <= n / 10 && last > 0) {
        last *= 10;
    }
    return last;
}

/* What one client has: an IPv4 address, and of an IPv6 address the first half. */
#define WHOLE_V4BITS 32
#define WHOLE_V6BITS 64

static bool is_whole_address(const rl_key_part_t *part, const request_rec *r,
                             const rl_address_t *client)
{
    const rl_dir_config_t *conf = rl_dir_config(r);
    if (part->kind != RL_PART_IP && (part->kind != RL_PART_USER_OR_IP || r->user != NULL)) {
        return false;
    }
    if (client->family == 4) {
        return (part->v4bits >= 0 ? part->v4bits : rl_dir_v4bits(conf)) >= WHOLE_V4BITS;
    }
    return (part->v6bits >= 0 ? part->v6bits : rl_dir_v6bits(conf)) >= WHOLE_V6BITS;
}

/* Returns true if the client is over the limit by requests of its address alone: fail2ban may
 * shut it out. A limit of 0 and missing=deny deny everybody, whatever he has sent. A tenant
 * must not have visitors shut out of other sites. */
static bool is_of_one_address(const request_rec *r, const rl_claim_t *claim)
{
    const rl_key_spec_t *key = &claim->rule->key;
    rl_address_t client;
    if (claim->rule->tenant || claim->op.meter.limit == 0 || claim->refuse || claim->known ||
        !rl_client_address(r, &client)) {
        return false;
    }
    for (int i = 0; i < key->n; i++) {
        if (is_whole_address(&key->parts[i], r, &client)) {
            return true;
        }
    }
    return false;
}

static bool is_challenged(const request_rec *r, const rl_claim_t *claim)
{
    const rl_request_t *request = rl_request_get(r);
    return !claim->observe && request != NULL && request->environment.challenge != NULL;
}

/* Returns what the line says at its end of n denials that had none; "" for 0. */
static const char *tell_silent(apr_pool_t *pool, uint32_t n)
{
    return n > 0 ? apr_psprintf(pool, "; %u more since the last such line", n) : "";
}

void rl_log_denial(request_rec *r, const rl_source_t *source, const rl_claim_t *claim,
                   int64_t now)
{
    const int level = rl_server_log_level(rl_server_config(r->server));
    char tag[RL_TAG_LENGTH + 1];
    const rl_step_t step = logged_step(claim, now);
    uint32_t before;
    const uint32_t n = rl_counter_count_denial(source, &claim->op, &step, &before);
    if (n == 0 || n != last_with_line(n)) {
        return;
    }
    keep_tag(r, claim);
    rl_digest_tag(&claim->op.key, tag);
    ap_log_rerror(
        APLOG_MARK, level, 0, r,
        "ratelimit: rule %s, limit %s: %s, key %s%s, retry after %" APR_INT64_T_FMT " s%s%s%s",
        claim->name, rl_rule_rate_text(r->pool, claim->rule, &claim->op.meter),
        claim->observe ? "would deny" : "denied", tag, tell_values(r, claim),
        rl_seconds_until(claim->step.retry, now), is_challenged(r, claim) ? ", challenged" : "",
        is_of_one_address(r, claim) ? ", one address" : "",
        tell_silent(r->pool, before - last_with_line(before)));
}
