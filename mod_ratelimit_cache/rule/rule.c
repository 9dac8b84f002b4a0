/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"

#include <apr_strings.h>
#include <string.h>

void rl_rule_meter(const rl_rule_t *rule, const rl_rate_t *rate, rl_meter_t *meter)
{
    *meter = rule->meter;
    meter->limit = rate->count;
    meter->period_us = rate->period_us;
    if (meter->algorithm == RL_TOKEN_BUCKET) {
        meter->burst = rule->burst >= 0 ? (uint32_t)rule->burst : rate->count;
        meter->initial = rule->initial >= 0 && rule->initial < meter->burst
                             ? (uint32_t)rule->initial
                             : meter->burst;
    }
    rl_meter_prepare(meter);
}

void rl_rule_lower(const rl_rule_t *rule, rl_meter_t *meter)
{
    if (rule->busy >= 0 && rule->busy < meter->limit) {
        meter->usual = meter->limit;
        meter->limit = (uint32_t)rule->busy;
    }
}

static bool condition_holds(request_rec *r, const ap_expr_info_t *expr, bool on_error)
{
    const char *error = NULL;
    const int result = ap_expr_exec(r, expr, &error);
    return result < 0 ? on_error : result > 0;
}

rl_hindrance_e rl_rule_hindrance(const rl_rule_t *rule, request_rec *r)
{
    if (!rule->methods.all && !rl_methods_cover(&rule->methods, r)) {
        return RL_HINDERED_BY_METHOD;
    }
    if (rule->when != NULL && !condition_holds(r, rule->when, true)) {
        return RL_HINDERED_BY_WHEN;
    }
    return rule->unless != NULL && condition_holds(r, rule->unless, false)
               ? RL_HINDERED_BY_UNLESS
               : RL_APPLIES;
}

uint32_t rl_rule_slots_for(const rl_rule_t *rule, uint32_t all, request_rec *r)
{
    if (rule->reserve == 0 || condition_holds(r, rule->prefer, false)) {
        return all;
    }
    return all > rule->reserve ? all - rule->reserve : 0;
}

const char *rl_rule_rate_text(apr_pool_t *pool, const rl_rule_t *rule, const rl_meter_t *meter)
{
    if (rule->rate_expr != NULL) {
        return apr_psprintf(pool, "%u/%" APR_INT64_T_FMT, meter->limit,
                            meter->period_us / RL_USEC_PER_SEC);
    }
    return rl_meter_is_lowered(meter)
               ? apr_psprintf(pool, "%u%s", meter->limit, strchr(rule->rate_text, '/'))
               : rule->rate_text;
}
