/* SPDX-License-Identifier: Apache-2.0 */
#include "gather.h"

#include <http_main.h>

#include "../config/config.h"
#include "../mod_ratelimit_cache.h"
#include "../process/busy.h"
#include "../process/runtime.h"
#include "../process/figures.h"
#include "../rule/section.h"
#include "gathering.h"
#include "text/metrics.h"
#include "token.h"

#define RECENT_MINUTES 5

/* ---- rules ---- */

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

static const char *algorithm_name(rl_algorithm_e algorithm)
{
    switch (algorithm) {
    case RL_SLIDING_WINDOW:
        return "sliding-window";
    case RL_TOKEN_BUCKET:
        return "token-bucket";
    case RL_CONCURRENT:
        return "concurrent";
    default:
        return "fixed-window";
    }
}

static rl_interval_t recent_of(const rl_figures_t *figures, uint32_t now_s)
{
    rl_interval_t minutes[RL_MINUTES], sum = {.n = {0}};
    rl_figures_minutes(figures, now_s, minutes);
    for (int i = RL_MINUTES - RECENT_MINUTES; i < RL_MINUTES; i++) {
        for (int j = 0; j < RL_FIGURES_IN_TIME; j++) {
            sum.n[j] += minutes[i].n[j];
        }
    }
    return sum;
}

static void describe_rule(apr_pool_t *pool, const rl_rule_t *rule, rl_rule_row_t *row)
{
    row->name = rule->name;
    row->section = rl_rule_section(pool, rule);
    row->rate = rule->rate_text;
    row->key = rl_key_spec_shown(pool, &rule->key);
    row->algorithm = algorithm_name(rule->meter.algorithm);
    row->observe = rule->observe;
}

/* Sets all of the row but its figures. */
static void begin_row(apr_pool_t *pool, const server_rec *s, const rl_rule_t *rule,
                      rl_rule_row_t *row)
{
    *row = (rl_rule_row_t){.name = ".htaccess",
                           .section = "",
                           .rate = "",
                           .key = "",
                           .algorithm = "",
                           .vhost = text_of(s->server_hostname)};
    if (rule != NULL) {
        describe_rule(pool, rule, row);
    }
}

static void add_rule(const rl_gathering_t *to, const server_rec *s, const rl_rule_t *rule,
                     const rl_figures_t *figures)
{
    rl_rule_row_t *row = apr_array_push(to->rules);
    rl_row_origin_t *origin = apr_array_push(to->origins);
    begin_row(to->pool, s, rule, row);
    row->figures = figures;
    rl_figures_sum(figures, row->n);
    row->recent = recent_of(figures, to->now_s);
    row->in_flight = to->at_once[figures - rl_runtime()->stats->figures].held;
    row->waiting = to->at_once[figures - rl_runtime()->stats->figures].waiting;
    *origin = (rl_row_origin_t){.rule = rule, .server = s};
}

/* Adds the rule where it stands, and in the virtual hosts that inherit it. */
static void add_rule_everywhere(const rl_gathering_t *to, const rl_rule_t *rule)
{
    const rl_figures_t *home = rl_figures_of_rule(rule->home, rule);
    if (home == NULL) {
        return;
    }
    add_rule(to, rule->home, rule, home);
    for (const server_rec *s = to->main_server->next;
         rule->home == to->main_server && s != NULL; s = s->next) {
        const rl_figures_t *figures = rl_figures_of_rule(s, rule);
        if (figures != home && rl_figures_any(figures)) {
            add_rule(to, s, rule, figures);
        }
    }
}

/* Two sections of the same head are one: the rule of the one that comes later stands. */
static bool is_replaced(const rl_rule_t *const *rules, unsigned n, const rl_rule_t *rule)
{
    for (unsigned i = rule->place + 1; i < n; i++) {
        if (rules[i]->home == rule->home && rules[i]->figures_number == rule->figures_number) {
            return true;
        }
    }
    return false;
}

static void gather_rules(const rl_gathering_t *to)
{
    const unsigned n = rl_global_config()->nrules;
    const rl_rule_t **rules = apr_pcalloc(to->pool, (n + 1) * sizeof(const rl_rule_t *));
    for (const rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        rules[rule->place] = rule;
    }
    for (unsigned i = 0; i < n; i++) {
        if (!rules[i]->dropped && !rules[i]->unlimited && !is_replaced(rules, n, rules[i])) {
            add_rule_everywhere(to, rules[i]);
        }
    }
    for (const server_rec *s = to->main_server; s != NULL; s = s->next) {
        const rl_figures_t *figures = rl_figures_of_rule(s, NULL);
        if (figures != NULL && rl_figures_any(figures)) {
            add_rule(to, s, NULL, figures);
        }
    }
}

/* ---- the report ---- */

static rl_gathering_t begin_gathering(request_rec *r)
{
    rl_gathering_t to = {.pool = r->pool, .main_server = ap_server_conf, .now = apr_time_now()};
    to.now_s = (uint32_t)apr_time_sec(to.now);
    to.at_once = apr_pcalloc(r->pool, RL_STATS_FIGURES * sizeof(*to.at_once));
    if (rl_runtime()->slots != NULL) {
        rl_slots_count(rl_runtime()->slots, to.at_once, RL_STATS_FIGURES);
    }
    to.rules = apr_array_make(r->pool, 16, sizeof(rl_rule_row_t));
    to.origins = apr_array_make(r->pool, 16, sizeof(rl_row_origin_t));
    to.keys = apr_array_make(r->pool, 64, sizeof(rl_key_row_t));
    return to;
}

static void gather_keys_of_all(const rl_gathering_t *to)
{
    for (int i = 0; i < to->rules->nelts; i++) {
        if (APR_ARRAY_IDX(to->origins, i, rl_row_origin_t).rule != NULL) {
            rl_gather_keys(to, i);
        }
    }
}

void rl_report_found(request_rec *r, const apr_array_header_t *found, rl_report_t *report)
{
    const rl_gathering_t to = begin_gathering(r);
    for (int i = 0; i < found->nelts; i++) {
        const rl_found_t *key = &APR_ARRAY_IDX(found, i, rl_found_t);
        rl_rule_row_t *row = apr_palloc(r->pool, sizeof(*row));
        rl_operation_t op;
        begin_row(r->pool, key->server, key->rule, row);
        op = key->op;
        rl_busy_lower(key->rule, &op.meter);
        rl_gather_key(&to, key->server, &op, row);
    }
    report->found = (const rl_key_row_t *)to.keys->elts;
    report->nfound = (size_t)to.keys->nelts;
}

void rl_report_gather(request_rec *r, rl_gather_e how, rl_report_t *report)
{
    const rl_gathering_t to = begin_gathering(r);
    const apr_array_header_t *stores = rl_gather_stores(&to);
    *report = (rl_report_t){
        .version = RATELIMIT_VERSION,
        .host = text_of(r->hostname != NULL ? r->hostname : r->server->server_hostname),
        .now_s = to.now_s,
        .token = rl_token_make(r),
        .all = &rl_runtime()->stats->figures[RL_STATS_ALL]};
    rl_figures_sum(report->all, report->requests);
    rl_gather_busy(r->pool, report);
    rl_gather_table(&to, &report->table);
    gather_rules(&to);
    if (how == RL_GATHER_ALL) {
        gather_keys_of_all(&to);
    }
    report->rules = (const rl_rule_row_t *)to.rules->elts;
    report->nrules =
        how == RL_GATHER_ALL
            ? (size_t)to.rules->nelts
            : rl_metrics_merge_rules((rl_rule_row_t *)to.rules->elts, (size_t)to.rules->nelts);
    report->keys = (const rl_key_row_t *)to.keys->elts;
    report->nkeys = (size_t)to.keys->nelts;
    report->stores = (const rl_store_row_t *)stores->elts;
    report->nstores = (size_t)stores->nelts;
}
