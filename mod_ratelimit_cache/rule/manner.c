/* SPDX-License-Identifier: Apache-2.0 */
#include "manner.h"

#include <apr_strings.h>
#include <string.h>

#include "../httpd/methods.h"

/* The functions below return an option, or several, as text; "" for the default. Expressions
 * are compared as they are written. */

static const char *conditions_text(apr_pool_t *pool, const rl_draft_t *draft)
{
    const rl_rule_t *rule = draft->rule;
    if (rule->always) {
        return "";
    }
    return apr_pstrcat(
        pool, rl_methods_text(pool, &rule->methods), rule->when != NULL ? "\nwhen " : "",
        rule->when != NULL ? draft->when_text : "", rule->unless != NULL ? "\nunless " : "",
        rule->unless != NULL ? draft->unless_text : "", NULL);
}

static const char *gaps_text(apr_pool_t *pool, const rl_draft_t *draft)
{
    const rl_rule_t *rule = draft->rule;
    if (rule->missing == RL_MISSING_SHARE && rule->absent == RL_MISSING_SHARE) {
        return "";
    }
    return apr_psprintf(pool, "%d %d", rule->missing, rule->absent);
}

/* Returns how many tokens a new bucket has; RL_UNITS_UNSET: it is full, or there is none. */
static int64_t initial_of(const rl_rule_t *rule)
{
    if (rule->rate_expr != NULL || rule->meter.algorithm != RL_TOKEN_BUCKET) {
        return rule->initial;
    }
    return rule->meter.initial < rule->meter.burst ? (int64_t)rule->meter.initial
                                                   : RL_UNITS_UNSET;
}

static const char *units_text(apr_pool_t *pool, const rl_draft_t *draft)
{
    const rl_rule_t *rule = draft->rule;
    const int64_t initial = initial_of(rule);
    if (rule->cost == 1 && rule->cost_expr == NULL && initial == RL_UNITS_UNSET) {
        return "";
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %u %s", initial, rule->cost,
                        rule->cost_expr != NULL ? draft->cost_text : "");
}

/* How long a browser is known is told by what it carries. */
static const char *outcomes_text(apr_pool_t *pool, const rl_draft_t *draft)
{
    const rl_rule_t *rule = draft->rule;
    if (rule->count == NULL && rule->clear == NULL) {
        return "";
    }
    return apr_pstrcat(pool, rule->count != NULL ? rl_outcomes_text(pool, rule->count) : "all",
                       "\nclear ",
                       rule->clear != NULL ? rl_outcomes_text(pool, rule->clear) : "",
                       rule->known_s > 0 ? "\nknown" : "", NULL);
}

static const char *penalty_text(apr_pool_t *pool, const rl_draft_t *draft)
{
    const rl_meter_t *meter = &draft->rule->meter;
    if (meter->penalty_us == 0) {
        return "";
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %d %" APR_INT64_T_FMT, meter->penalty_us,
                        meter->extend, meter->double_us);
}

static uint64_t manner_digest(const char *text)
{
    return *text != '\0' ? rl_digest_public(text, strlen(text)).hi | 1 : 0;
}

void rl_draft_manner(const rl_draft_t *draft)
{
    static const char *(*const texts[])(apr_pool_t *, const rl_draft_t *) = {
        [RL_ALIKE_CONDITIONS - RL_ALIKE_OPTIONS] = conditions_text,
        [RL_ALIKE_GAPS - RL_ALIKE_OPTIONS] = gaps_text,
        [RL_ALIKE_UNITS - RL_ALIKE_OPTIONS] = units_text,
        [RL_ALIKE_OUTCOMES - RL_ALIKE_OPTIONS] = outcomes_text,
        [RL_ALIKE_PENALTIES - RL_ALIKE_OPTIONS] = penalty_text,
    };
    for (int i = 0; i < RL_ALIKE_OPTIONS_COUNT; i++) {
        draft->rule->manner[i] = manner_digest(texts[i](draft->cmd->temp_pool, draft));
    }
}
