#include "rule.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <string.h>

#include "../core/number.h"
#include "../core/rate.h"
#include "expression.h"
#include "methods.h"

#define NAME_MAX_LENGTH 31 /* behind the first letter */

static const char not_yet[] = "not available yet";
static const char bad_name[] = "a name is a letter and up to 31 letters, digits, _ or -";

/* What the options of one directive come to before they become a rule. */
typedef struct rl_draft {
    cmd_parms *cmd;
    rl_rule_t *rule;
    const char *algorithm; /* as it was written, NULL for the default */
    unsigned seen;         /* bits of options that were given */
    bool reads_user;       /* a condition reads the authenticated user */
} rl_draft_t;

/* Option parsers return NULL or a reason; the caller names directive and token. */
typedef const char *rl_option_fn(rl_draft_t *draft, const char *value);

static bool is_one_of(const char *value, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (ap_cstr_casecmp(value, *words) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_name(const char *name)
{
    size_t len = 0;
    if (!apr_isalpha(name[0])) {
        return false;
    }
    while (apr_isalnum(name[len]) || name[len] == '_' || name[len] == '-') {
        len++;
    }
    return len <= NAME_MAX_LENGTH + 1 && name[len] == '\0';
}

/* ---- options ---- */

static const char *option_key(rl_draft_t *draft, const char *value)
{
    return rl_key_parse(draft->cmd, value, &draft->rule->key);
}

static const char *option_methods(rl_draft_t *draft, const char *value)
{
    return rl_methods_parse(draft->cmd->pool, value, &draft->rule->methods);
}

static const char *option_algorithm(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {"sliding-window", "token-bucket", NULL};
    draft->algorithm = value;
    if (ap_cstr_casecmp(value, "fixed-window") == 0) {
        return NULL;
    }
    return is_one_of(value, words) ? not_yet
                                   : "must be fixed-window, sliding-window or token-bucket";
}

static const char *option_window(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {"staggered", "clock", NULL};
    if (draft->algorithm != NULL && ap_cstr_casecmp(draft->algorithm, "fixed-window") != 0) {
        return "belongs to algorithm=fixed-window";
    }
    draft->rule->meter.aligned = ap_cstr_casecmp(value, "clock") == 0;
    return is_one_of(value, words) ? NULL : "must be staggered or clock";
}

/* burst= and initial= */
static const char *option_bucket(rl_draft_t *draft, const char *value)
{
    uint64_t n;
    if (!rl_number_parse(value, strlen(value), RL_COUNT_MAX, &n)) {
        return "must be an integer from 0 to 4294967295";
    }
    if (draft->algorithm == NULL || ap_cstr_casecmp(draft->algorithm, "token-bucket") != 0) {
        return "belongs to algorithm=token-bucket";
    }
    return not_yet;
}

static const char *option_cost(rl_draft_t *draft, const char *value)
{
    const ap_expr_info_t *expr;
    uint64_t n;
    if (strncmp(value, "expr=", 5) == 0) {
        const char *reason = rl_expr_parse(draft->cmd, value + 5, RL_EXPR_STRING, &expr);
        return reason != NULL ? reason : not_yet;
    }
    if (!rl_number_parse(value, strlen(value), RL_COUNT_MAX, &n)) {
        return "must be an integer from 0 to 4294967295, or expr=EXPR";
    }
    return n == 1 ? NULL : not_yet;
}

static const char *option_condition(rl_draft_t *draft, const char *value,
                                    const ap_expr_info_t **expr)
{
    draft->reads_user |= rl_expr_reads_user(value);
    return rl_expr_parse(draft->cmd, value, RL_EXPR_BOOLEAN, expr);
}

static const char *option_when(rl_draft_t *draft, const char *value)
{
    return option_condition(draft, value, &draft->rule->when);
}

static const char *option_unless(rl_draft_t *draft, const char *value)
{
    return option_condition(draft, value, &draft->rule->unless);
}

/* 100 to 599, or a class: 1xx to 5xx. */
static bool is_outcome(const char *word)
{
    return strlen(word) == 3 && word[0] >= '1' && word[0] <= '5' &&
           ((apr_isdigit(word[1]) && apr_isdigit(word[2])) ||
            ap_cstr_casecmp(word + 1, "xx") == 0);
}

static const char *check_outcomes(rl_draft_t *draft, const char *value)
{
    const ap_expr_info_t *expr;
    char *rest = apr_pstrdup(draft->cmd->temp_pool, value);
    if (strncmp(value, "expr=", 5) == 0) {
        return rl_expr_parse(draft->cmd, value + 5, RL_EXPR_BOOLEAN, &expr);
    }
    while (rest != NULL) {
        char *word = rest;
        rest = strchr(rest, ',');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        if (!is_outcome(word)) {
            return "must be a list of statuses and classes such as 401,403,5xx, or expr=EXPR";
        }
    }
    return NULL;
}

static const char *option_count(rl_draft_t *draft, const char *value)
{
    const char *reason;
    if (ap_cstr_casecmp(value, "all") == 0) {
        return NULL;
    }
    reason = check_outcomes(draft, value);
    return reason != NULL ? reason : not_yet;
}

static const char *option_clear(rl_draft_t *draft, const char *value)
{
    const char *reason = check_outcomes(draft, value);
    return reason != NULL ? reason : not_yet;
}

static const char *option_group(rl_draft_t *draft, const char *value)
{
    draft->rule->group = value;
    return is_name(value) ? NULL : bad_name;
}

static const char *option_action(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {"deny", "observe", NULL};
    draft->rule->observe = ap_cstr_casecmp(value, "observe") == 0;
    return is_one_of(value, words) ? NULL : "must be deny or observe";
}

static const char *option_penalty(rl_draft_t *draft, const char *value)
{
    const char *comma = strchr(value, ',');
    const char *duration = value, *reason;
    int64_t us;
    if (comma != NULL && ap_cstr_casecmp(comma, ",extend") != 0) {
        return "must be DURATION or DURATION,extend";
    }
    if (comma != NULL) {
        duration = apr_pstrmemdup(draft->cmd->temp_pool, value, (apr_size_t)(comma - value));
    }
    reason = rl_duration_parse(duration, &us);
    return reason != NULL ? reason : not_yet;
}

static const char *option_missing(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {"share", "skip", "deny", NULL};
    draft->rule->missing = ap_cstr_casecmp(value, "skip") == 0   ? RL_MISSING_SKIP
                           : ap_cstr_casecmp(value, "deny") == 0 ? RL_MISSING_DENY
                                                                 : RL_MISSING_SHARE;
    return is_one_of(value, words) ? NULL : "must be share, skip or deny";
}

static const char *option_fold(rl_draft_t *draft, const char *value)
{
    static const char *const words[] = {"on", "off", NULL};
    draft->rule->key.fold = ap_cstr_casecmp(value, "on") == 0;
    return is_one_of(value, words) ? NULL : "must be on or off";
}

static const char *option_status(rl_draft_t *draft, const char *value)
{
    return rl_status_parse(value, &draft->rule->status);
}

static const char *option_on_error(rl_draft_t *draft, const char *value)
{
    return rl_on_error_parse(value, &draft->rule->on_error);
}

static const struct {
    const char *name;
    rl_option_fn *parse;
} options[] = {
    {"algorithm", option_algorithm}, /* first: others depend on it */
    {"key", option_key},
    {"methods", option_methods},
    {"window", option_window},
    {"burst", option_bucket},
    {"initial", option_bucket},
    {"cost", option_cost},
    {"when", option_when},
    {"unless", option_unless},
    {"count", option_count},
    {"clear", option_clear},
    {"group", option_group},
    {"action", option_action},
    {"penalty", option_penalty},
    {"missing", option_missing},
    {"fold", option_fold},
    {"status", option_status},
    {"on-error", option_on_error},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

static int find_option(const char *token, size_t len)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (strlen(options[i].name) == len && strncmp(options[i].name, token, len) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* The reason why an argument isn't an option, or NULL; sets which it is. */
static const char *identify(rl_draft_t *draft, const char *token, int *which)
{
    const size_t len = strcspn(token, "=");
    *which = find_option(token, len);
    if (*which < 0 || token[len] != '=') {
        return "not an option; write option=value, option one of key, methods, algorithm, "
               "window, "
               "burst, initial, cost, when, unless, count, clear, group, action, penalty, "
               "missing, fold, status, on-error";
    }
    if ((draft->seen & 1u << *which) != 0) {
        return "given twice";
    }
    if (token[len + 1] == '\0') {
        return "the value is missing";
    }
    if (token[len + 1] == '"' || token[len + 1] == '\'') {
        return "put the quotes around the whole option, \"option=value\"";
    }
    draft->seen |= 1u << *which;
    return NULL;
}

static const char *complain(rl_draft_t *draft, const char *token, const char *reason)
{
    return apr_psprintf(draft->cmd->pool, "%s %s: \"%s\": %s", draft->cmd->cmd->name,
                        draft->rule->name, token, reason);
}

/* Which argument gives which option, -1 for none. Returns NULL or the error. */
static const char *sort_options(rl_draft_t *draft, int argc, char *const argv[],
                                int given[OPTIONS])
{
    for (size_t i = 0; i < OPTIONS; i++) {
        given[i] = -1;
    }
    for (int i = 0; i < argc; i++) {
        int which;
        const char *reason = identify(draft, argv[i], &which);
        if (reason != NULL) {
            return complain(draft, argv[i], reason);
        }
        given[which] = i;
    }
    return NULL;
}

/* algorithm= is parsed before the others. What is wrong is told before what has to wait. */
static const char *parse_options(rl_draft_t *draft, int argc, char *const argv[])
{
    const char *later = NULL;
    int given[OPTIONS];
    const char *error = sort_options(draft, argc, argv, given);
    for (size_t i = 0; i < OPTIONS && error == NULL; i++) {
        const char *token = given[i] >= 0 ? argv[given[i]] : NULL;
        const char *reason =
            token != NULL ? options[i].parse(draft, strchr(token, '=') + 1) : NULL;
        if (reason == not_yet) {
            later = later != NULL ? later : complain(draft, token, reason);
        }
        else if (reason != NULL) {
            error = complain(draft, token, reason);
        }
    }
    return error != NULL ? error : later;
}

/* ---- name and rate ---- */

static const char *parse_rate(rl_draft_t *draft, const char *text)
{
    const ap_expr_info_t *expr;
    const char *reason;
    rl_rate_t rate = {.unlimited = false};
    if (strncmp(text, "expr=", 5) == 0) {
        reason = rl_expr_parse(draft->cmd, text + 5, RL_EXPR_STRING, &expr);
        return complain(draft, text, reason != NULL ? reason : not_yet);
    }
    reason = rl_rate_parse(text, &rate);
    if (reason != NULL) {
        return complain(draft, text, reason);
    }
    draft->rule->rate_text = text;
    draft->rule->limit_text = apr_psprintf(draft->cmd->pool, "%u", rate.count);
    draft->rule->unlimited = rate.unlimited;
    draft->rule->meter.limit = rate.count;
    draft->rule->meter.period_us = rate.period_us;
    return NULL;
}

/* ---- identity ---- */

/* One section's head as it is written. <Else> says nothing of itself, so its line does: its
 * counters start anew when lines are inserted above it. */
static const char *head_of(apr_pool_t *pool, const ap_directive_t *section)
{
    return ap_cstr_casecmpn(section->directive, "<Else", 5) == 0
               ? apr_psprintf(pool, "%s %s %d\n", section->directive, section->args,
                              section->line_num)
               : apr_pstrcat(pool, section->directive, " ", section->args, "\n", NULL);
}

/* Where the directive stands, by the sections around it as they are written: it stays the same
 * over reloads, and, for an .htaccess, over requests. The virtual host isn't in it: the one
 * that serves the request is added when a key is built. A tenant's sections are told apart by
 * their file; cmd->path is of no use there, inside of <Files> it is that section's argument. */
static const char *section_of(const cmd_parms *cmd)
{
    const char *path = "";
    for (const ap_directive_t *at = cmd->directive->parent; at != NULL; at = at->parent) {
        if (ap_cstr_casecmp(at->directive, "<VirtualHost") != 0) {
            path = apr_pstrcat(cmd->temp_pool, head_of(cmd->temp_pool, at), path, NULL);
        }
    }
    if (rl_cmd_is_tenant(cmd)) {
        path = apr_pstrcat(cmd->temp_pool, "file ", cmd->directive->filename, "\n", path, NULL);
    }
    return path;
}

static const char *identity_text(const cmd_parms *cmd, const rl_rule_t *rule)
{
    apr_pool_t *pool = cmd->temp_pool;
    const char *key = rl_key_spec_text(pool, &rule->key);
    const char *counting = apr_psprintf(pool, "%d %d %" APR_INT64_T_FMT, rule->meter.algorithm,
                                        rule->meter.aligned, rule->meter.period_us);
    if (rule->group == NULL) {
        return apr_pstrcat(pool, "rule\n", section_of(cmd), rule->name, "\n", counting, "\n",
                           key, NULL);
    }
    return apr_psprintf(pool, "%s %" APR_SIZE_T_FMT ":%s\n%s %u\n%s\n%s",
                        rule->tenant ? "tenant's group" : "group", strlen(rule->group),
                        rule->group, counting, rule->meter.limit,
                        rl_methods_text(pool, &rule->methods), key);
}

static void set_identity(const cmd_parms *cmd, rl_rule_t *rule)
{
    const char *text = identity_text(cmd, rule);
    rule->id = rl_digest_public(text, strlen(text));
    rule->per_vhost = rule->group == NULL || rule->tenant;
}

static rl_phase_e phase_of(const rl_draft_t *draft)
{
    const rl_key_spec_t *key = &draft->rule->key;
    if (draft->reads_user || key->after_auth) {
        return key->body ? RL_PHASE_LATE_BODY : RL_PHASE_LATE;
    }
    return key->body ? RL_PHASE_EARLY_BODY : RL_PHASE_EARLY;
}

const char *rl_rule_parse(cmd_parms *cmd, int argc, char *const argv[],
                          const rl_rule_t **parsed)
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
    rule->tenant = rl_cmd_is_tenant(cmd);
    rule->key = (rl_key_spec_t){.n = 1, .fold = true};
    rule->key.parts[0] =
        (rl_key_part_t){.kind = RL_PART_IP, .name = "", .v4bits = -1, .v6bits = -1};
    rule->methods.all = true;
    rule->on_error = RL_ON_ERROR_UNSET;
    if (!is_name(rule->name)) {
        return complain(&draft, rule->name, bad_name);
    }
    if (ap_cstr_casecmp(argv[1], "off") == 0) {
        rule->dropped = true;
        set_identity(cmd, rule);
        *parsed = rule;
        return argc == 2 ? NULL : complain(&draft, argv[2], "off takes no options");
    }
    error = parse_rate(&draft, argv[1]);
    if (error == NULL) {
        error = parse_options(&draft, argc - 2, argv + 2);
    }
    rule->phase = phase_of(&draft);
    set_identity(cmd, rule);
    *parsed = rule;
    return error;
}

/* ---- at a request ---- */

/* A condition that can't be evaluated doesn't switch a limit off. */
static bool holds(request_rec *r, const ap_expr_info_t *expr, bool on_error)
{
    const char *error = NULL;
    const int result = ap_expr_exec(r, expr, &error);
    return result < 0 ? on_error : result > 0;
}

bool rl_rule_applies(const rl_rule_t *rule, request_rec *r)
{
    if (!rule->methods.all && !rl_methods_cover(&rule->methods, r)) {
        return false;
    }
    if (rule->when != NULL && !holds(r, rule->when, true)) {
        return false;
    }
    return rule->unless == NULL || !holds(r, rule->unless, false);
}
