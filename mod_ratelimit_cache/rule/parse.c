/* SPDX-License-Identifier: Apache-2.0 */
#include "parse.h"

#include <apr_strings.h>
#include <http_core.h>
#include <string.h>

#include "draft.h"
#include "identity.h"
#include "manner.h"
#include "options.h"

static const char *parse_rate(rl_draft_t *draft, const char *text)
{
    rl_rule_t *rule = draft->rule;
    rl_rate_t rate = {.unlimited = false};
    const char *reason;
    rule->rate_text = text;
    if (strncmp(text, "expr=", 5) == 0) {
        reason = rl_draft_expr(draft, text + 5, RL_EXPR_STRING, &rule->rate_expr);
    }
    else {
        reason = rl_rate_parse(text, &rate);
    }
    rule->unlimited = rate.unlimited;
    if (rate.concurrent) {
        rule->meter.algorithm = RL_CONCURRENT;
    }
    rule->meter.limit = rate.count;
    rule->meter.period_us = rate.period_us;
    return reason != NULL ? rl_draft_error(draft, text, reason) : NULL;
}

static rl_phase_e phase_of(bool after_auth, bool body)
{
    if (after_auth) {
        return body ? RL_PHASE_LATE_BODY : RL_PHASE_LATE;
    }
    return body ? RL_PHASE_EARLY_BODY : RL_PHASE_EARLY;
}

/* Sets what follows from key= and distinct= together. */
static void sum_up_parts(const rl_draft_t *draft)
{
    static const rl_key_spec_t none;
    rl_rule_t *rule = draft->rule;
    const rl_key_spec_t *key = &rule->key;
    const rl_key_spec_t *distinct = rule->distinct != NULL ? rule->distinct : &none;
    rule->phase = phase_of(draft->reads_user || key->after_auth || distinct->after_auth,
                           key->body || distinct->body);
    rule->reads_env = draft->reads_env || key->env || distinct->env;
    rule->reads_headers = draft->reads_headers || key->headers || distinct->headers;
    rule->reads_pass = draft->reads_pass || key->pass || distinct->pass;
    rule->of_passes = rule->challenge || rule->reads_pass;
    rule->of_target = key->of_target || distinct->of_target;
    rule->personal = key->personal || distinct->personal;
    rule->key.alike = rl_key_spec_alike(draft->cmd->temp_pool, key);
    if (rule->distinct != NULL) {
        rule->distinct->fold = key->fold;
        rule->distinct->absence = key->absence;
    }
}

static bool reads_auth(const rl_outcomes_t *outcomes)
{
    return outcomes != NULL && rl_outcomes_read_auth(outcomes);
}

/* Returns NULL, or the error: a rule that is checked after authentication can't go by what
 * comes of it. */
static const char *check_outcomes(const rl_draft_t *draft)
{
    const rl_rule_t *rule = draft->rule;
    if (rule->phase != RL_PHASE_LATE && rule->phase != RL_PHASE_LATE_BODY) {
        return NULL;
    }
    if (reads_auth(rule->count) || reads_auth(rule->clear)) {
        return rl_draft_error(
            draft, reads_auth(rule->count) ? "count=" : "clear=",
            "auth-failed and auth-ok are over when this rule is checked, after authentication, "
            "because it reads the user; key it by claimed-user, ip or a form field, or list "
            "statuses");
    }
    return NULL;
}

static bool rule_is_plain(const rl_rule_t *rule)
{
    const bool counts = !rule->dropped && !rule->unlimited && rule->rate_expr == NULL &&
                        rule->meter.algorithm != RL_CONCURRENT;
    const bool computes = rule->cost_expr != NULL || rule->busy != RL_UNITS_UNSET;
    const bool heeds = rule->count != NULL || rule->clear != NULL || rule->known_s > 0;
    const bool reads = rule->reads_env || rule->reads_headers || rule->reads_pass;
    return counts && !computes && !heeds && !reads && rule->always && !rule->tenant &&
           rule->phase == RL_PHASE_EARLY && rule->distinct == NULL && rule->group == NULL &&
           !rule->of_target;
}

static void set_defaults(rl_rule_t *rule)
{
    rule->key = (rl_key_spec_t){.n = 1, .fold = true};
    rule->key.parts[0] =
        (rl_key_part_t){.kind = RL_PART_IP, .name = "", .v4bits = -1, .v6bits = -1};
    rule->methods.all = true;
    rule->cost = 1;
    rule->burst = rule->initial = rule->queue = rule->busy = RL_UNITS_UNSET;
    rule->on_error = RL_ON_ERROR_UNSET;
}

/* Reads everything after the name. */
static const char *parse_rule(rl_draft_t *draft, int argc, char *const argv[])
{
    const char *error;
    if (ap_cstr_casecmp(argv[0], "off") == 0) {
        draft->rule->dropped = true;
        return argc == 1 ? NULL : rl_draft_error(draft, argv[1], "off takes no options");
    }
    error = parse_rate(draft, argv[0]);
    return error != NULL ? error : rl_draft_options(draft, argc - 1, argv + 1);
}

const char *rl_rule_parse(cmd_parms *cmd, int argc, char *const argv[], rl_rule_t **parsed)
{
    rl_rule_t *rule = apr_pcalloc(cmd->pool, sizeof(*rule));
    rl_draft_t draft = {.cmd = cmd, .rule = rule};
    const char *error;
    if (argc < 2) {
        return apr_psprintf(cmd->pool,
                            "%s%s%s: write NAME RATE [option=value ...], or NAME off",
                            cmd->cmd->name, argc > 0 ? " " : "", argc > 0 ? argv[0] : "");
    }
    rule->name = argv[0];
    rule->directive = cmd->directive;
    rule->tenant = rl_cmd_is_tenant(cmd);
    set_defaults(rule);
    if (!rl_is_name(rule->name)) {
        return rl_draft_error(&draft, rule->name, rl_name_reason);
    }
    error = parse_rule(&draft, argc - 1, argv + 1);
    if (error == NULL) {
        sum_up_parts(&draft);
        rule->always = rule->methods.all && rule->when == NULL && rule->unless == NULL;
        rule->plain = rule_is_plain(rule);
        rl_draft_identify(&draft);
        if (!rule->tenant) {
            rl_draft_manner(&draft);
        }
        error = check_outcomes(&draft);
    }
    *parsed = rule;
    return error;
}
